//! Opens a model folder: one of Newsdesk, a classifier of transformers, or a bare encoder as a base for training.

use super::checkpoint::{OpenOptions, open_checkpoint};
use super::derived::{DerivedFrom, sentence_pooling, warnings};
use super::files::{Files, read_file, read_optional, read_tokenizer};
use super::linear::linear_manifest;
use super::manifest::Manifest;
use super::names;
use super::task::other_task;
use crate::architecture::{Architecture, EncoderSpec, Layout};
use crate::checkpoint::{Weights, refuse_remote_code};
use crate::error::{ModelError, Result};
use crate::head::HeadActivation;
use crate::network::NetworkSpec;
use crate::tokenize::{Tokenizer, TokenizerFiles};
use candle_core::Device;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// A model in memory: encoder, tokenizer, weights and manifest.
#[derive(Clone)]
pub struct Model {
    /// The structure of the encoder.
    pub encoder: EncoderSpec,
    /// The names of the tensors in files of the architecture.
    pub layout: Layout,
    /// The complete `config.json`, kept for saving.
    pub config_json: Value,
    /// The tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// The manifest; derived from `config.json` if the folder has none.
    pub manifest: Manifest,
    /// The tensors of encoder, pooler and heads.
    pub weights: Weights,
    /// All tensors of the file, under its names. Training does not change them.
    pub file: Weights,
    /// Pooling, and the labels of each head.
    pub network: NetworkSpec,
    /// What the checkpoint was made for, if that is not text classification.
    pub other_task: Option<&'static str>,
    /// What a user should know about the checkpoint, in sentences without a full stop.
    pub warnings: Vec<String>,
}

impl Model {
    /// Opens a model folder and puts the weights on a device.
    ///
    /// # Errors
    /// If a file, key or tensor is missing or invalid; the error names it. [`ModelError::NoEncoder`] for a linear
    /// model.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        Self::open_with(folder, device, OpenOptions::default())
    }

    /// Opens a model folder with options.
    ///
    /// # Errors
    /// The same as [`Model::open`].
    pub fn open_with(folder: &Path, device: &Device, options: OpenOptions) -> Result<Self> {
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
            tokenizer: read_tokenizer(folder)?,
            weights: open_checkpoint(folder, options)?,
            is_trusted: false,
            manifest,
            pooling: read_optional(folder, names::POOLING)?,
        };
        Self::from_files(found, device, options.activation)
    }

    /// Opens the built-in model.
    ///
    /// # Errors
    /// If the device fails.
    #[cfg(feature = "embedded-model")]
    pub fn embedded(device: &Device) -> Result<Self> {
        Self::from_files(super::embedded::files()?, device, None)
    }

    fn from_files(found: Files, device: &Device, activation: Option<HeadActivation>) -> Result<Self> {
        let name = |file: &str| found.origin.join(file).display().to_string();
        let config_name = name(names::CONFIG);
        let (config_json, Architecture { encoder, layout }) = parse_config(found.config, &config_name)?;
        let model_type = config_json["model_type"].as_str().unwrap_or_default();
        let class = config_json["tokenizer_class"].as_str().map(str::to_owned);
        let files = TokenizerFiles { class, ..found.tokenizer };
        let tokenizer = Tokenizer::from_files(files, model_type, &found.origin.display().to_string())?;
        check_vocabulary(&tokenizer, &name(tokenizer.file()), encoder.vocab_size)?;
        let file = Weights::from_checkpoint(found.weights, device)?;
        let layout = layout.of_file(&file)?;
        // Before anything is allocated, because a number in a configuration may be anything. The tensors are in the file, so
        // their sizes are bounded by its length.
        let weights = layout.read(&file, &encoder, &config_name)?;
        if !found.is_trusted {
            file.check_finite()?;
        }
        let other_task = other_task(&config_json, &file, &weights);
        let (manifest, names) = match found.manifest {
            Some(mut manifest) => {
                if let Some(activation) = activation {
                    manifest.set_activation(activation, &name(names::MANIFEST))?;
                }
                manifest.check(&name(names::MANIFEST), encoder.max_length, &tokenizer)?;
                let names = head_names(&manifest, &weights, &name(names::MANIFEST))?;
                (manifest, names)
            }
            None => {
                let source = DerivedFrom {
                    config: &config_json,
                    config_name: &config_name,
                    encoder: &encoder,
                    tokenizer: &tokenizer,
                    weights: &weights,
                    is_classifier: other_task.is_none(),
                    activation,
                };
                let folder = found.origin.file_name().map_or("model".into(), |name| name.to_string_lossy());
                let mut manifest = source.manifest(folder.into_owned())?;
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
        let network = NetworkSpec { heads, pooling: manifest.pooling };
        let warnings = warnings(&manifest, &tokenizer);
        let tokenizer = Arc::new(tokenizer);
        Ok(Self { encoder, layout, config_json, tokenizer, manifest, weights, file, network, other_task, warnings })
    }
}

/// Returns the architecture that the `config.json` of a folder describes, whether its weights are there or not. `None` for a folder
/// without one, which may hold a linear model.
///
/// # Errors
/// If the architecture is not supported, or a key is invalid.
pub fn architecture_of(folder: &Path) -> Result<Option<&'static str>> {
    let config = read_optional(folder, names::CONFIG)?;
    let file = folder.join(names::CONFIG).display().to_string();
    config.map(|config| architecture_of_config(config.as_bytes(), &file)).transpose()
}

/// Returns the architecture that a `config.json` describes; `file` names it in errors.
///
/// # Errors
/// If the architecture is not supported, or a key is invalid.
pub fn architecture_of_config(config: &[u8], file: &str) -> Result<&'static str> {
    Ok(parse_config(config, file)?.1.layout.name())
}

/// Parses `config.json`; `file` names it in errors.
fn parse_config(json: &[u8], file: &str) -> Result<(Value, Architecture)> {
    let json: Value = serde_json::from_slice(json).map_err(|e| ModelError::Invalid {
        file: file.into(),
        key: format!("line {}", e.line()),
        cause: e.to_string(),
    })?;
    refuse_remote_code(&json, file)?;
    let architecture = Architecture::from_json(&json, file)?;
    Ok((json, architecture))
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
