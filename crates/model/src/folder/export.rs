//! Writes a head of a model as a classifier that transformers opens.

use super::open::Model;
use super::save::{Storage, save, write};
use crate::architecture::Activation;
use crate::checkpoint::Weights;
use crate::error::{ModelError, Result};
use crate::network::{NetworkSpec, Pooling};
use crate::tokenize::TOKENIZER_CONFIG;
use candle_core::{Device, Tensor};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// The tanh of numbers so much smaller is the number itself, to the precision of f32. A power of two, which f16 holds exactly.
const SMALL: f64 = 1.0 / 8192.0;
/// Added to values so that they are positive, and GELU and SiLU do not change them. The output of a layer norm stays far below.
const SHIFT: f64 = 64.0;

/// Writes the head of this name as a `*ForSequenceClassification` of transformers: its logits are those of the head, divided by
/// the temperature.
///
/// Such classifiers have a dense layer and an activation between the first token's vector and the head. A model without that
/// layer (pooling `cls`) gets one that changes nothing.
///
/// # Errors
/// [`ModelError::CannotExport`] if the classifiers of this architecture cannot express the model. Otherwise if a file cannot be
/// written.
pub fn export(model: &Model, head: &str, folder: &Path, storage: Storage) -> Result<()> {
    let cannot = |cause: &str| ModelError::CannotExport { head: head.into(), cause: cause.into() };
    let heads = model.manifest.heads.iter().zip(&model.network.heads);
    let (head, (prefix, labels)) =
        heads.into_iter().find(|(known, _)| known.name == head).ok_or_else(|| cannot("the model has no such head"))?;
    let pooler = model.encoder.pooler;
    let adapter = match model.manifest.pooling {
        Pooling::Pooler => None,
        Pooling::Mean => {
            return Err(cannot(
                "the model averages the vectors of all tokens, and classifiers of transformers read the first one",
            ));
        }
        Pooling::Cls if pooler.norm.is_some() => {
            return Err(cannot("classifiers of this architecture normalise the vector, and the model does not"));
        }
        Pooling::Cls => Some(match (pooler.activation, pooler.has_bias) {
            (Activation::Tanh, _) => Adapter { scale: SMALL, shift: 0.0 },
            (_, true) if storage == Storage::F32 => Adapter { scale: 1.0, shift: SHIFT },
            (_, true) => {
                return Err(cannot(
                    "f16 is too coarse for the head of a model without a pooler in this architecture; f32 is not",
                ));
            }
            (_, false) => {
                return Err(cannot("classifiers of this architecture change the vector, and the model does not"));
            }
        }),
    };
    let mut tensors = BTreeMap::new();
    for tensor in model.weights.tensors() {
        let (name, tensor) = tensor?;
        let is_of_heads = model.network.heads.iter().any(|(prefix, _)| is_under(name, prefix));
        let is_of_pooler = is_under(name, "pooler") && model.manifest.pooling != Pooling::Pooler;
        if !is_of_heads && !is_of_pooler {
            tensors.insert(name.to_owned(), tensor);
        }
    }
    let width = model.encoder.hidden_size;
    let weight = model.weights.get([*labels, width], &format!("{prefix}.weight"))?.to_device(&Device::Cpu)?;
    let bias = model.weights.get([*labels], &format!("{prefix}.bias"))?.to_device(&Device::Cpu)?;
    let temperature = f64::from(head.temperature);
    let (mut weight, mut bias) = ((weight / temperature)?, (bias / temperature)?);
    if let Some(Adapter { scale, shift }) = adapter {
        bias = (bias - (weight.sum(1)? * shift)?)?;
        weight = (weight / scale)?;
        tensors.insert("pooler.dense.weight".into(), identity(width, scale)?);
        if pooler.has_bias {
            tensors.insert("pooler.dense.bias".into(), Tensor::full(shift as f32, width, &Device::Cpu)?);
        }
    }
    tensors.insert(format!("{prefix}.weight"), weight);
    tensors.insert(format!("{prefix}.bias"), bias);
    let mut exported = model.clone();
    let manifest = &mut exported.manifest;
    manifest.pooling = Pooling::Pooler;
    manifest.heads.retain(|other| other.name == head.name);
    manifest.heads.iter_mut().for_each(|head| head.temperature = 1.0);
    manifest.scores.retain(|score| score.head == head.name);
    manifest.calibrations.retain(|calibration| calibration.head == head.name);
    // They were measured with other weights.
    manifest.certificates.clear();
    exported.network = NetworkSpec { heads: vec![(prefix.clone(), *labels)], pooling: Pooling::Pooler };
    exported.weights = Weights::from_tensors(tensors, &model.manifest.name);
    save(&exported, folder, storage)?;
    // Without it, transformers would not cut texts that are too long.
    let settings = json!({ "model_max_length": exported.manifest.window.length });
    write(folder, TOKENIZER_CONFIG, format!("{settings:#}\n").as_bytes())
}

/// A dense layer that together with its activation changes a vector only by a factor and a summand, which the head undoes.
struct Adapter {
    scale: f64,
    shift: f64,
}

/// Returns whether the name of a tensor is in this group.
fn is_under(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
}

/// Returns the identity matrix, multiplied by a number.
fn identity(width: usize, scale: f64) -> Result<Tensor> {
    let values = (0..width * width).map(|at| if at / width == at % width { scale as f32 } else { 0.0 });
    Ok(Tensor::from_iter(values, &Device::Cpu)?.reshape((width, width))?)
}
