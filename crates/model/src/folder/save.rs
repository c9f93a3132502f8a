//! Writes model folders.

use super::manifest::Manifest;
use super::names;
use super::open::Model;
use crate::checkpoint::{Quantised, SCALES, Weights};
use crate::error::{ModelError, Result};
use crate::head::HeadActivation;
use crate::linear::LinearModel;
use crate::network::Pooling;
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The fewest columns of a matrix that is stored as integers. Below, its scales would take too much of the space that it saves.
const MIN_COLUMNS: usize = 32;

/// The number format of saved weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// 4 bytes per weight; lossless.
    F32,
    /// 2 bytes per weight.
    F16,
    /// 1 byte per weight of a matrix, with scales; heads and vectors in f32. Other programs do not open it.
    Int8,
}

/// Writes the four files of a model into `folder`, which is created if it does not exist. Readers never see a partial
/// file.
///
/// # Errors
/// If a file cannot be written.
pub fn save(model: &Model, folder: &Path, storage: Storage) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| ModelError::Write { path: folder.into(), source })?;
    let write = |name: &str, bytes: &[u8]| write(folder, name, bytes);
    write(names::TOKENIZER, model.tokenizer.json())?;
    let mut config = model.config_json.clone();
    let classifier = as_classifier(model)?;
    if let Value::Object(keys) = &mut config {
        for key in ["id2label", "label2id", "problem_type", "torch_dtype", "dtype"] {
            keys.remove(key);
        }
        match &classifier {
            Some((_, classifier)) => keys.extend(classifier.clone()),
            // Transformers opens this folder as an encoder. Only the manifest describes the heads.
            None => drop(keys.insert("architectures".into(), json!([model.layout.encoder_class()]))),
        }
    }
    let invalid = |file: &str, cause: String| ModelError::Invalid { file: file.into(), key: "contents".into(), cause };
    let config = serde_json::to_string_pretty(&config).map_err(|e| invalid(names::CONFIG, e.to_string()))?;
    write(names::CONFIG, format!("{config}\n").as_bytes())?;
    save_manifest(&model.manifest, folder)?;
    // Written last, so that a folder with weights is complete.
    let weights = match classifier {
        Some((weights, _)) => weights,
        None => model.layout.stored_weights(&model.weights)?,
    };
    write(names::WEIGHTS, &weights_bytes(&weights, storage)?)
}

/// Writes the two files of a linear model into `folder`, which is created if it does not exist. Readers never see a
/// partial file.
///
/// # Errors
/// If a file cannot be written.
pub fn save_linear(model: &LinearModel, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| ModelError::Write { path: folder.into(), source })?;
    save_manifest(&model.manifest, folder)?;
    write(folder, names::WEIGHTS, &model.table().to_bytes(&model.manifest.heads)?)
}

/// Returns the weights and keys of `config.json` that make a model a classifier of transformers. Returns `None` unless the model
/// has a pooler and exactly one head.
fn as_classifier(model: &Model) -> Result<Option<(Weights, Map<String, Value>)>> {
    let (Pooling::Pooler, [head], [(prefix, _)]) =
        (model.manifest.pooling, model.manifest.heads.as_slice(), model.network.heads.as_slice())
    else {
        return Ok(None);
    };
    let weights = model.weights.renamed(|name| match name.strip_prefix(prefix.as_str()) {
        Some(rest) if rest.starts_with('.') => format!("classifier{rest}"),
        _ => name.into(),
    });
    let weights = model.layout.of_classifier().stored_weights(&weights)?;
    let names = || head.labels.iter().map(|label| label.name.clone()).enumerate();
    let problem = match head.activation {
        HeadActivation::Softmax => "single_label_classification",
        HeadActivation::Sigmoid => "multi_label_classification",
        HeadActivation::None => "regression",
    };
    let keys = json!({
        "architectures": [model.layout.classifier_class()],
        "id2label": names().map(|(i, name)| (i.to_string(), json!(name))).collect::<Map<_, _>>(),
        "label2id": names().map(|(i, name)| (name, json!(i))).collect::<Map<_, _>>(),
        "problem_type": problem,
    });
    match keys {
        Value::Object(keys) => Ok(Some((weights, keys))),
        _ => Ok(None),
    }
}

/// Writes the manifest of a model into its folder. Readers see either the old or the new manifest.
///
/// # Errors
/// If it cannot be written. The old manifest is then unchanged.
pub fn save_manifest(manifest: &Manifest, folder: &Path) -> Result<()> {
    write(folder, names::MANIFEST, manifest.text()?.as_bytes())
}

/// Checks that [`save_manifest`] can write into a folder, before long work whose result is to be written.
///
/// # Errors
/// If the folder is not writable.
pub fn check_writable(folder: &Path) -> Result<()> {
    let path = folder.join(names::MANIFEST);
    newsdesk_files::check_writable(&path).map_err(|source| ModelError::Write { path, source })
}

/// Writes one file of a model folder, and creates the folder if it does not exist.
pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let created = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    created
        .and_then(|()| newsdesk_files::write_atomic(&path, bytes))
        .map_err(|source| ModelError::Write { path, source })
}

/// Returns whether a tensor is part of a head.
fn is_of_head(name: &str) -> bool {
    name.starts_with("heads.") || name.starts_with("classifier.")
}

/// Returns the bytes of a safetensors file with these weights.
///
/// # Errors
/// If the device fails, a name occurs twice, or a weight is too large for f16.
pub fn weights_bytes(weights: &Weights, storage: Storage) -> Result<Vec<u8>> {
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = vec![];
    for tensor in weights.tensors() {
        let (name, tensor) = tensor?;
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        if storage == Storage::F16
            && let Some(value) = values.iter().map(|&x| f16::from_f32(x).to_f32()).find(|x| !x.is_finite())
        {
            return Err(weights.not_finite(name, value));
        }
        let shape = tensor.dims().to_vec();
        let f32_bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        match (storage, shape.as_slice()) {
            (Storage::F16, _) => {
                let bytes = values.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect();
                tensors.push((name.into(), Dtype::F16, shape, bytes));
            }
            // Heads are small, and scores depend on them directly.
            (Storage::Int8, &[rows, columns]) if columns >= MIN_COLUMNS && !is_of_head(name) => {
                let Quantised { integers, scales, groups } = Quantised::new(&values, columns);
                let bytes = integers.into_iter().map(i8::cast_unsigned).collect();
                tensors.push((name.into(), Dtype::I8, shape, bytes));
                tensors.push((format!("{name}{SCALES}"), Dtype::F32, vec![rows, groups], f32_bytes(&scales)));
            }
            (Storage::F32 | Storage::Int8, _) => tensors.push((name.into(), Dtype::F32, shape, f32_bytes(&values))),
        }
    }
    let invalid = |cause: String| ModelError::Invalid { file: names::WEIGHTS.into(), key: "tensors".into(), cause };
    let views: Vec<_> = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes).map(|v| (name, v)).map_err(|e| invalid(e.to_string()))
        })
        .collect::<Result<_>>()?;
    let metadata = [("format".to_string(), "pt".to_string())].into_iter().collect();
    safetensors::serialize(views, Some(metadata)).map_err(|e| invalid(e.to_string()))
}
