//! `newsdesk.toml`: what a model's numbers mean and where they come from.

use super::files::MANIFEST;
use crate::calibration::{CalibrationRecord, fault};
use crate::decide::Combine;
use crate::dtype::{Certificate, certify};
use crate::error::{ModelError, Result};
use crate::head::{Head, HeadActivation, HeadLabel};
use crate::linear::FeatureRecord;
use crate::network::Pooling;
use crate::tokenize::Tokenizer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The manifest of a model folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format; 1.
    pub version: u32,
    /// Name of the model.
    pub name: String,
    /// How an encoder's windows are pooled. The file of a linear model does not say: all words of an article count alike.
    pub pooling: Pooling,
    /// How articles are cut for an encoder. The file of a linear model does not say: it reads each in one piece.
    pub window: WindowRecord,
    /// What a linear model looks at; `None` for encoders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<FeatureRecord>,
    /// The columns that say which person or thing in an article the model is asked about; it stands between `[ ` and ` ]`
    /// in the text. The whole article where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mention: Option<MentionRecord>,
    /// The questions that the model answers.
    #[serde(rename = "head")]
    pub heads: Vec<Head>,
    /// How it was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// The models of whose weights it is the mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub averaged: Vec<AveragedRecord>,
    /// What it reached.
    #[serde(default, rename = "score", skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreRecord>,
    /// The dtypes besides f32 that were found good enough.
    #[serde(default, rename = "certificate", skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// From which score on each head's answers reach a dtype.
    #[serde(default, rename = "calibration", skip_serializing_if = "Vec::is_empty")]
    pub calibrations: Vec<CalibrationRecord>,
}

/// How articles are cut into windows, in tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRecord {
    /// Longest window, special tokens included.
    pub length: usize,
    /// From one window's start to the next one's.
    pub stride: usize,
    /// How windows become one answer.
    #[serde(default)]
    pub combine: Combine,
}

/// The columns of what a model is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MentionRecord {
    /// The column of the name.
    pub field: String,
    /// The column of its first character in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The column of the character after its last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// How a model was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// Name of the model that training started from.
    pub base: String,
    /// Labelled sets, with the rows of one epoch.
    pub sets: Vec<String>,
    /// Models that it learned from, each with a hash of its weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<String>,
    /// The epoch that was kept, counted from 1.
    pub best_epoch: usize,
    /// Newsdesk's version.
    pub newsdesk: String,
    /// The settings that decided the result, the seed among them; `newsdesk train` has an option for each.
    pub settings: serde_json::Value,
}

/// A model that has a share in the mean of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragedRecord {
    /// Its name.
    pub name: String,
    /// How much it counts; all shares add up to 1.
    pub share: f64,
    /// A hash of its weights.
    pub weights: String,
    /// How it was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
}

/// A figure that the model reached on labelled data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreRecord {
    /// The set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// The head.
    pub head: String,
    /// Articles.
    pub articles: u64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean F1 over labels.
    pub macro_f1: f64,
    /// Mean recall over labels; older models do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macro_recall: Option<f64>,
    /// F1 of all labels' counts added up, of heads that give several labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_f1: Option<f64>,
}

impl WindowRecord {
    /// The window of a linear model, which holds any article.
    pub const WHOLE: Self = Self { length: i64::MAX as usize, stride: i64::MAX as usize, combine: Combine::Mean };
}

/// The manifest of a linear model with what its file leaves out.
fn whole_articles(mut keys: toml::Table) -> toml::Table {
    let WindowRecord { length, stride, .. } = WindowRecord::WHOLE;
    let window = [("length", length), ("stride", stride)].map(|(key, size)| (key.to_string(), (size as i64).into()));
    keys.insert("pooling".into(), "mean".into());
    keys.insert("window".into(), toml::Table::from_iter(window).into());
    keys
}

impl Manifest {
    /// The text of its file, which [`Manifest::parse`] reads.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] for what TOML cannot hold.
    pub fn text(&self) -> Result<String> {
        let invalid = |cause: String| ModelError::Invalid { file: MANIFEST.into(), key: "contents".into(), cause };
        if self.linear.is_none() {
            return toml::to_string(self).map_err(|e| invalid(e.to_string()));
        }
        let mut keys = toml::Table::try_from(self).map_err(|e| invalid(e.to_string()))?;
        keys.remove("pooling");
        keys.remove("window");
        toml::to_string(&keys).map_err(|e| invalid(e.to_string()))
    }

    /// Reads the text of a manifest; `file` names it in errors.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] naming what is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        let understood = toml::from_str(text).and_then(|keys: toml::Table| match keys.contains_key("linear") {
            true => whole_articles(keys).try_into(),
            // From the text once more: then an error knows its line.
            false => toml::from_str(text),
        });
        let manifest: Self = understood.map_err(|e| {
            let place = e.span().map(|span| 1 + text.bytes().take(span.start).filter(|&b| b == b'\n').count());
            invalid(&place.map_or("manifest".into(), |line| format!("line {line}")), e.message().to_string())
        })?;
        match fault(&manifest.calibrations, &manifest.heads) {
            None => Ok(manifest),
            Some((key, cause)) => Err(invalid(key, cause)),
        }
    }

    /// What was measured of a head's scores, if anything was.
    pub fn calibration(&self, head: &str) -> Option<&CalibrationRecord> {
        self.calibrations.iter().find(|record| record.head == head)
    }

    /// Takes up figures, in place of older ones of the same set, split and head.
    pub fn note_scores(&mut self, records: impl Iterator<Item = ScoreRecord>) {
        for record in records {
            let same = |known: &&mut ScoreRecord| {
                (&known.set, &known.split, &known.head) == (&record.set, &record.split, &record.head)
            };
            match self.scores.iter_mut().find(same) {
                Some(known) => *known = record,
                None => self.scores.push(record),
            }
        }
    }

    /// Takes up what was measured of a dtype, and says whether that certifies it. If so, it replaces the certificate
    /// for as many bits of an activation; if not, those for as many or fewer go, since they would cover what was
    /// measured.
    pub fn certify(&mut self, measured: &Certificate) -> bool {
        certify(&mut self.certificates, measured)
    }

    /// Checks what a manifest says, for an encoder that takes `longest` tokens; `file` names it in errors.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] naming what is wrong.
    pub fn check(&self, file: &str, longest: usize, tokenizer: &Tokenizer) -> Result<()> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        self.check_heads(file)?;
        let window = &self.window;
        if window.length > longest {
            return Err(invalid("window.length", format!("{} tokens, the encoder takes {longest}", window.length)));
        }
        if window.stride == 0 || window.stride > window.length {
            return Err(invalid("window.stride", format!("{} is not within 1..={}", window.stride, window.length)));
        }
        if window.length <= tokenizer.frame_length() {
            return Err(invalid("window.length", format!("{} tokens leave no room for text", window.length)));
        }
        Ok(())
    }

    /// Checks what a manifest of any model says; `file` names it in errors.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] naming what is wrong.
    pub fn check_heads(&self, file: &str) -> Result<()> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        if self.version != 1 {
            return Err(invalid("version", format!("{} is not a version this Newsdesk reads; 1 is", self.version)));
        }
        if self.linear.is_some() && self.heads.is_empty() {
            return Err(invalid("head", "a linear model without a head says nothing".into()));
        }
        if let Some((key, cause)) = self.linear.as_ref().and_then(FeatureRecord::fault) {
            return Err(invalid(key, cause));
        }
        let mut names = BTreeSet::new();
        for head in &self.heads {
            if head.labels.len() < 2 && head.activation == HeadActivation::Softmax {
                return Err(invalid("head.label", format!("head `{}` has fewer than two labels", head.name)));
            }
            if head.labels.is_empty() {
                return Err(invalid("head.label", format!("head `{}` has no labels", head.name)));
            }
            let mut labels = BTreeSet::new();
            if let Some(twice) = head.labels.iter().find(|label| !labels.insert(&label.name)) {
                return Err(invalid("head.label", format!("head `{}` has `{}` twice", head.name, twice.name)));
            }
            let outside = |label: &&HeadLabel| label.threshold.is_some_and(|t| !(0.0..=1.0).contains(&t));
            if let Some(label) = head.labels.iter().find(outside) {
                return Err(invalid("head.label.threshold", format!("that of `{}` is not within 0..=1", label.name)));
            }
            if head.temperature.is_nan() || head.temperature <= 0.0 {
                return Err(invalid("head.temperature", format!("{} is not positive", head.temperature)));
            }
            if !names.insert(&head.name) {
                return Err(invalid("head.name", format!("two heads are called `{}`", head.name)));
            }
        }
        Ok(())
    }
}
