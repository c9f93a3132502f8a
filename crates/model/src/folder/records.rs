//! The tables of a manifest: windows, target columns, training history and scores.

use crate::decide::Combine;
use serde::{Deserialize, Serialize};

/// How articles are cut into windows, in tokens. Special tokens count.
///
/// A file may hold the older key `stride` instead of `overlap`: the step from the start of one window to the start of
/// the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WindowKeys")]
pub struct WindowRecord {
    /// Maximum length of a window.
    pub length: usize,
    /// Length of a window minus the step to the next one.
    pub overlap: usize,
    /// How the predictions of an article's windows become one prediction.
    pub combine: Combine,
}

/// The keys of a window table as files hold them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowKeys {
    length: usize,
    overlap: Option<usize>,
    /// Written by versions before `overlap` existed.
    stride: Option<usize>,
    #[serde(default)]
    combine: Combine,
}

impl TryFrom<WindowKeys> for WindowRecord {
    type Error = String;

    fn try_from(keys: WindowKeys) -> Result<Self, String> {
        let WindowKeys { length, overlap, stride, combine } = keys;
        let overlap = match (overlap, stride) {
            (Some(overlap), None) => overlap,
            (None, Some(stride)) => length
                .checked_sub(stride)
                .ok_or_else(|| format!("`stride` is {stride}, more than the window length of {length}"))?,
            (Some(_), Some(_)) => return Err("`overlap` and `stride` exclude each other".into()),
            (None, None) => return Err("missing field `overlap`".into()),
        };
        Ok(Self { length, overlap, combine })
    }
}

impl WindowRecord {
    /// The window of a linear model, which reads every article in one piece.
    pub const WHOLE: Self = Self { length: i64::MAX as usize, overlap: 0, combine: Combine::Mean };

    /// Returns the step from the start of one window to the start of the next, in tokens.
    pub fn stride(&self) -> usize {
        self.length.saturating_sub(self.overlap)
    }
}

/// The columns that name the target of target-dependent sentiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRecord {
    /// The column of the target's name.
    pub field: String,
    /// The column of the index of the name's first character in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The column of the index after the name's last character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// How a model was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// Name of the base model.
    pub base: String,
    /// Training sets, each with its rows per epoch.
    pub sets: Vec<String>,
    /// Teacher models, each with a fingerprint of its weights: a hash of the tensors' sums, not a checksum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<String>,
    /// The epoch whose weights were kept, counted from 1.
    pub best_epoch: usize,
    /// Version of Newsdesk.
    pub newsdesk: String,
    /// The settings that determine the result, including the seed.
    pub settings: serde_json::Value,
}

/// One of the models whose weights were averaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragedRecord {
    /// Its name.
    pub name: String,
    /// Its share of the average; the shares of all models sum to 1.
    pub share: f64,
    /// A fingerprint of its weights: a hash of the tensors' sums, not a checksum.
    pub weights: String,
    /// How it was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
}

/// The score of one head on one split of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreRecord {
    /// Name of the data set.
    pub set: String,
    /// Name of its split.
    pub split: String,
    /// Name of the head.
    pub head: String,
    /// Number of articles.
    pub articles: u64,
    /// Share of correct predictions.
    pub accuracy: f64,
    /// Mean F1 over labels.
    pub macro_f1: f64,
    /// Mean recall over labels; `None` in manifests of older models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macro_recall: Option<f64>,
    /// F1 over the summed counts of all labels; multi-label heads only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_f1: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Result<WindowRecord, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_string())
    }

    #[test]
    fn stride_of_older_files_becomes_overlap() {
        let expected = WindowRecord { length: 256, overlap: 64, combine: Combine::Max };
        assert_eq!(window("length = 256\nstride = 192\ncombine = \"max\""), Ok(expected.clone()));
        assert_eq!(window("length = 256\noverlap = 64\ncombine = \"max\""), Ok(expected.clone()));
        assert_eq!(expected.stride(), 192);
        assert_eq!(toml::to_string(&expected), Ok("length = 256\noverlap = 64\ncombine = \"max\"\n".into()));
    }

    #[test]
    fn exactly_one_of_overlap_and_stride_is_required() {
        let both = window("length = 256\noverlap = 64\nstride = 192").expect_err("both keys were accepted");
        assert!(both.contains("exclude each other"), "{both}");
        let neither = window("length = 256").expect_err("a window without an overlap was accepted");
        assert!(neither.contains("missing field `overlap`"), "{neither}");
        let longer = window("length = 256\nstride = 257").expect_err("a stride beyond the window was accepted");
        assert!(longer.contains("more than the window length"), "{longer}");
    }
}
