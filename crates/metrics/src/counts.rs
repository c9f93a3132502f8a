//! Counts of correct and wrong predictions for each label, and the metrics that follow from them.

/// The true positives, false positives and false negatives of one label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LabelCounts {
    pub true_positives: u64,
    pub false_positives: u64,
    pub false_negatives: u64,
}

impl LabelCounts {
    /// Returns the number of cases that have the label as gold label.
    pub fn support(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Returns the number of cases that have the label as prediction.
    pub fn predicted(&self) -> u64 {
        self.true_positives + self.false_positives
    }

    /// Returns the share of the label's predictions that are correct.
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.predicted())
    }

    /// Returns the share of the label's cases that are predicted.
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.support())
    }

    /// Returns the harmonic mean of precision and recall, which is 2 TP / (2 TP + FP + FN).
    pub fn f1(&self) -> f64 {
        let twice = 2 * self.true_positives;
        ratio(twice, twice + self.false_positives + self.false_negatives)
    }
}

/// The counts of each label of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    by_label: Vec<LabelCounts>,
}

impl Counts {
    pub fn new(labels: usize) -> Self {
        Counts { by_label: vec![LabelCounts::default(); labels] }
    }

    /// Counts one case. Both lists are sets. Labels beyond the list are ignored.
    pub fn add(&mut self, gold: &[usize], predicted: &[usize]) {
        self.add_times(gold, predicted, 1);
    }

    /// Counts one case several times.
    pub fn add_times(&mut self, gold: &[usize], predicted: &[usize], times: u64) {
        for &label in gold {
            if let Some(counts) = self.by_label.get_mut(label) {
                if predicted.contains(&label) {
                    counts.true_positives += times;
                } else {
                    counts.false_negatives += times;
                }
            }
        }
        for &label in predicted.iter().filter(|label| !gold.contains(label)) {
            if let Some(counts) = self.by_label.get_mut(label) {
                counts.false_positives += times;
            }
        }
    }

    pub fn by_label(&self) -> &[LabelCounts] {
        &self.by_label
    }

    /// Returns the mean F1 of the labels that occur as gold label or prediction.
    pub fn macro_f1(&self) -> f64 {
        let occurring = self.by_label.iter().filter(|counts| counts.support() + counts.predicted() > 0);
        mean(occurring.map(LabelCounts::f1))
    }

    /// Returns the mean recall of the labels with support.
    pub fn macro_recall(&self) -> f64 {
        mean(self.by_label.iter().filter(|counts| counts.support() > 0).map(LabelCounts::recall))
    }

    /// Returns the Matthews correlation coefficient of `cases` cases with one gold label and one prediction each.
    pub fn mcc(&self, cases: u64) -> f64 {
        let total = cases as f64;
        type Number = fn(&LabelCounts) -> u64;
        let product = |a: Number, b: Number| -> f64 {
            self.by_label.iter().map(|counts| a(counts) as f64 * b(counts) as f64).sum()
        };
        let [gold, predicted]: [Number; 2] = [LabelCounts::support, LabelCounts::predicted];
        let covariance = self.total().true_positives as f64 * total - product(gold, predicted);
        let variances = (total * total - product(predicted, predicted)) * (total * total - product(gold, gold));
        if variances > 0.0 { covariance / variances.sqrt() } else { 0.0 }
    }

    /// Returns the sum of all labels' counts.
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

/// Returns the mean, and 0 without values.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u64), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// Returns `part / whole`, and 0 if `whole` is 0.
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_counted_once_for_each_of_its_labels() {
        let mut counts = Counts::new(4);
        counts.add(&[0, 1], &[1, 2, 9]);
        let numbers = |c: &LabelCounts| (c.true_positives, c.false_positives, c.false_negatives);
        let counted: Vec<_> = counts.by_label().iter().map(numbers).collect();
        assert_eq!(counted, [(0, 0, 1), (1, 0, 0), (0, 1, 0), (0, 0, 0)]);
    }

    #[test]
    fn metrics_of_a_label() {
        let counts = LabelCounts { true_positives: 3, false_positives: 1, false_negatives: 3 };
        assert_eq!((counts.support(), counts.precision(), counts.recall(), counts.f1()), (6, 0.75, 0.5, 0.6));
    }

    #[test]
    fn metrics_without_cases_are_zero() {
        let empty = LabelCounts::default();
        assert_eq!((empty.precision(), empty.recall(), empty.f1()), (0.0, 0.0, 0.0));
        for counts in [Counts::new(3), Counts::new(0)] {
            assert_eq!([counts.macro_f1(), counts.macro_recall(), counts.total().f1()], [0.0; 3]);
        }
    }
}
