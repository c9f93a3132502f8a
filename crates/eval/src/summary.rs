//! The main metrics of a report, without those of each label: what a training log stores, and what runs are compared by.

use crate::report::{HeadReport, SetReport};
use serde::{Deserialize, Serialize};

/// The main metrics of a model on a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetSummary {
    /// The name of the data set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// The metrics of each head.
    pub heads: Vec<HeadSummary>,
}

/// The main metrics of one head on a data set. All but `brier` and `nll` are from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadSummary {
    /// The name of the head.
    pub head: String,
    /// Articles that are labelled for it.
    pub articles: u64,
    /// Share of correct predictions.
    pub accuracy: f64,
    /// Mean F1 of the labels that occur.
    pub macro_f1: f64,
    /// F1 over the summed counts of all labels; only for multi-label heads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_f1: Option<f64>,
    /// The metric by which epochs are compared: macro-F1 or accuracy.
    pub score: f64,
    /// Expected calibration error.
    pub ece: f64,
    /// Brier score.
    pub brier: f64,
    /// Negative log-likelihood, in nats.
    pub nll: f64,
}

impl From<&SetReport> for SetSummary {
    fn from(report: &SetReport) -> Self {
        let heads = report.heads.iter().map(HeadSummary::from).collect();
        Self { set: report.set.clone(), split: report.split.clone(), heads }
    }
}

impl From<&HeadReport> for HeadSummary {
    fn from(head_report: &HeadReport) -> Self {
        let HeadReport { head, report, calibration, .. } = head_report;
        Self {
            head: head.clone(),
            articles: report.cases,
            accuracy: report.accuracy,
            macro_f1: report.macro_f1,
            micro_f1: report.micro_f1,
            score: head_report.score(),
            ece: calibration.ece,
            brier: calibration.brier,
            nll: calibration.nll,
        }
    }
}

/// Returns the main metrics of several reports.
pub fn summaries(reports: &[SetReport]) -> Vec<SetSummary> {
    reports.iter().map(SetSummary::from).collect()
}
