//! Reads a model folder: Newsdesk's own, a `BertForSequenceClassification`, or a bare encoder to train from.

use super::any::linear_manifest;
use super::files::{self, Files, WeightsFile};
use super::manifest::{Manifest, WindowRecord};
use crate::decide::Combine;
use crate::encoder::{EncoderConfig, Weights};
use crate::error::{ModelError, Result};
use crate::head::{Head, HeadActivation, HeadLabel};
use crate::network::{Parts, Pooling};
use crate::tokenize::Tokenizer;
use candle_core::Device;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// A model in memory: weights, tokenizer, and what its heads mean.
#[derive(Clone)]
pub struct Model {
    /// Sizes of the encoder.
    pub config: EncoderConfig,
    /// The whole `config.json`, to be saved again.
    pub config_json: Value,
    /// The tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// Heads, windows, history; made up from `config.json` where the folder has no manifest.
    pub manifest: Manifest,
    /// All tensors.
    pub weights: Weights,
    /// Where the network's parts stand among the tensors.
    pub parts: Parts,
}

impl Model {
    /// Reads a model folder onto a device.
    ///
    /// # Errors
    /// Naming the file, and the key or tensor in it, that is missing or not understood.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        if !folder.is_dir() {
            let cause = if folder.exists() { "it is not a folder" } else { "there is no such folder" };
            return Err(ModelError::NotAModel { path: folder.into(), cause: cause.into() });
        }
        if linear_manifest(folder)?.is_some() {
            return Err(ModelError::NoEncoder { path: folder.into() });
        }
        let failed = |name: &str| {
            let path = folder.join(name);
            move |source| ModelError::Read { path, source }
        };
        let read = |name: &str| std::fs::read(folder.join(name)).map_err(failed(name));
        let optional = |name: &str| if folder.join(name).exists() { read(name).map(Some) } else { Ok(None) };
        let (config, tokenizer) = (read(files::CONFIG)?, read(files::TOKENIZER)?);
        let weights = WeightsFile::open(&folder.join(files::WEIGHTS)).map_err(failed(files::WEIGHTS))?;
        let manifest = match optional(files::MANIFEST)? {
            None => None,
            Some(bytes) => Some(String::from_utf8(bytes).map_err(|e| ModelError::Invalid {
                file: folder.join(files::MANIFEST).display().to_string(),
                key: "text".into(),
                cause: e.to_string(),
            })?),
        };
        let pooling = optional(files::POOLING)?;
        let found = Files {
            origin: folder.into(),
            config: &config,
            tokenizer,
            weights,
            manifest: manifest.as_deref(),
            pooling: pooling.as_deref(),
        };
        Self::from_files(found, device)
    }

    /// The model inside this library.
    ///
    /// # Errors
    /// If the device fails.
    #[cfg(feature = "embedded-model")]
    pub fn embedded(device: &Device) -> Result<Self> {
        Self::from_files(super::embedded::files(), device)
    }

    pub(super) fn from_files(found: Files, device: &Device) -> Result<Self> {
        let name = |file: &str| found.origin.join(file).display().to_string();
        let config_name = name(files::CONFIG);
        let config_json: Value = serde_json::from_slice(found.config).map_err(|e| ModelError::Invalid {
            file: config_name.clone(),
            key: format!("line {}", e.line()),
            cause: e.to_string(),
        })?;
        let config = EncoderConfig::from_json(&config_json, &config_name)?;
        let tokenizer = Tokenizer::from_bytes(found.tokenizer, &name(files::TOKENIZER))?;
        if tokenizer.vocabulary_size() > config.vocab_size {
            return Err(ModelError::Invalid {
                file: name(files::TOKENIZER),
                key: "model.vocab".into(),
                cause: format!("{} tokens, the encoder knows {}", tokenizer.vocabulary_size(), config.vocab_size),
            });
        }
        let weights = Weights::from_bytes(found.weights, &name(files::WEIGHTS), device)?;
        let encoder = if weights.contains("bert.embeddings.word_embeddings.weight") { "bert" } else { "" };
        let (manifest, names) = match found.manifest {
            Some(text) => {
                let manifest = Manifest::parse(text, &name(files::MANIFEST))?;
                manifest.check(&name(files::MANIFEST), config.max_position_embeddings, &tokenizer)?;
                let names = head_names(&manifest, &weights, &name(files::MANIFEST))?;
                (manifest, names)
            }
            None => {
                let mut manifest = checkpoint(&config_json, &config, &weights, &config_name, &found.origin)?;
                if let Some(json) = found.pooling
                    && manifest.heads.is_empty()
                {
                    manifest.pooling = sentence_pooling(json, &name(files::POOLING))?;
                }
                let names: Vec<String> = manifest.heads.iter().map(|_| "classifier".into()).collect();
                (manifest, names)
            }
        };
        let heads = names.into_iter().zip(manifest.heads.iter().map(|h| h.labels.len())).collect();
        let parts = Parts { encoder: encoder.into(), heads, pooling: manifest.pooling };
        Ok(Self { config, config_json, tokenizer: Arc::new(tokenizer), manifest, weights, parts })
    }
}

/// Where the tensors of a manifest's heads stand: under their names, or as in a checkpoint to which only a manifest was
/// added. `file` names the manifest in errors.
fn head_names(manifest: &Manifest, weights: &Weights, file: &str) -> Result<Vec<String>> {
    let names: Vec<String> = manifest.heads.iter().map(|head| format!("heads.{}", head.name)).collect();
    if let ([head], [name]) = (manifest.heads.as_slice(), names.as_slice())
        && !weights.contains(&format!("{name}.weight"))
        && let Some(outputs) = weights.shape("classifier.weight").and_then(|shape| shape.first())
    {
        let labels = head.labels.len();
        if *outputs != labels {
            let cause = format!("head `{}` has {labels} labels, the classifier has {outputs} outputs", head.name);
            return Err(ModelError::Invalid { file: file.into(), key: "head.label".into(), cause });
        }
        return Ok(vec!["classifier".into()]);
    }
    Ok(names)
}

/// What a folder without manifest says about itself: one head if it is a classifier, none if it is an encoder.
fn checkpoint(json: &Value, config: &EncoderConfig, weights: &Weights, file: &str, origin: &Path) -> Result<Manifest> {
    let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
    let rows = weights.shape("classifier.weight").and_then(|shape| shape.first().copied());
    let heads = match rows {
        None => vec![],
        Some(rows) => {
            let activation = match json.get("problem_type") {
                None | Some(Value::Null) => HeadActivation::Softmax,
                Some(Value::String(kind)) if kind == "single_label_classification" => HeadActivation::Softmax,
                Some(Value::String(kind)) if kind == "multi_label_classification" => HeadActivation::Sigmoid,
                Some(other) => return Err(invalid("problem_type", format!("{other} is no classification"))),
            };
            let named = json.get("id2label").and_then(Value::as_object).map_or(rows, serde_json::Map::len);
            if named != rows {
                return Err(invalid("id2label", format!("it names {named} labels, the classifier has {rows} outputs")));
            }
            if rows < 2 && activation == HeadActivation::Softmax {
                return Err(invalid("id2label", "one output is a regression, no classification".into()));
            }
            let label = |index: usize| -> Result<HeadLabel> {
                let name = match json.get("id2label") {
                    // Older checkpoints leave the names out; transformers calls the labels so, too.
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
        pooling: if heads.is_empty() && !has_pooler { Pooling::Cls } else { Pooling::Pooler },
        window: WindowRecord { length, stride: (length - length / 8).max(1), combine: Combine::Mean },
        mention: None,
        heads,
        training: None,
        averaged: vec![],
        linear: None,
        scores: vec![],
        certificates: vec![],
        calibrations: vec![],
    })
}

/// Pooling by `1_Pooling/config.json` of sentence-transformers.
fn sentence_pooling(json: &[u8], file: &str) -> Result<Pooling> {
    let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
    let config: Value = serde_json::from_slice(json).map_err(|e| invalid("contents", e.to_string()))?;
    let says = |key: &str| config.get(key).and_then(Value::as_bool) == Some(true);
    match (says("pooling_mode_mean_tokens"), says("pooling_mode_cls_token")) {
        (true, false) => Ok(Pooling::Mean),
        (false, true) => Ok(Pooling::Cls),
        _ => Err(invalid("pooling_mode", "it asks for neither the mean nor the first token alone".into())),
    }
}
