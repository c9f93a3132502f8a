//! The report of a head: accuracy, F1, recall, and the metrics of each label.

use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::averages::{Averages, SampleSum};
use crate::case::Case;
use crate::confusion::ConfusionMatrix;
use crate::counts::{Counts, ratio};

/// The metrics of one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelReport {
    /// The label's name.
    pub label: String,
    /// The number of cases that have the label as gold label.
    pub support: u64,
    /// The number of cases that have the label as prediction.
    pub predicted: u64,
    /// The share of the label's predictions that are correct, 0 to 1; 0 if it was never predicted.
    pub precision: f64,
    /// The share of the label's cases that are predicted, 0 to 1; 0 if it has none.
    pub recall: f64,
    /// The harmonic mean of precision and recall, 0 to 1; 0 if both are.
    pub f1: f64,
}

/// The metrics of one head on one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The number of cases.
    pub cases: u64,
    /// The number of cases that are predicted correctly.
    pub correct: u64,
    /// `correct / cases`, and 0 without cases.
    pub accuracy: f64,
    /// The accuracy if further correct labels count as well as the gold label; at least `accuracy`. `None` if no case has
    /// further correct labels.
    pub accuracy_lenient: Option<f64>,
    /// The unweighted mean F1 of the labels that occur as gold label or prediction. A label that is predicted but is never
    /// a gold label counts with an F1 of 0. A label that does not occur at all is left out.
    ///
    /// For single-label heads it is scikit-learn's `f1_score(average="macro", zero_division=0)`. For multi-label heads it is
    /// that function with `zero_division=nan`: with 0, scikit-learn also counts the labels that do not occur.
    pub macro_f1: f64,
    /// The unweighted mean recall of the labels with support: scikit-learn's `balanced_accuracy_score`, and the metric of
    /// the tweet sentiment task (Rosenthal et al., SemEval-2017 Task 4).
    pub macro_recall: f64,
    /// The F1 of the sum of all labels' counts. Only from [`multi_label`]: elsewhere it equals the accuracy.
    pub micro_f1: Option<f64>,
    /// Precision, recall and F1, averaged over labels.
    pub averages: Averages,
    /// The Matthews correlation coefficient, -1 to 1, for any number of labels (Gorodkin, "Comparing two K-category
    /// assignments by a K-category correlation coefficient", 2004); 0 if only one gold label or one prediction occurs. Only
    /// from [`single_label`].
    pub mcc: Option<f64>,
    /// The confusion matrix. The functions of this crate leave it empty, and callers fill it in.
    pub confusion: Option<ConfusionMatrix>,
    /// The metrics of each label, in the order of the labels, including those without support.
    pub per_label: Vec<LabelReport>,
    /// Whether `per_label` has the data set's own labels (from [`coarse_labels`]) instead of the head's labels.
    pub uses_data_set_labels: bool,
}

/// Returns the metrics of a head with exactly one gold label per case.
///
/// Accuracy is the share of cases whose prediction is the gold label. A case with [`Gold::AnyOf`](crate::Gold::AnyOf)
/// counts under the predicted label if it is allowed, otherwise under the first allowed label.
pub fn single_label(labels: &[String], cases: &[Case]) -> Report {
    let (counts, correct) = count(labels.len(), cases);
    Report { mcc: Some(counts.mcc(cases.len() as u64)), ..report(labels, &counts, cases, correct) }
}

/// Returns the metrics of a head on a data set with coarser labels, each of which stands for a set of the head's labels.
///
/// This is the setting of partial-label learning (Cour, Sapp and Taskar, "Learning from Partial Labels", 2011):
/// `candidate_sets[i]` are the candidate labels, those of the head that `data_set_labels[i]` stands for. The sets may overlap.
/// A case is correct if the predicted label is a candidate. The metrics per label, and so macro-F1, are of the data set's own labels:
///
/// - A correct case counts as a prediction of its own data set label.
/// - A wrong case counts as a prediction of another data set label whose set contains the predicted label, or of none. Of several,
///   it is the one for which the predicted label is correct in most cases, and the first one by name if there are still several. So
///   the order of the labels does not matter.
/// - A case without a data set label, or with one beyond the list, counts for accuracy only.
pub fn coarse_labels(data_set_labels: &[String], candidate_sets: &[Vec<usize>], cases: &[Case]) -> Report {
    let mut counts = Counts::new(data_set_labels.len());
    let mut correct = 0;
    let meanings = meanings(cases);
    for case in cases {
        // The number of the head's labels is not known here: every index in the gold labels is one of them.
        let is_correct = case.is_correct(usize::MAX);
        correct += u64::from(is_correct);
        let Some(gold) = case.data_set_label.filter(|&gold| gold < data_set_labels.len()) else { continue };
        if is_correct {
            counts.add(&[gold], &[gold]);
        } else {
            let contains = |set: &Vec<usize>| case.predicted.iter().any(|label| set.contains(label));
            let others = (0..data_set_labels.len()).zip(candidate_sets).filter(|(i, set)| *i != gold && contains(set));
            let other = others.max_by_key(|(i, _)| {
                let of_label = |label: &usize| meanings.get(&(*label, *i)).copied().unwrap_or_default();
                (case.predicted.iter().map(of_label).sum::<u64>(), Reverse(&data_set_labels[*i]))
            });
            counts.add(&[gold], other.map(|(i, _)| i).as_slice());
        }
    }
    Report { uses_data_set_labels: true, ..report(data_set_labels, &counts, cases, correct) }
}

/// Returns the number of correct cases by predicted label and data set label: what a predicted label means in this data.
fn meanings(cases: &[Case]) -> BTreeMap<(usize, usize), u64> {
    let mut found = BTreeMap::new();
    for case in cases.iter().filter(|case| case.is_correct(usize::MAX)) {
        for (label, gold) in case.predicted.iter().zip(case.data_set_label) {
            *found.entry((*label, gold)).or_default() += 1;
        }
    }
    found
}

/// Returns the metrics of a head with any number of gold labels per case.
///
/// Accuracy is the share of cases whose predicted labels are exactly the gold labels (subset accuracy). Micro-F1 is the F1
/// of the sum of all labels' counts, including false positives of labels without support.
pub fn multi_label(labels: &[String], cases: &[Case]) -> Report {
    let (counts, correct) = count(labels.len(), cases);
    let mut sum = SampleSum::default();
    for case in cases {
        let (gold, predicted) = (case.gold.labels_nearest(&[]), case.predicted_set());
        sum.add(gold.len(), predicted.len(), predicted.iter().filter(|label| gold.contains(label)).count());
    }
    let report = report(labels, &counts, cases, correct);
    let averages = Averages { sample_average: Some(sum.mean()), ..report.averages };
    Report { micro_f1: Some(averages.micro_average.f1), averages, ..report }
}

/// Returns the counts of each label, and the number of correct cases.
fn count(labels: usize, cases: &[Case]) -> (Counts, u64) {
    let mut counts = Counts::new(labels);
    let mut correct = 0;
    for case in cases {
        let predicted = case.predicted_set();
        counts.add(&case.gold.labels_nearest(&predicted), &predicted);
        correct += u64::from(case.is_correct(labels));
    }
    (counts, correct)
}

fn report(labels: &[String], counts: &Counts, cases: &[Case], correct: u64) -> Report {
    let leniently_correct = cases.iter().filter(|case| case.is_leniently_correct()).count() as u64;
    let has_further_labels = cases.iter().any(|case| !case.also_correct.is_empty());
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
        accuracy: ratio(correct, cases),
        accuracy_lenient: has_further_labels.then(|| ratio(leniently_correct, cases)),
        macro_f1: counts.macro_f1(),
        macro_recall: counts.macro_recall(),
        micro_f1: None,
        averages: Averages::new(counts),
        mcc: None,
        confusion: None,
        per_label: per_label.collect(),
        uses_data_set_labels: false,
    }
}
