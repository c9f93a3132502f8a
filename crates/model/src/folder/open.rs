//! Opens a model folder: one of Newsdesk, a `BertForSequenceClassification`, or a bare encoder as a base for training.

use super::files::{Files, open_weights, read_file, read_optional};
use super::linear::linear_manifest;
use super::manifest::Manifest;
use super::names;
use super::records::WindowRecord;
use super::sizes::check_sizes;
use super::task::other_task;
use crate::decide::Combine;
use crate::encoder::{EncoderConfig, Weights};
use crate::error::{ModelError, Result};
use crate::head::{Head, HeadActivation, HeadLabel};
use crate::network::{NetworkSpec, Pooling};
use crate::tokenize::Tokenizer;
use candle_core::Device;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// A model in memory: encoder, tokenizer, weights and manifest.
#[derive(Clone)]
pub struct Model {
    /// Configuration of the encoder.
    pub config: EncoderConfig,
    /// The complete `config.json`, kept for saving.
    pub config_json: Value,
    /// The tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// The manifest; derived from `config.json` if the folder has none.
    pub manifest: Manifest,
    /// All tensors.
    pub weights: Weights,
    /// Names of the network's tensors, pooling, and labels of each head.
    pub spec: NetworkSpec,
}

impl Model {
    /// Opens a model folder and puts the weights on a device.
    ///
    /// # Errors
    /// If a file, key or tensor is missing or invalid; the error names it. [`ModelError::NoEncoder`] for a linear
    /// model.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        if !folder.is_dir() {
            let cause = if folder.exists() { "it is not a folder" } else { "there is no such folder" };
            return Err(ModelError::NotAModel { path: folder.into(), cause: cause.into() });
        }
        if linear_manifest(folder)?.is_some() {
            return Err(ModelError::NoEncoder { path: folder.into() });
        }
        // Read before the larger files, so that a model of another kind is not first asked to be complete.
        let path = |name: &str| folder.join(name).display().to_string();
        let manifest = match read_optional(folder, names::MANIFEST)? {
            None => None,
            Some(text) => Some(Manifest::parse(&text, &path(names::MANIFEST))?),
        };
        let config = read_file(folder, names::CONFIG)?;
        parse_config(&config, &path(names::CONFIG))?;
        let found = Files {
            origin: folder.into(),
            config: &config,
            tokenizer: read_file(folder, names::TOKENIZER)?,
            weights: open_weights(folder)?,
            manifest,
            pooling: read_optional(folder, names::POOLING)?,
        };
        Self::from_files(found, device)
    }

    /// Opens the built-in model.
    ///
    /// # Errors
    /// If the device fails.
    #[cfg(feature = "embedded-model")]
    pub fn embedded(device: &Device) -> Result<Self> {
        Self::from_files(super::embedded::files()?, device)
    }

    fn from_files(found: Files, device: &Device) -> Result<Self> {
        let name = |file: &str| found.origin.join(file).display().to_string();
        let config_name = name(names::CONFIG);
        let (config_json, config) = parse_config(found.config, &config_name)?;
        let tokenizer = Tokenizer::from_bytes(found.tokenizer, &name(names::TOKENIZER))?;
        check_vocabulary(&tokenizer, &name(names::TOKENIZER), config.vocab_size)?;
        let is_trusted = found.weights.is_embedded();
        let weights = Weights::from_bytes(found.weights, &name(names::WEIGHTS), device)?;
        let encoder_prefix = if weights.contains("bert.embeddings.word_embeddings.weight") { "bert" } else { "" };
        check_sizes(&weights, encoder_prefix, &config, &config_name)?;
        if !is_trusted {
            weights.check_finite()?;
        }
        let (manifest, names) = match found.manifest {
            Some(manifest) => {
                manifest.check(&name(names::MANIFEST), config.max_position_embeddings, &tokenizer)?;
                let names = head_names(&manifest, &weights, &name(names::MANIFEST))?;
                (manifest, names)
            }
            None => {
                let mut manifest = checkpoint(&config_json, &config, &weights, &config_name, &found.origin)?;
                if let Some(json) = found.pooling
                    && manifest.heads.is_empty()
                {
                    manifest.pooling = sentence_pooling(&json, &name(names::POOLING))?;
                }
                let names: Vec<String> = manifest.heads.iter().map(|_| "classifier".into()).collect();
                (manifest, names)
            }
        };
        let heads = names.into_iter().zip(manifest.heads.iter().map(|h| h.labels.len())).collect();
        let spec = NetworkSpec { encoder_prefix: encoder_prefix.into(), heads, pooling: manifest.pooling };
        Ok(Self { config, config_json, tokenizer: Arc::new(tokenizer), manifest, weights, spec })
    }
}

/// Parses `config.json`; `file` names it in errors.
fn parse_config(json: &[u8], file: &str) -> Result<(Value, EncoderConfig)> {
    let json: Value = serde_json::from_slice(json).map_err(|e| ModelError::Invalid {
        file: file.into(),
        key: format!("line {}", e.line()),
        cause: e.to_string(),
    })?;
    let config = EncoderConfig::from_json(&json, file)?;
    Ok((json, config))
}

/// Checks that every token id has a row in the word embeddings; `file` names the tokenizer in errors.
///
/// The check uses the largest id rather than the number of tokens, because ids may have gaps.
fn check_vocabulary(tokenizer: &Tokenizer, file: &str, vocab_size: usize) -> Result<()> {
    let max_id = tokenizer.max_id();
    if max_id as usize >= vocab_size {
        let cause = format!("the largest token id is {max_id}, but the encoder knows only {vocab_size} ids");
        return Err(ModelError::Invalid { file: file.into(), key: "model.vocab".into(), cause });
    }
    Ok(())
}

/// Returns the prefix of each head's tensors. It is `heads.NAME`, or `classifier` in a checkpoint to which only a
/// manifest was added. `file` names the manifest in errors.
fn head_names(manifest: &Manifest, weights: &Weights, file: &str) -> Result<Vec<String>> {
    let names: Vec<String> = manifest.heads.iter().map(|head| format!("heads.{}", head.name)).collect();
    if let ([head], [name]) = (manifest.heads.as_slice(), names.as_slice())
        && !weights.contains(&format!("{name}.weight"))
        && let Some(outputs) = weights.shape("classifier.weight").and_then(|shape| shape.first())
    {
        let labels = head.labels.len();
        if *outputs != labels {
            let cause = format!("head `{}` has {labels} labels, but the classifier has {outputs} outputs", head.name);
            return Err(ModelError::Invalid { file: file.into(), key: "head.label".into(), cause });
        }
        return Ok(vec!["classifier".into()]);
    }
    Ok(names)
}

/// Derives a manifest from a checkpoint without one. A classifier has one head, an encoder none.
fn checkpoint(json: &Value, config: &EncoderConfig, weights: &Weights, file: &str, origin: &Path) -> Result<Manifest> {
    let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
    let rows = match other_task(json, weights) {
        None => weights.shape("classifier.weight").and_then(|shape| shape.first().copied()),
        Some(_) => None,
    };
    let heads = match rows {
        None => vec![],
        Some(rows) => {
            // Before the labels get names: a shape without values may claim any number of rows.
            weights.check([rows, config.hidden_size], "classifier.weight")?;
            let activation = match json.get("problem_type") {
                None | Some(Value::Null) => HeadActivation::Softmax,
                Some(Value::String(kind)) if kind == "single_label_classification" => HeadActivation::Softmax,
                Some(Value::String(kind)) if kind == "multi_label_classification" => HeadActivation::Sigmoid,
                Some(other) => return Err(invalid("problem_type", format!("{other} is not a classification"))),
            };
            let named = json.get("id2label").and_then(Value::as_object).map_or(rows, serde_json::Map::len);
            if named != rows {
                return Err(invalid(
                    "id2label",
                    format!("it names {named} labels, but the classifier has {rows} outputs"),
                ));
            }
            if rows < 2 && activation == HeadActivation::Softmax {
                return Err(invalid("id2label", "one output is a regression, not a classification".into()));
            }
            let label = |index: usize| -> Result<HeadLabel> {
                let name = match json.get("id2label") {
                    // Older checkpoints omit the names. Transformers uses the same default.
                    None => format!("LABEL_{index}"),
                    Some(names) => names
                        .get(index.to_string())
                        .and_then(Value::as_str)
                        .ok_or_else(|| invalid("id2label", format!("there is no name for label {index} of {rows}")))?
                        .to_string(),
                };
                Ok(HeadLabel { name, code: None, threshold: None })
            };
            let labels = (0..rows).map(label).collect::<Result<_>>()?;
            vec![Head { name: "label".into(), activation, temperature: 1.0, labels }]
        }
    };
    let pooler = |prefix: &str| weights.contains(&format!("{prefix}pooler.dense.weight"));
    let has_pooler = pooler("") || pooler("bert.");
    let length = config.max_position_embeddings;
    let name = origin.file_name().map_or("model".into(), |n| n.to_string_lossy().into_owned());
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

/// Reads the pooling from `1_Pooling/config.json` of sentence-transformers.
fn sentence_pooling(json: &str, file: &str) -> Result<Pooling> {
    let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
    let config: Value = serde_json::from_str(json).map_err(|e| invalid("contents", e.to_string()))?;
    let is_set = |key: &str| config.get(key).and_then(Value::as_bool) == Some(true);
    match (is_set("pooling_mode_mean_tokens"), is_set("pooling_mode_cls_token")) {
        (true, false) => Ok(Pooling::Mean),
        (false, true) => Ok(Pooling::Cls),
        _ => Err(invalid("pooling_mode", "only the mean or the first token is supported".into())),
    }
}
