//! The lines of a log.

use crate::setting_names;
use newsdesk_eval::{HeadCalibration, SetSummary};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Record {
    /// The start of a run: models, data and settings.
    Start(StartRecord),
    /// A step.
    Step(StepRecord),
    /// An epoch and its validation.
    Epoch(EpochRecord),
    /// The end of a run: the finished model.
    End(EndRecord),
}

/// The start of a run: models, data and settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StartRecord {
    /// Version of Newsdesk.
    pub newsdesk: String,
    /// The name of the base.
    pub base: String,
    /// The names of the teachers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<String>,
    /// The training sets.
    pub sets: Vec<SetRows>,
    /// The validation sets, which choose the best epoch.
    pub validation: Vec<SetRows>,
    /// Steps per epoch.
    pub steps_per_epoch: usize,
    /// The settings that decide the result. Names of earlier versions are converted when a log is read.
    #[serde(deserialize_with = "setting_names::deserialize")]
    pub settings: serde_json::Value,
    /// How the encoder's token vectors are pooled.
    #[serde(default)]
    pub pooling: String,
    /// A hash of everything that decides the result: weights of base and teachers, heads, labelled articles and settings.
    #[serde(default)]
    pub fingerprint: String,
}

impl StartRecord {
    /// Returns how `self`, read from a log, differs from the start of this run. Each difference is one clause. Versions of
    /// Newsdesk may differ.
    pub fn differences(&self, run: &Self) -> Vec<String> {
        let lists = |list: &[String]| if list.is_empty() { "none".to_string() } else { list.join(", ") };
        let sets = |sets: &[SetRows]| {
            lists(&sets.iter().map(|set| format!("{} {}: {} rows", set.set, set.split, set.rows)).collect::<Vec<_>>())
        };
        let pairs = [
            ("base", self.base.clone(), run.base.clone()),
            ("pooling", self.pooling.clone(), run.pooling.clone()),
            ("teachers", lists(&self.teachers), lists(&run.teachers)),
            ("training", sets(&self.sets), sets(&run.sets)),
            ("validation", sets(&self.validation), sets(&run.validation)),
        ];
        let differing = pairs.into_iter().filter(|(_, there, here)| there != here);
        let mut clauses: Vec<String> =
            differing.map(|(what, there, here)| format!("{what}: {there} there, {here} here")).collect();
        clauses.extend(differing_settings(&self.settings, &run.settings));
        if clauses.is_empty() && self.fingerprint != run.fingerprint {
            clauses.push("texts, labels or weights of the base differ".into());
        }
        clauses
    }
}

/// Returns a clause for each setting that differs between two runs.
pub(crate) fn differing_settings(there: &serde_json::Value, here: &serde_json::Value) -> Vec<String> {
    let tables = [there, here].into_iter().filter_map(serde_json::Value::as_object);
    let names: BTreeSet<&String> = tables.flat_map(|settings| settings.keys()).collect();
    let differing = names.into_iter().filter(|name| there[*name] != here[*name]);
    differing.map(|name| format!("{name}: {} there, {} here", there[name], here[name])).collect()
}

/// A split of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRows {
    /// The name of the data set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// Its labelled rows.
    pub rows: usize,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Step within the epoch, from 1.
    pub step: usize,
    /// Mean loss per article over the steps since the last line.
    pub loss: f64,
    /// Learning rate of the step.
    pub rate: f64,
    /// Tokens per second since the last line.
    pub tokens_per_second: f64,
    /// Seconds of the run so far, without interruptions.
    pub elapsed: f64,
}

/// An epoch and its validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epoch, from 1.
    pub epoch: usize,
    /// The score by which epochs are compared.
    pub score: f64,
    /// Whether it is the best so far.
    pub best: bool,
    /// Seconds of the run so far, without interruptions.
    pub elapsed: f64,
    /// Metrics on the first window of each validation article.
    pub sets: Vec<SetSummary>,
}

/// The end of a run: the finished model, with its weights as they are stored, on whole articles, with fitted temperatures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndRecord {
    /// The best epoch, whose model is kept, from 1.
    pub best_epoch: usize,
    /// Its score.
    pub score: f64,
    /// Seconds of training, without interruptions.
    pub elapsed: f64,
    /// The heads' temperatures.
    pub temperatures: Vec<Temperature>,
    /// Metrics on the validation sets.
    pub sets: Vec<SetSummary>,
    /// Metrics on the test sets, which influenced no choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<SetSummary>,
    /// Why the model may not be good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The temperature of a head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// The name of the head.
    pub head: String,
    /// Validation articles that are labelled for it.
    pub articles: u64,
    /// The divisor of its logits.
    pub temperature: f32,
    /// Why it was not fitted, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_fitted: Option<String>,
}

impl From<&HeadCalibration> for Temperature {
    fn from(head: &HeadCalibration) -> Self {
        let HeadCalibration { head, articles, temperature, not_fitted, .. } = head;
        Self { head: head.clone(), articles: *articles, temperature: *temperature, not_fitted: not_fitted.clone() }
    }
}

/// A position in a run: an epoch, and the number of its steps that are done.
pub(super) type Position = (usize, usize);

impl Record {
    /// Returns the position in the run. An epoch's line comes after all of its steps.
    pub(super) fn position(&self) -> Position {
        match self {
            Self::Start(_) => (0, 0),
            Self::Step(step) => (step.epoch, step.step),
            Self::Epoch(epoch) => (epoch.epoch, usize::MAX),
            Self::End(_) => (usize::MAX, usize::MAX),
        }
    }
}
