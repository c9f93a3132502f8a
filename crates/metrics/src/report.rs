//! Cases to a report: accuracy, F1, recall, and the figures of each label.

use serde::Serialize;

use crate::averages::{Averages, SampleSum};
use crate::confusion::Confusion;
use crate::counts::{Counts, share};
use crate::truth::Case;

/// How well one label was predicted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelReport {
    /// The label's name.
    pub label: String,
    /// Number of cases for which the label is right.
    pub support: u64,
    /// Number of cases for which the label is predicted.
    pub predicted: u64,
    /// Share of the label's predictions that are right, 0 to 1; 0 if it was never predicted.
    pub precision: f64,
    /// Share of the label's cases that were found, 0 to 1; 0 if it has none.
    pub recall: f64,
    /// Harmonic mean of precision and recall, 0 to 1; 0 if both are.
    pub f1: f64,
}

/// How well one head did on one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Number of cases.
    pub cases: u64,
    /// Number of cases predicted rightly.
    pub correct: u64,
    /// `correct / cases`, and 0 if there are none.
    pub accuracy: f64,
    /// Share of the cases whose prediction is the truth or among the other labels that are right, too; at least the
    /// accuracy. `None` where no case names others.
    pub accuracy_any: Option<f64>,
    /// Mean F1 of the labels that occur in the truth or in the predictions, each weighing the same. A label that is
    /// predicted and never right counts with an F1 of 0; one that does not occur at all is left out.
    ///
    /// So it is scikit-learn's `f1_score(average="macro", zero_division=0)` where one label is right. Of a head that
    /// gives several labels it is that function's value with `zero_division=nan`: with 0, scikit-learn counts every
    /// column of the label matrix, those without a single entry included.
    pub macro_f1: f64,
    /// Mean recall of the labels with support, each weighing the same, whatever else is predicted: scikit-learn's
    /// `balanced_accuracy_score`, and the measure of tweet sentiment (Rosenthal et al., SemEval-2017 Task 4).
    pub macro_recall: f64,
    /// F1 of all labels' counts added up; only from [`multi_label`] (elsewhere it would repeat the accuracy).
    pub micro_f1: Option<f64>,
    /// Precision, recall and F1 of all labels together.
    pub averages: Averages,
    /// Matthews correlation coefficient, -1 to 1, for any number of labels as Gorodkin has it ("Comparing two K-category assignments by a
    /// K-category correlation coefficient", 2004); 0 where only one label is right or predicted. Only from [`single_label`].
    pub mcc: Option<f64>,
    /// What is taken for what, where somebody counted it: see [`Confusion`].
    pub confusion: Option<Confusion>,
    /// One entry per label, in the order the labels came in, those without support included.
    pub per_label: Vec<LabelReport>,
    /// Whether `per_label` speaks of the data set's own labels ([`set_valued`]) instead of the head's.
    pub labels_are_sources: bool,
}

/// Measures a head of which exactly one label is right.
///
/// Accuracy is the share of cases whose prediction is the truth.
///
/// [`Truth::AnyOf`](crate::Truth::AnyOf) counts under the predicted label if that is allowed, else under its first.
pub fn single_label(labels: &[String], cases: &[Case]) -> Report {
    let (counts, correct) = count(labels.len(), cases);
    Report { mcc: Some(counts.mcc(cases.len() as u64)), ..report(labels, &counts, cases, correct) }
}

/// Measures a head on a data set with labels of its own, each of which stands for a set of the head's labels.
///
/// A case is right if the predicted label is in the set that its truth allows. `source_sets[i]` are the head's labels
/// that `source_labels[i]` may mean; they may overlap. Figures per label, and so macro-F1, are of the set's own
/// labels.
/// A right case counts as a prediction of its own source label. A wrong one counts as a prediction of the first other
/// source label whose set holds the predicted label, or of none. A case without a source label, or with one beyond the
/// list, counts for accuracy only.
pub fn set_valued(source_labels: &[String], source_sets: &[Vec<usize>], cases: &[Case]) -> Report {
    let mut counts = Counts::new(source_labels.len());
    let mut correct = 0;
    for case in cases {
        // The head's labels are not listed here: any index that the truth names is one of them.
        let right = case.is_right(usize::MAX);
        correct += u64::from(right);
        let Some(source) = case.source_label.filter(|&source| source < source_labels.len()) else { continue };
        if right {
            counts.add(&[source], &[source]);
        } else {
            let holds = |set: &Vec<usize>| case.predicted.iter().any(|label| set.contains(label));
            let other = (0..source_labels.len()).zip(source_sets).find(|(i, set)| *i != source && holds(set));
            counts.add(&[source], other.map(|(i, _)| i).as_slice());
        }
    }
    Report { labels_are_sources: true, ..report(source_labels, &counts, cases, correct) }
}

/// Measures a head of which any number of labels may be right.
///
/// Accuracy is the share of cases whose predicted labels are exactly the right ones (subset accuracy). Micro-F1 is that
/// of all labels' counts added up, false predictions of labels without support included.
pub fn multi_label(labels: &[String], cases: &[Case]) -> Report {
    let (counts, correct) = count(labels.len(), cases);
    let mut sum = SampleSum::default();
    for case in cases {
        let (truth, predicted) = (case.truth.labels_nearest(&[]), case.predicted_set());
        sum.add(truth.len(), predicted.len(), predicted.iter().filter(|label| truth.contains(label)).count());
    }
    let report = report(labels, &counts, cases, correct);
    let averages = Averages { sample_average: Some(sum.scores()), ..report.averages };
    Report { micro_f1: Some(averages.micro_average.f1), averages, ..report }
}

/// Counts for each label, and the number of cases that are right as a whole.
fn count(labels: usize, cases: &[Case]) -> (Counts, u64) {
    let mut counts = Counts::new(labels);
    let mut correct = 0;
    for case in cases {
        let predicted = case.predicted_set();
        counts.add(&case.truth.labels_nearest(&predicted), &predicted);
        correct += u64::from(case.is_right(labels));
    }
    (counts, correct)
}

fn report(labels: &[String], counts: &Counts, cases: &[Case], correct: u64) -> Report {
    let any = cases.iter().filter(|case| case.is_any()).count() as u64;
    let is_known = cases.iter().any(|case| !case.also.is_empty());
    let cases = cases.len() as u64;
    let of_label = labels.iter().zip(counts.by_label());
    let per_label = of_label.map(|(label, counts)| LabelReport {
        label: label.clone(),
        support: counts.support(),
        predicted: counts.predicted(),
        precision: counts.precision(),
        recall: counts.recall(),
        f1: counts.f1(),
    });
    Report {
        cases,
        correct,
        accuracy: share(correct, cases),
        accuracy_any: is_known.then(|| share(any, cases)),
        macro_f1: counts.macro_f1(),
        macro_recall: counts.macro_recall(),
        micro_f1: None,
        averages: Averages::new(counts),
        mcc: None,
        confusion: None,
        per_label: per_label.collect(),
        labels_are_sources: false,
    }
}
