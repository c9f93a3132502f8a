//! The metrics of a model on a data set, head by head.

use crate::cases::{HeadCases, head_cases};
use crate::error::Result;
use newsdesk_data::LabelledSet;
use newsdesk_metrics::{Calibration, Interval, Intervals, Report, SelectiveAccuracy, selective_accuracy};
use newsdesk_model::folder::ScoreRecord;
use newsdesk_model::{Head, Prediction};

/// The metrics of one head on a data set.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeadReport {
    /// The name of the head.
    pub head: String,
    /// Accuracy, F1 and the metrics of each label.
    pub report: Report,
    /// Whether some articles have several gold labels of which any counts as correct.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub any_of: bool,
    /// Calibration of the scores.
    pub calibration: Calibration,
    /// Coverage and accuracy if the head abstains below a minimum score, if a minimum was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selective: Option<SelectiveAccuracy>,
    /// Top-k accuracy for k = 1, 2, ..., if it was computed: see [`newsdesk_metrics::top_k`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top_k: Vec<f64>,
    /// Confidence intervals, if they were computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
    /// The metrics of subsets of the articles, if they were computed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
}

/// The metrics of the articles with one value in a column.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// The value; empty for articles without one.
    pub value: String,
    /// Number of articles.
    pub articles: u64,
    /// Share of correct predictions.
    pub accuracy: f64,
    /// Confidence interval of the accuracy.
    pub interval: Interval,
    /// Mean F1 of the labels that occur.
    pub macro_f1: f64,
}

impl HeadReport {
    /// Returns the metric by which epochs are compared: macro-F1, or accuracy where the data set has labels of its own.
    pub fn score(&self) -> f64 {
        if self.report.uses_data_set_labels { self.report.accuracy } else { self.report.macro_f1 }
    }

    /// Returns whether every gold label is exactly one label of the head, so that the metrics per label are those of the head.
    pub fn is_exact(&self) -> bool {
        !self.any_of && !self.report.uses_data_set_labels
    }
}

/// The metrics of a model on a data set.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SetReport {
    /// The name of the data set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// Articles that were classified.
    pub articles: usize,
    /// Rows of the data set that could not be used.
    pub rejected: usize,
    /// Readable rows without a label for any head of the data set.
    pub skipped: u64,
    /// The metrics of each head that data set and model have in common.
    pub heads: Vec<HeadReport>,
}

impl SetReport {
    /// Computes the metrics from the gold labels and predictions of each head.
    ///
    /// `min_scores` are the minimum scores of the model's `heads`, in their order. A head with one also reports coverage
    /// and accuracy if it abstains below this score; each label that a multi-label head predicts counts on its own.
    pub fn new(set: &LabelledSet, heads: &[Head], cases: &[HeadCases], min_scores: &[Option<f32>]) -> Self {
        let reports = cases.iter().map(|cases| {
            let head = heads.iter().position(|head| head.name == cases.head);
            let min_score = head.and_then(|head| min_scores.get(head).copied().flatten());
            HeadReport {
                report: cases.report(),
                any_of: cases.any_of(),
                calibration: cases.calibration(),
                selective: min_score
                    .map(|min_score| selective_accuracy(&cases.scored_predictions(), f64::from(min_score))),
                top_k: vec![],
                intervals: None,
                slices: vec![],
                head: cases.head.clone(),
            }
        });
        Self {
            set: set.name.clone(),
            split: set.split.clone(),
            articles: set.articles.len(),
            rejected: set.rejects.len(),
            skipped: set.skipped,
            heads: reports.collect(),
        }
    }

    /// Returns the metrics in the form that a model's manifest stores, rounded to four decimals.
    pub fn records(&self) -> impl Iterator<Item = ScoreRecord> {
        // A few hundred articles justify no more than four decimals.
        let round = |x: f64| (x * 1e4).round() / 1e4;
        let measured = self.heads.iter().filter(|head| head.report.cases > 0);
        measured.map(move |HeadReport { head, report, .. }| ScoreRecord {
            set: self.set.clone(),
            split: self.split.clone(),
            head: head.clone(),
            articles: report.cases,
            accuracy: round(report.accuracy),
            macro_f1: round(report.macro_f1),
            macro_recall: Some(round(report.macro_recall)),
            micro_f1: report.micro_f1.map(round),
        })
    }
}

/// Computes the metrics of predictions for a data set, one prediction per article.
pub(crate) fn report(set: &LabelledSet, heads: &[Head], predictions: &[Prediction]) -> Result<SetReport> {
    Ok(SetReport::new(set, heads, &head_cases(set, heads, predictions)?, &[]))
}
