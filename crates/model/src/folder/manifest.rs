//! `newsdesk.toml`: what a model's numbers mean and where they come from.

use crate::decide::Combine;
use crate::error::{ModelError, Result};
use crate::head::Head;
use crate::network::Pooling;
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
    /// How windows are pooled.
    pub pooling: Pooling,
    /// How articles are cut.
    pub window: WindowRecord,
    /// The questions that the model answers.
    #[serde(rename = "head")]
    pub heads: Vec<Head>,
    /// How it was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// What it reached.
    #[serde(default, rename = "score", skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreRecord>,
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

/// How a model was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// Name of the model that training started from.
    pub base: String,
    /// Labelled sets, with the rows of one epoch.
    pub sets: Vec<String>,
    /// The epoch that was kept, counted from 1.
    pub best_epoch: usize,
    /// Newsdesk's version.
    pub newsdesk: String,
    /// All settings of the run, the seed among them, under the names of `newsdesk train`'s options.
    pub settings: serde_json::Value,
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
}

impl Manifest {
    /// Reads the text of a manifest and checks it; `file` names it in errors.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] naming what is wrong.
    pub fn parse(text: &str, file: &str, longest: usize) -> Result<Self> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        let manifest: Self = toml::from_str(text).map_err(|e| {
            let place = e.span().map(|s| text[..s.start.min(text.len())].lines().count().max(1));
            invalid(&place.map_or("manifest".into(), |line| format!("line {line}")), e.message().to_string())
        })?;
        if manifest.version != 1 {
            return Err(invalid("version", format!("{} is not a version this Newsdesk reads; 1 is", manifest.version)));
        }
        let window = &manifest.window;
        if window.length > longest {
            return Err(invalid("window.length", format!("{} tokens, the encoder takes {longest}", window.length)));
        }
        if window.stride == 0 || window.stride > window.length {
            return Err(invalid("window.stride", format!("{} is not within 1..={}", window.stride, window.length)));
        }
        let mut names = BTreeSet::new();
        for head in &manifest.heads {
            if head.labels.len() < 2 && head.activation == crate::head::HeadActivation::Softmax {
                return Err(invalid("head.label", format!("head `{}` has fewer than two labels", head.name)));
            }
            if head.temperature.is_nan() || head.temperature <= 0.0 {
                return Err(invalid("head.temperature", format!("{} is not positive", head.temperature)));
            }
            if !names.insert(&head.name) {
                return Err(invalid("head.name", format!("two heads are called `{}`", head.name)));
            }
        }
        Ok(manifest)
    }
}
