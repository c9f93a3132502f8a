//! `newsdesk.toml`: the heads of a model, how it reads articles, and where it comes from.

use super::names::MANIFEST;
use super::records::{AveragedRecord, ScoreRecord, TargetRecord, TrainingRecord, WindowRecord};
use crate::calibration::{CalibrationRecord, find_fault};
use crate::certificate::{Certificate, certify};
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
    /// Version of this format: 1.
    pub version: u32,
    /// Name of the model.
    pub name: String,
    /// The languages that the model was trained on, as codes of ISO 639-1. Empty if they are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// How an encoder's token vectors are pooled. The file of a linear model omits it.
    pub pooling: Pooling,
    /// How articles are cut into windows for an encoder. The file of a linear model omits it.
    pub window: WindowRecord,
    /// The features of a linear model; `None` for encoders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<FeatureRecord>,
    /// The columns that name the target of target-dependent sentiment. The model reads the target between `[ ` and ` ]`
    /// in the text. `None` for models that judge the whole article. Older files call the table `mention`.
    #[serde(default, alias = "mention", skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetRecord>,
    /// The classification heads.
    #[serde(rename = "head")]
    pub heads: Vec<Head>,
    /// How the model was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// The models whose weights were averaged to give this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub averaged: Vec<AveragedRecord>,
    /// Scores on labelled data.
    #[serde(default, rename = "score", skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreRecord>,
    /// Certified dtypes besides f32.
    #[serde(default, rename = "certificate", skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// For each calibrated head, the scores at which its predictions reach given precisions.
    #[serde(default, rename = "calibration", skip_serializing_if = "Vec::is_empty")]
    pub calibrations: Vec<CalibrationRecord>,
}

/// Adds to the keys of a linear model what its file omits.
fn with_whole_articles(mut keys: toml::Table) -> toml::Table {
    let WindowRecord { length, overlap, .. } = WindowRecord::WHOLE;
    let window = [("length", length), ("overlap", overlap)].map(|(key, size)| (key.to_string(), (size as i64).into()));
    keys.insert("pooling".into(), "mean".into());
    keys.insert("window".into(), toml::Table::from_iter(window).into());
    keys
}

impl Manifest {
    /// Gives all heads another activation; `file` names the manifest in errors.
    ///
    /// # Errors
    /// If a head has too few labels for it.
    pub fn set_activation(&mut self, activation: HeadActivation, file: &str) -> Result<()> {
        self.heads.iter_mut().for_each(|head| head.activation = activation);
        self.check_heads(file)
    }

    /// Returns the text of the file, which [`Manifest::parse`] reads.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] if TOML cannot represent a value.
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

    /// Parses the text of a manifest; `file` names it in errors.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] with the key or line at fault.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        let parsed = toml::from_str(text).and_then(|keys: toml::Table| match keys.contains_key("linear") {
            true => with_whole_articles(keys).try_into(),
            // Parsed from the text again, because errors then know their line.
            false => toml::from_str(text),
        });
        let manifest: Self = parsed.map_err(|e| {
            let line = e.span().map(|span| 1 + text.bytes().take(span.start).filter(|&b| b == b'\n').count());
            invalid(&line.map_or("manifest".into(), |line| format!("line {line}")), e.message().to_string())
        })?;
        match find_fault(&manifest.calibrations, &manifest.heads) {
            None => Ok(manifest),
            Some((key, cause)) => Err(invalid(key, cause)),
        }
    }

    /// Returns the calibration of a head, if it has one.
    pub fn calibration(&self, head: &str) -> Option<&CalibrationRecord> {
        self.calibrations.iter().find(|record| record.head == head)
    }

    /// Adds scores. Each replaces an older score of the same data set, split and head.
    pub fn record_scores(&mut self, records: impl Iterator<Item = ScoreRecord>) {
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

    /// Records the measurement of a dtype and returns whether it certifies the dtype.
    ///
    /// A passed measurement replaces the certificate for the same number of activation bits. A failed one removes the
    /// certificates for the same or fewer bits, because they would cover what was measured.
    pub fn certify(&mut self, measured: &Certificate) -> bool {
        certify(&mut self.certificates, measured)
    }

    /// Checks the manifest of an encoder that accepts `max_length` tokens; `file` names the manifest in errors.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] with the key at fault.
    pub fn check(&self, file: &str, max_length: usize, tokenizer: &Tokenizer) -> Result<()> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        self.check_heads(file)?;
        let WindowRecord { length, overlap, .. } = self.window;
        if length > max_length {
            let cause = format!("{length} tokens are more than the encoder's maximum of {max_length}");
            return Err(invalid("window.length", cause));
        }
        if overlap >= length {
            return Err(invalid("window.overlap", format!("{overlap} is not less than the window length of {length}")));
        }
        if length <= tokenizer.special_tokens() {
            return Err(invalid("window.length", format!("{length} tokens leave no room for text")));
        }
        Ok(())
    }

    /// Checks the parts of a manifest that every kind of model has; `file` names the manifest in errors.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] with the key at fault.
    pub fn check_heads(&self, file: &str) -> Result<()> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        if self.version != 1 {
            return Err(invalid("version", format!("this Newsdesk reads version 1, not {}", self.version)));
        }
        if self.linear.is_some() && self.heads.is_empty() {
            return Err(invalid("head", "a linear model needs at least one head".into()));
        }
        if let Some((key, cause)) = self.linear.as_ref().and_then(FeatureRecord::find_fault) {
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
            if let Some(duplicate) = head.labels.iter().find(|label| !labels.insert(&label.name)) {
                return Err(invalid("head.label", format!("head `{}` has `{}` twice", head.name, duplicate.name)));
            }
            let outside = |label: &&HeadLabel| label.threshold.is_some_and(|t| !(0.0..=1.0).contains(&t));
            if let Some(label) = head.labels.iter().find(outside) {
                let cause = format!("the threshold of `{}` is not within 0..=1", label.name);
                return Err(invalid("head.label.threshold", cause));
            }
            if !head.temperature.is_finite() || head.temperature <= 0.0 {
                let what = if head.temperature > 0.0 { "finite" } else { "positive" };
                return Err(invalid("head.temperature", format!("{} is not {what}", head.temperature)));
            }
            if !names.insert(&head.name) {
                return Err(invalid("head.name", format!("two heads are called `{}`", head.name)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dtype;
    use crate::decide::Combine;

    /// The keys of versions before `overlap`, `target`, `dtype` and `max_accuracy_drop`.
    const OLD_KEYS: &str = r#"version = 1
name = "desk"
pooling = "cls"

[window]
length = 256
stride = 192

[mention]
field = "who"
start = "from"

[[head]]
name = "mood"
activation = "softmax"
label = [{ name = "negative" }, { name = "positive" }]

[training]
base = "other"
sets = []
best_epoch = 1
newsdesk = "0.1.0"
settings = { precision = "f32", stride = 192 }

[[certificate]]
precision = "int8"
activation_bits = 8
max_loss = 0.2
"#;

    #[test]
    fn old_keys_are_read_and_new_keys_are_written() -> Result<()> {
        let manifest = Manifest::parse(OLD_KEYS, MANIFEST)?;
        assert_eq!(manifest.window, WindowRecord { length: 256, overlap: 64, combine: Combine::Mean });
        assert_eq!(manifest.target.as_ref().map(|target| target.field.as_str()), Some("who"));
        let certificate = &manifest.certificates[0];
        assert_eq!((certificate.dtype, certificate.max_accuracy_drop), (Dtype::Int8, 0.2));
        let text = manifest.text()?;
        for key in ["overlap = 64", "[target]", "dtype = \"int8\"", "max_accuracy_drop = 0.2"] {
            assert!(text.contains(key), "`{key}` is missing:\n{text}");
        }
        for key in ["\n[mention]", "\nmax_loss", "\nprecision = \"int8\"", "[window]\nlength = 256\nstride"] {
            assert!(!text.contains(key), "`{key}` is still written:\n{text}");
        }
        assert_eq!(Manifest::parse(&text, MANIFEST)?, manifest);
        Ok(())
    }

    #[test]
    fn errors_in_a_window_name_its_line() {
        let both = OLD_KEYS.replace("stride = 192\n\n[mention]", "stride = 192\noverlap = 64\n\n[mention]");
        let error = Manifest::parse(&both, MANIFEST).expect_err("both keys were accepted").to_string();
        assert!(error.contains("`line 5`") && error.contains("exclude each other"), "{error}");
    }
}
