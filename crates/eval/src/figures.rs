//! A report's figures in short: what the log keeps of it, and what several runs are compared by.

use crate::measure::{HeadReport, SetReport};
use serde::{Deserialize, Serialize};

/// What a model reached on a set, without the figures of each label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetFigures {
    /// Name of the set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// The figures of each head.
    pub heads: Vec<HeadFigures>,
}

/// What a model reached on one head of a set. All figures but `nll` and `brier` are from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadFigures {
    /// The head.
    pub head: String,
    /// Articles that are labelled for it.
    pub articles: u64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean F1 of the labels that occur.
    pub macro_f1: f64,
    /// F1 of all labels' counts added up; for heads that give several labels only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_f1: Option<f64>,
    /// The one of these figures by which epochs are compared.
    pub score: f64,
    /// Expected calibration error.
    pub ece: f64,
    /// Brier score.
    pub brier: f64,
    /// Negative log-likelihood, in nats.
    pub nll: f64,
}

impl From<&SetReport> for SetFigures {
    fn from(report: &SetReport) -> Self {
        let heads = report.heads.iter().map(HeadFigures::from).collect();
        Self { set: report.set.clone(), split: report.split.clone(), heads }
    }
}

impl From<&HeadReport> for HeadFigures {
    fn from(of: &HeadReport) -> Self {
        let HeadReport { head, report, calibration, .. } = of;
        Self {
            head: head.clone(),
            articles: report.cases,
            accuracy: report.accuracy,
            macro_f1: report.macro_f1,
            micro_f1: report.micro_f1,
            score: of.score(),
            ece: calibration.ece,
            brier: calibration.brier,
            nll: calibration.nll,
        }
    }
}

/// The figures of several reports.
pub fn figures(reports: &[SetReport]) -> Vec<SetFigures> {
    reports.iter().map(SetFigures::from).collect()
}
