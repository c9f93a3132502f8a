//! The manifest of a checkpoint of transformers, which has none: derived from its configuration and tensors.

use super::manifest::Manifest;
use super::records::WindowRecord;
use crate::architecture::EncoderSpec;
use crate::checkpoint::Weights;
use crate::decide::Combine;
use crate::error::{ModelError, Result};
use crate::head::{Head, HeadActivation, HeadLabel};
use crate::network::Pooling;
use crate::tokenize::Tokenizer;
use serde_json::Value;

/// The parts of a checkpoint that its manifest is derived from.
pub(super) struct DerivedFrom<'a> {
    /// The parsed `config.json`, and its name in errors.
    pub(super) config: &'a Value,
    pub(super) config_name: &'a str,
    pub(super) encoder: &'a EncoderSpec,
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) weights: &'a Weights,
    /// Whether its own head, if it has one, classifies texts.
    pub(super) is_classifier: bool,
    /// Replaces the activation that the configuration asks for.
    pub(super) activation: Option<HeadActivation>,
}

impl DerivedFrom<'_> {
    /// Returns a manifest of this name. A classifier has one head, an encoder none.
    pub(super) fn manifest(&self, name: String) -> Result<Manifest> {
        let longest = self.encoder.max_length;
        let length = self.tokenizer.max_length().map_or(longest, |max| max.min(longest));
        let outputs = self.weights.shape("classifier.weight").and_then(|shape| shape.first().copied());
        let heads: Vec<Head> = match outputs.filter(|_| self.is_classifier) {
            Some(outputs) => vec![self.head(outputs)?],
            None => vec![],
        };
        let has_pooler = self.weights.contains("pooler.dense.weight");
        Ok(Manifest {
            version: 1,
            name,
            languages: vec![],
            pooling: if heads.is_empty() && !has_pooler { Pooling::Cls } else { Pooling::Pooler },
            window: WindowRecord { length, overlap: length / 8, combine: Combine::Mean },
            target: None,
            heads,
            training: None,
            averaged: vec![],
            linear: None,
            scores: vec![],
            certificates: vec![],
            calibrations: vec![],
        })
    }

    fn invalid(&self, key: &str, cause: String) -> ModelError {
        ModelError::Invalid { file: self.config_name.into(), key: key.into(), cause }
    }

    /// Returns a key of the configuration, unless it is missing or null.
    fn key(&self, key: &str) -> Option<&Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    fn head(&self, outputs: usize) -> Result<Head> {
        // Before the labels get names: a shape without values may claim any number of outputs.
        self.weights.check([outputs, self.encoder.hidden_size], "classifier.weight")?;
        let activation = self.activation.map_or_else(|| self.configured_activation(outputs), Ok)?;
        let names = self.key("id2label");
        let named = names.and_then(Value::as_object).map_or(outputs, serde_json::Map::len);
        if named != outputs {
            let cause = format!("it names {named} labels, but the classifier has {outputs} outputs");
            return Err(self.invalid("id2label", cause));
        }
        let label = |index: usize| -> Result<HeadLabel> {
            let name = match names {
                // Older checkpoints omit the names. Transformers uses the same default.
                None => format!("LABEL_{index}"),
                Some(names) => {
                    let missing =
                        || self.invalid("id2label", format!("there is no name for label {index} of {outputs}"));
                    names.get(index.to_string()).and_then(Value::as_str).ok_or_else(missing)?.to_string()
                }
            };
            Ok(HeadLabel { name, code: None, threshold: None })
        };
        if activation == HeadActivation::Softmax && outputs < 2 {
            return Err(self.invalid("id2label", "one label is too few for softmax".into()));
        }
        let labels = (0..outputs).map(label).collect::<Result<_>>()?;
        Ok(Head { name: "label".into(), activation, temperature: 1.0, labels })
    }

    /// Returns the activation by the rule of transformers' pipeline for text classification.
    fn configured_activation(&self, outputs: usize) -> Result<HeadActivation> {
        let kind = self.key("problem_type");
        match kind.map(Value::as_str) {
            Some(Some("regression")) => Ok(HeadActivation::None),
            Some(Some("multi_label_classification")) => Ok(HeadActivation::Sigmoid),
            None | Some(Some("single_label_classification")) if outputs == 1 => Ok(HeadActivation::Sigmoid),
            None | Some(Some("single_label_classification")) => Ok(HeadActivation::Softmax),
            Some(_) => {
                let known = "regression, single_label_classification, multi_label_classification";
                Err(self.invalid("problem_type", format!("{} is none of {known}", self.config["problem_type"])))
            }
        }
    }
}

/// Reads the pooling from `1_Pooling/config.json` of sentence-transformers.
pub(super) fn sentence_pooling(json: &str, file: &str) -> Result<Pooling> {
    let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
    let config: Value = serde_json::from_str(json).map_err(|e| invalid("contents", e.to_string()))?;
    let is_set = |key: &str| config.get(key).and_then(Value::as_bool) == Some(true);
    match (is_set("pooling_mode_mean_tokens"), is_set("pooling_mode_cls_token")) {
        (true, false) => Ok(Pooling::Mean),
        (false, true) => Ok(Pooling::Cls),
        _ => Err(invalid("pooling_mode", "only the mean or the first token is supported".into())),
    }
}

/// Returns what a user should know about a checkpoint.
pub(super) fn warnings(manifest: &Manifest, tokenizer: &Tokenizer) -> Vec<String> {
    let mut warnings = tokenizer.warnings().to_vec();
    let is_number =
        |label: &HeadLabel| label.name.strip_prefix("LABEL_").is_some_and(|number| number.parse::<usize>().is_ok());
    for head in &manifest.heads {
        if head.activation != HeadActivation::None && head.labels.iter().all(is_number) {
            let (head, count) = (&head.name, head.labels.len());
            warnings.push(format!(
                "the {count} labels of head `{head}` have no names: its `config.json` does not say what LABEL_0 means"
            ));
        }
    }
    warnings
}
