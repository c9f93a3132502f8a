//! Precision, recall and F1 of all labels in one figure each, in the three ways that are in use.

use crate::counts::{Counts, LabelCounts, mean, share};
use serde::Serialize;

/// Precision, recall and F1, each 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Share of predictions that are right.
    pub precision: f64,
    /// Share of what is right that was found.
    pub recall: f64,
    /// Harmonic mean of the two, where it is that of one label or of added counts; else a mean of such.
    pub f1: f64,
}

/// The figures of all labels as one, as scikit-learn's `precision_recall_fscore_support` has them with `zero_division=0`.
///
/// The exception is [`Averages::macro_average`] of a head that gives several labels: labels that do not occur are left
/// out there, as with `zero_division=nan`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Averages {
    /// The mean over the labels that occur in the truth or in the predictions.
    #[serde(rename = "macro")]
    pub macro_average: Scores,
    /// Of all labels' counts added up.
    #[serde(rename = "micro")]
    pub micro_average: Scores,
    /// The mean over labels, each weighing as much as it has cases.
    #[serde(rename = "weighted")]
    pub weighted_average: Scores,
    /// The mean over cases, where several labels may be right.
    #[serde(rename = "samples", skip_serializing_if = "Option::is_none")]
    pub sample_average: Option<Scores>,
}

impl Averages {
    pub(crate) fn new(counts: &Counts) -> Self {
        let occurring = || counts.by_label().iter().filter(|counts| counts.support() + counts.predicted() > 0);
        let macro_average = Scores {
            precision: mean(occurring().map(LabelCounts::precision)),
            recall: mean(occurring().map(LabelCounts::recall)),
            f1: mean(occurring().map(LabelCounts::f1)),
        };
        let total = counts.total();
        let micro_average = Scores { precision: total.precision(), recall: total.recall(), f1: total.f1() };
        let cases: u64 = counts.by_label().iter().map(LabelCounts::support).sum();
        let weighted = |figure: fn(&LabelCounts) -> f64| {
            let sum: f64 = counts.by_label().iter().map(|counts| counts.support() as f64 * figure(counts)).sum();
            if cases == 0 { 0.0 } else { sum / cases as f64 }
        };
        let weighted_average = Scores {
            precision: weighted(LabelCounts::precision),
            recall: weighted(LabelCounts::recall),
            f1: weighted(LabelCounts::f1),
        };
        Self { macro_average, micro_average, weighted_average, sample_average: None }
    }
}

/// The scores of single cases, to be averaged: how many labels were right, predicted, and both.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SampleSum {
    cases: u64,
    precision: f64,
    recall: f64,
    f1: f64,
}

impl SampleSum {
    pub(crate) fn add(&mut self, right: usize, predicted: usize, both: usize) {
        let (right, predicted, both) = (right as u64, predicted as u64, both as u64);
        self.cases += 1;
        self.precision += share(both, predicted);
        self.recall += share(both, right);
        self.f1 += share(2 * both, right + predicted);
    }

    pub(crate) fn scores(&self) -> Scores {
        let of = |sum: f64| if self.cases == 0 { 0.0 } else { sum / self.cases as f64 };
        Scores { precision: of(self.precision), recall: of(self.recall), f1: of(self.f1) }
    }
}
