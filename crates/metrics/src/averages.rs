//! Precision, recall and F1 of all labels in one number each, by the averages in common use.

use crate::counts::{Counts, LabelCounts, mean, ratio};
use serde::Serialize;

/// Precision, recall and F1, each 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PrecisionRecallF1 {
    /// The share of predictions that are correct.
    pub precision: f64,
    /// The share of gold labels that are predicted.
    pub recall: f64,
    /// The harmonic mean of precision and recall, or an average of such means.
    pub f1: f64,
}

/// The averages over labels, as in scikit-learn's `precision_recall_fscore_support` with `zero_division=0`.
///
/// [`Averages::macro_average`] of a multi-label head is the exception. It leaves out labels that do not occur, as with
/// `zero_division=nan`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Averages {
    /// The mean over the labels that occur as gold label or prediction.
    #[serde(rename = "macro")]
    pub macro_average: PrecisionRecallF1,
    /// The metrics of the sum of all labels' counts.
    #[serde(rename = "micro")]
    pub micro_average: PrecisionRecallF1,
    /// The mean over labels, weighted by support.
    #[serde(rename = "weighted")]
    pub weighted_average: PrecisionRecallF1,
    /// The mean over cases, for multi-label heads.
    #[serde(rename = "samples", skip_serializing_if = "Option::is_none")]
    pub sample_average: Option<PrecisionRecallF1>,
}

impl Averages {
    pub(crate) fn new(counts: &Counts) -> Self {
        let occurring = || counts.by_label().iter().filter(|counts| counts.support() + counts.predicted() > 0);
        let macro_average = PrecisionRecallF1 {
            precision: mean(occurring().map(LabelCounts::precision)),
            recall: mean(occurring().map(LabelCounts::recall)),
            f1: mean(occurring().map(LabelCounts::f1)),
        };
        let total = counts.total();
        let micro_average = PrecisionRecallF1 { precision: total.precision(), recall: total.recall(), f1: total.f1() };
        let support: u64 = counts.by_label().iter().map(LabelCounts::support).sum();
        let weighted = |metric: fn(&LabelCounts) -> f64| {
            let sum: f64 = counts.by_label().iter().map(|counts| counts.support() as f64 * metric(counts)).sum();
            if support == 0 { 0.0 } else { sum / support as f64 }
        };
        let weighted_average = PrecisionRecallF1 {
            precision: weighted(LabelCounts::precision),
            recall: weighted(LabelCounts::recall),
            f1: weighted(LabelCounts::f1),
        };
        Self { macro_average, micro_average, weighted_average, sample_average: None }
    }
}

/// The sums of the metrics of single cases, for their mean.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SampleSum {
    cases: u64,
    precision: f64,
    recall: f64,
    f1: f64,
}

impl SampleSum {
    /// Adds a case by its numbers of gold labels, of predicted labels, and of labels that are both.
    pub(crate) fn add(&mut self, gold: usize, predicted: usize, both: usize) {
        let (gold, predicted, both) = (gold as u64, predicted as u64, both as u64);
        self.cases += 1;
        self.precision += ratio(both, predicted);
        self.recall += ratio(both, gold);
        self.f1 += ratio(2 * both, gold + predicted);
    }

    pub(crate) fn mean(&self) -> PrecisionRecallF1 {
        let mean = |sum: f64| if self.cases == 0 { 0.0 } else { sum / self.cases as f64 };
        PrecisionRecallF1 { precision: mean(self.precision), recall: mean(self.recall), f1: mean(self.f1) }
    }
}
