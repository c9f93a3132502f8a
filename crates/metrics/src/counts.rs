//! Right and wrong answers counted for each label, and the shares that follow from the counts.

/// How often one label was predicted rightly, predicted wrongly, and missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LabelCounts {
    pub true_positives: u64,
    pub false_positives: u64,
    pub false_negatives: u64,
}

impl LabelCounts {
    /// Cases for which the label is right.
    pub fn support(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Cases for which the label is predicted.
    pub fn predicted(&self) -> u64 {
        self.true_positives + self.false_positives
    }

    /// Share of the label's predictions that are right.
    pub fn precision(&self) -> f64 {
        share(self.true_positives, self.predicted())
    }

    /// Share of the label's cases that were found.
    pub fn recall(&self) -> f64 {
        share(self.true_positives, self.support())
    }

    /// Harmonic mean of precision and recall, which is 2 TP / (2 TP + FP + FN).
    pub fn f1(&self) -> f64 {
        let found = 2 * self.true_positives;
        share(found, found + self.false_positives + self.false_negatives)
    }
}

/// Counts for each label of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    by_label: Vec<LabelCounts>,
}

impl Counts {
    pub fn new(labels: usize) -> Self {
        Counts { by_label: vec![LabelCounts::default(); labels] }
    }

    /// Counts one case. Both lists are sets; labels beyond the list belong to nobody and are passed over.
    pub fn add(&mut self, truth: &[usize], predicted: &[usize]) {
        self.add_times(truth, predicted, 1);
    }

    /// Counts one case so many times.
    pub fn add_times(&mut self, truth: &[usize], predicted: &[usize], times: u64) {
        for &label in truth {
            if let Some(counts) = self.by_label.get_mut(label) {
                if predicted.contains(&label) {
                    counts.true_positives += times;
                } else {
                    counts.false_negatives += times;
                }
            }
        }
        for &label in predicted.iter().filter(|label| !truth.contains(label)) {
            if let Some(counts) = self.by_label.get_mut(label) {
                counts.false_positives += times;
            }
        }
    }

    pub fn by_label(&self) -> &[LabelCounts] {
        &self.by_label
    }

    /// Mean F1 of the labels that occur: that are right for a case or predicted for one.
    pub fn macro_f1(&self) -> f64 {
        let occurring = self.by_label.iter().filter(|counts| counts.support() + counts.predicted() > 0);
        mean(occurring.map(LabelCounts::f1))
    }

    /// Mean recall of the labels that are right for at least one case.
    pub fn macro_recall(&self) -> f64 {
        mean(self.by_label.iter().filter(|counts| counts.support() > 0).map(LabelCounts::recall))
    }

    /// Matthews correlation coefficient of so many cases with one right and one predicted label each.
    pub fn mcc(&self, cases: u64) -> f64 {
        let all = cases as f64;
        type Number = fn(&LabelCounts) -> u64;
        let product = |a: Number, b: Number| -> f64 {
            self.by_label.iter().map(|counts| a(counts) as f64 * b(counts) as f64).sum()
        };
        let [right, predicted]: [Number; 2] = [LabelCounts::support, LabelCounts::predicted];
        let covariance = self.total().true_positives as f64 * all - product(right, predicted);
        let variances = (all * all - product(predicted, predicted)) * (all * all - product(right, right));
        if variances > 0.0 { covariance / variances.sqrt() } else { 0.0 }
    }

    /// All labels' counts added up.
    pub fn total(&self) -> LabelCounts {
        let mut total = LabelCounts::default();
        for counts in &self.by_label {
            total.true_positives += counts.true_positives;
            total.false_positives += counts.false_positives;
            total.false_negatives += counts.false_negatives;
        }
        total
    }
}

/// The mean, and 0 of nothing.
pub(crate) fn mean(figures: impl Iterator<Item = f64>) -> f64 {
    let (sum, number) = figures.fold((0.0, 0u64), |(sum, number), figure| (sum + figure, number + 1));
    if number == 0 { 0.0 } else { sum / number as f64 }
}

/// `part / whole`, and 0 where there is no whole.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_counts_once_for_each_label_it_touches() {
        let mut counts = Counts::new(4);
        counts.add(&[0, 1], &[1, 2, 9]);
        let numbers = |c: &LabelCounts| (c.true_positives, c.false_positives, c.false_negatives);
        let counted: Vec<_> = counts.by_label().iter().map(numbers).collect();
        assert_eq!(counted, [(0, 0, 1), (1, 0, 0), (0, 1, 0), (0, 0, 0)]);
    }

    #[test]
    fn shares_of_a_label() {
        let counts = LabelCounts { true_positives: 3, false_positives: 1, false_negatives: 3 };
        assert_eq!((counts.support(), counts.precision(), counts.recall(), counts.f1()), (6, 0.75, 0.5, 0.6));
    }

    #[test]
    fn nothing_counted_is_zero_not_nan() {
        let nothing = LabelCounts::default();
        assert_eq!((nothing.precision(), nothing.recall(), nothing.f1()), (0.0, 0.0, 0.0));
        for counts in [Counts::new(3), Counts::new(0)] {
            assert_eq!([counts.macro_f1(), counts.macro_recall(), counts.total().f1()], [0.0; 3]);
        }
    }
}
