//! A classifier's answers on a labelled set, compared with what is right.

use crate::cases::{HeadCases, head_cases};
use crate::error::Result;
use crate::matched::{MatchedHead, check_heads};
use newsdesk_data::{LabelledArticle, LabelledSet};
use newsdesk_metrics::{Answered, Calibration, Interval, Intervals, Report, ScoredAnswer, answered};
use newsdesk_model::folder::ScoreRecord;
use newsdesk_model::{Classifier, Head, Prediction, ScoredLabel};

/// Articles that are classified in one call: enough to sort by length, few enough to report progress.
const CHUNK: usize = 1024;

/// What a classifier reached on one head of a set.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeadReport {
    /// The head.
    pub head: String,
    /// The figures.
    pub report: Report,
    /// Whether some articles have several labels of which any is right.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub any_of: bool,
    /// How far its scores can be believed.
    pub calibration: Calibration,
    /// What is left of its answers when those with a low score are held back, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// How good the first k labels are, for k from 1, where that was asked: see [`newsdesk_metrics::top_k`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top_k: Vec<f64>,
    /// Where figures are likely to be, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
    /// The figures of parts of the articles, where that was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
}

/// What a classifier reached on the articles that have one value in a column.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// Its value; empty where articles have none.
    pub value: String,
    /// Number of articles.
    pub articles: u64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Where that is likely to be.
    pub interval: Interval,
    /// Mean F1 of the labels that occur.
    pub macro_f1: f64,
}

impl HeadReport {
    /// The figure by which epochs are compared: macro-F1, or accuracy where the figures of labels are not the head's.
    pub fn score(&self) -> f64 {
        if self.report.labels_are_sources { self.report.accuracy } else { self.report.macro_f1 }
    }

    /// Whether each article says which of the head's labels is right, so that the figures of each label are the head's.
    pub fn is_exact(&self) -> bool {
        !self.any_of && !self.report.labels_are_sources
    }
}

/// What a classifier reached on a set.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SetReport {
    /// Name of the set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// Articles that were classified.
    pub articles: usize,
    /// Rows of the set that could not be used.
    pub rejected: usize,
    /// Good rows that are labelled for no head of the set.
    pub skipped: u64,
    /// The figures of each head that the set and the model share.
    pub heads: Vec<HeadReport>,
}

impl SetReport {
    /// The figures as a model's manifest keeps them.
    pub fn records(&self) -> impl Iterator<Item = ScoreRecord> {
        // Four decimals are what a few hundred articles can tell.
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

/// Measures a classifier on every head that it shares with the set. `progress` is told after each part how many of the
/// articles are done.
///
/// Heads whose set has labels of its own (a recipe with a map) are measured as sets: an answer is right if the set's
/// label allows it, and the figures per label are in the set's labels.
///
/// # Errors
/// If no head is shared, a label of the set is not one of the model's, or classifying fails.
pub fn measure(classifier: &Classifier, set: &LabelledSet, progress: &mut dyn FnMut(usize)) -> Result<SetReport> {
    measure_from(classifier, set, &[], progress)
}

/// As [`measure`], and besides what is left when each head holds back answers with a score below its own in
/// `min_scores`. Labels that a multi-label head gives are answers each for itself.
///
/// # Errors
/// As [`measure`].
pub fn measure_from(
    classifier: &Classifier,
    set: &LabelledSet,
    min_scores: &[Option<f32>],
    progress: &mut dyn FnMut(usize),
) -> Result<SetReport> {
    let heads = &classifier.manifest().heads;
    // Before the work.
    check_heads(set, heads)?;
    report(set, heads, &predict(classifier, set, progress)?, min_scores)
}

/// A classifier's answers on a set, in the order of its articles. `progress` is told after each part how many of them
/// are done.
///
/// # Errors
/// If classifying fails.
pub fn predict(classifier: &Classifier, set: &LabelledSet, progress: &mut dyn FnMut(usize)) -> Result<Vec<Prediction>> {
    in_parts(set, progress, |texts| classifier.classify(texts))
}

/// What `read` makes of a set's articles, some of them at a time. `progress` is told after each part how many are done.
pub(crate) fn in_parts<T>(
    set: &LabelledSet,
    progress: &mut dyn FnMut(usize),
    read: impl Fn(&[String]) -> newsdesk_model::Result<Vec<T>>,
) -> Result<Vec<T>> {
    let mut done = Vec::with_capacity(set.articles.len());
    for articles in set.articles.chunks(CHUNK) {
        let texts: Vec<String> = articles.iter().map(|row| row.article.input()).collect();
        done.extend(read(&texts)?);
        progress(done.len());
    }
    Ok(done)
}

/// How right a model's answers on a set are, one answer for each article; `min_scores` are those of the model's heads.
pub(crate) fn report(
    set: &LabelledSet,
    heads: &[Head],
    predictions: &[Prediction],
    min_scores: &[Option<f32>],
) -> Result<SetReport> {
    Ok(report_of(set, heads, &head_cases(set, heads, predictions)?, min_scores))
}

/// The figures of a set whose answers were held against what is right; `min_scores` are those of the model's heads.
pub fn report_of(set: &LabelledSet, heads: &[Head], cases: &[HeadCases], min_scores: &[Option<f32>]) -> SetReport {
    let reports = cases.iter().map(|cases| {
        let number = heads.iter().position(|head| head.name == cases.head);
        let min_score = number.and_then(|number| min_scores.get(number).copied().flatten());
        HeadReport {
            report: cases.report(),
            any_of: cases.any_of(),
            calibration: cases.calibration(),
            answered: min_score.map(|min_score| answered(&cases.answers(), f64::from(min_score))),
            top_k: vec![],
            intervals: None,
            slices: vec![],
            head: cases.head.clone(),
        }
    });
    SetReport {
        set: set.name.clone(),
        split: set.split.clone(),
        articles: set.articles.len(),
        rejected: set.rejects.len(),
        skipped: set.skipped,
        heads: reports.collect(),
    }
}

/// The labels that were given on those of the labelled articles that are to count, each with its score.
pub(crate) fn given(
    set: &LabelledSet,
    number: usize,
    matched: &MatchedHead,
    predictions: &[Prediction],
    counts: &mut dyn FnMut(&LabelledArticle) -> bool,
) -> Vec<ScoredAnswer> {
    let mut answers = vec![];
    for (row, prediction) in set.articles.iter().zip(predictions) {
        let Some(target) = row.targets[number].as_ref().filter(|_| counts(row)) else { continue };
        let truth = matched.truth(target);
        let answer =
            |label: ScoredLabel| ScoredAnswer { score: f64::from(label.score), right: truth.names(label.index) };
        answers.extend(prediction.heads[matched.head].given().into_iter().map(answer));
    }
    answers
}
