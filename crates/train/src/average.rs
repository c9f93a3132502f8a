//! Averages the weights of several models that were trained from one base. The mean is usually as good as the best of them or
//! better, and as fast as one ("Model soups", Wortsman et al., 2022). That holds for models that lie close together. Models whose
//! heads started from different random weights, or that were trained for too short a time, may have a mean that is far worse.

use crate::error::{Remedy, Result, TrainError};
use crate::fingerprint::weights_hash;
use crate::heads::counted;
use candle_core::Tensor;
use newsdesk_model::checkpoint::Weights;
use newsdesk_model::folder::{AveragedRecord, Manifest};
use newsdesk_model::{Head, Model};
use std::collections::BTreeMap;

/// Encoders with a lower cosine similarity were not trained from one base. Fine-tuning changes the weights of an encoder little: their
/// similarity to the base stays above 0.9.
const RELATED: f64 = 0.5;

/// Returns the weighted mean of the models. The weights are positive, and are divided by their sum.
///
/// Name and windows are the first model's. What was measured on the models does not apply to their mean. So temperatures are 1,
/// label thresholds have their default of 0.5, and there are no certificates and scores until they are measured again.
///
/// # Errors
/// [`TrainError::Average`] if there are fewer than two models, a weight is not positive, or two models differ in encoder,
/// tokenizer, heads, pooling or target columns, or come from different bases; if the device fails.
pub fn average(models: &[Model], weights: &[f64]) -> Result<Model> {
    let [first, others @ ..] = models else { return Err(failed("there is no model".into())) };
    if others.is_empty() {
        return Err(failed("there is only one model".into()));
    }
    if weights.len() != models.len() {
        let (models, weights) = (counted(models.len(), "model"), counted(weights.len(), "weight"));
        return Err(wrong_weights(format!("there are {models} and {weights}")));
    }
    if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
        return Err(wrong_weights(format!("the weight {weight} is not above zero")));
    }
    for other in others {
        if let Some(difference) = difference(first, other)? {
            let names = [first, other].map(|model| format!("`{}`", model.manifest.name)).join(" and ");
            return Err(failed(format!("{names} differ in {difference}")));
        }
    }
    let total: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    let mut tensors = BTreeMap::new();
    for tensor in first.weights.tensors() {
        let (name, tensor) = tensor?;
        tensors.insert(name.to_string(), mean(models, &weights, name, tensor.dims())?);
    }
    let mut averaged = vec![];
    for (model, weight) in models.iter().zip(&weights) {
        averaged.extend(records(model, *weight)?);
    }
    let manifest = Manifest {
        heads: first.manifest.heads.iter().map(unmeasured).collect(),
        training: None,
        averaged,
        scores: vec![],
        certificates: vec![],
        calibrations: vec![],
        ..first.manifest.clone()
    };
    Ok(Model { weights: Weights::from_tensors(tensors, "the averaged weights"), manifest, ..first.clone() })
}

fn wrong_weights(cause: String) -> TrainError {
    TrainError::Average { cause, remedy: Remedy::WeightPerModel }
}

fn failed(cause: String) -> TrainError {
    TrainError::Average { cause, remedy: Remedy::AverageRelatedModels }
}

/// Returns in what two models differ that cannot be averaged; `None` if they can be.
fn difference(one: &Model, other: &Model) -> Result<Option<String>> {
    let (manifest, others) = (&one.manifest, &other.manifest);
    let heads = |manifest: &Manifest| manifest.heads.iter().map(unmeasured).collect::<Vec<_>>();
    let differs = [
        (one.encoder != other.encoder || one.layout != other.layout, "the architectures or sizes of their encoders"),
        (one.tokenizer.json() != other.tokenizer.json(), "their tokenizers"),
        (heads(manifest) != heads(others), "their heads or labels"),
        (manifest.pooling != others.pooling, "their pooling"),
        (manifest.target != others.target, "their target columns"),
    ];
    if let Some((_, what)) = differs.iter().find(|(differs, _)| *differs) {
        return Ok(Some((*what).into()));
    }
    let shapes = |model: &Model| -> Result<BTreeMap<String, Vec<usize>>> {
        let shape = |tensor: newsdesk_model::Result<(&str, Tensor)>| {
            let (name, tensor) = tensor?;
            Ok((name.to_string(), tensor.dims().to_vec()))
        };
        model.weights.tensors().map(shape).collect()
    };
    let (own, others) = (shapes(one)?, shapes(other)?);
    let odd = own.iter().find(|(name, shape)| others.get(*name) != Some(shape)).map(|(name, _)| name);
    let odd = odd.or_else(|| others.keys().find(|name| !own.contains_key(*name)));
    if let Some(name) = odd {
        return Ok(Some(format!("their tensor `{name}`")));
    }
    let is_encoder_matrix = |name: &str, shape: &[usize]| shape.len() > 1 && head_of(one, name).is_none();
    let similarity = similarity(one, other, is_encoder_matrix)?;
    Ok((similarity < RELATED)
        .then(|| format!("their bases: the cosine similarity of their encoders' weights is only {similarity:.2}")))
}

/// Returns the lowest cosine similarity between the weights of each head of the first model and those of the others, by head.
///
/// Heads that were trained from the same weights are alike. Heads that started from different random weights are less so, and
/// their mean may be worse than each of them.
///
/// # Errors
/// If the models differ in their tensors.
pub fn head_similarities(models: &[Model]) -> Result<Vec<(String, f64)>> {
    let [first, others @ ..] = models else { return Ok(vec![]) };
    let mut found = vec![];
    for (index, head) in first.manifest.heads.iter().enumerate() {
        let is_weight = |name: &str, shape: &[usize]| shape.len() > 1 && head_of(first, name) == Some(index);
        let mut lowest = 1.0;
        for other in others {
            lowest = similarity(first, other, is_weight)?.min(lowest);
        }
        found.push((head.name.clone(), lowest));
    }
    Ok(found)
}

/// Returns the index of the head that a tensor belongs to.
fn head_of(model: &Model, tensor: &str) -> Option<usize> {
    let is_part = |prefix: &String| tensor.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('.'));
    model.network.heads.iter().position(|(prefix, _)| is_part(prefix))
}

/// Returns the cosine similarity of two models over all tensors that `chosen` selects by name and shape; 1 without such tensors.
fn similarity(one: &Model, other: &Model, chosen: impl Fn(&str, &[usize]) -> bool) -> Result<f64> {
    let (mut product, mut squares) = (0.0, [0.0, 0.0]);
    for tensor in one.weights.tensors() {
        let (name, tensor) = tensor?;
        if !chosen(name, tensor.dims()) {
            continue;
        }
        let others = other.weights.get_shaped(tensor.dims(), name)?.flatten_all()?.to_vec1::<f32>()?;
        for (x, y) in tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().zip(others) {
            let (x, y) = (f64::from(x), f64::from(y));
            product += x * y;
            squares[0] += x * x;
            squares[1] += y * y;
        }
    }
    let norm = (squares[0] * squares[1]).sqrt();
    Ok(if norm > 0.0 { product / norm } else { 1.0 })
}

/// Returns a head without its temperature and thresholds.
fn unmeasured(head: &Head) -> Head {
    let mut head = Head { temperature: 1.0, ..head.clone() };
    head.labels.iter_mut().for_each(|label| label.threshold = None);
    head
}

/// Returns the weighted mean of the tensors with this name, summed in 64 bits.
fn mean(models: &[Model], weights: &[f64], name: &str, shape: &[usize]) -> Result<Tensor> {
    let mut sums = vec![0f64; shape.iter().product()];
    for (model, weight) in models.iter().zip(weights) {
        let values = model.weights.get_shaped(shape, name)?.flatten_all()?.to_vec1::<f32>()?;
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * f64::from(value));
    }
    let mean: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
    Ok(Tensor::from_vec(mean, shape, models[0].weights.device())?)
}

/// Returns the records of a model in the mean: of itself, or of the models that it is a mean of.
fn records(model: &Model, weight: f64) -> Result<Vec<AveragedRecord>> {
    let manifest = &model.manifest;
    if !manifest.averaged.is_empty() {
        let record = |model: &AveragedRecord| AveragedRecord { share: model.share * weight, ..model.clone() };
        return Ok(manifest.averaged.iter().map(record).collect());
    }
    let hash = format!("{:016x}", weights_hash(model)?.value());
    Ok(vec![AveragedRecord {
        name: manifest.name.clone(),
        share: weight,
        weights: hash,
        training: manifest.training.clone(),
    }])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::Device;
    use std::path::Path;

    fn tiny(name: &str) -> Model {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
        let mut model = Model::open(&folder, &Device::Cpu).unwrap();
        model.manifest.name = name.into();
        model
    }

    /// The tiny model with all weights multiplied by a factor.
    fn scaled(factor: f64, name: &str) -> Model {
        let model = tiny(name);
        let tensors = model.weights.tensors().map(|tensor| {
            let (name, tensor) = tensor.unwrap();
            (name.to_string(), (tensor * factor).unwrap())
        });
        Model { weights: Weights::from_tensors(tensors.collect(), "scaled"), ..model }
    }

    fn values(model: &Model) -> Vec<f32> {
        model.weights.tensors().flat_map(|t| t.unwrap().1.flatten_all().unwrap().to_vec1().unwrap()).collect()
    }

    #[test]
    fn every_value_is_the_weighted_mean() {
        let mut second = scaled(3.0, "b");
        second.manifest.heads[0].temperature = 2.0;
        let mean = average(&[tiny("a"), second], &[3.0, 1.0]).unwrap();
        let expected = values(&tiny("a")).into_iter().map(|x| 1.5 * x);
        assert!(values(&mean).iter().zip(expected).all(|(x, y)| (x - y).abs() <= 1e-6 * y.abs()));
        assert_eq!((mean.manifest.name.as_str(), mean.manifest.heads[0].temperature), ("a", 1.0));
        // A mean that includes another mean lists the models of both.
        let all = average(&[mean, scaled(2.0, "c")], &[1.0, 1.0]).unwrap();
        let parts: Vec<(&str, f64)> = all.manifest.averaged.iter().map(|p| (p.name.as_str(), p.share)).collect();
        assert_eq!(parts, [("a", 0.375), ("b", 0.125), ("c", 0.5)]);
        let hashes: Vec<&str> = all.manifest.averaged.iter().map(|p| p.weights.as_str()).collect();
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2], "{hashes:?}");
    }

    /// The tiny model with other values in the tensors whose name `chosen` accepts.
    fn shuffled(chosen: impl Fn(&str) -> bool) -> Model {
        let model = tiny("b");
        let tensors = model.weights.tensors().map(|tensor| {
            let (name, tensor) = tensor.unwrap();
            let mut values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
            if chosen(name) {
                values.reverse();
            }
            (name.to_string(), Tensor::from_vec(values, tensor.dims(), &Device::Cpu).unwrap())
        });
        Model { weights: Weights::from_tensors(tensors.collect(), "shuffled"), ..model }
    }

    #[test]
    fn other_bases_are_refused_and_other_heads_are_less_alike() {
        let other = shuffled(|name| !name.starts_with("classifier"));
        let error = average(&[tiny("a"), other], &[1.0, 1.0]).err().unwrap().to_string();
        assert!(error.starts_with("cannot average the models: `a` and `b` differ in their bases: "), "{error}");
        let other = [tiny("a"), shuffled(|name| name.starts_with("classifier"))];
        average(&other, &[1.0, 1.0]).unwrap();
        let (head, similarity) = head_similarities(&other).unwrap().remove(0);
        assert!(head == "label" && similarity < 0.5, "{similarity}");
        assert_eq!(head_similarities(&[tiny("a"), scaled(2.0, "b")]).unwrap()[0].1, 1.0);
    }

    #[test]
    fn models_that_cannot_be_averaged_are_refused() {
        let refused = |other: Model| match average(&[tiny("a"), other], &[1.0, 1.0]) {
            Err(error) => error.to_string(),
            Ok(_) => "averaged".into(),
        };
        let mut other = tiny("b");
        other.manifest.heads[0].labels.swap(0, 1);
        assert_eq!(refused(other), "cannot average the models: `a` and `b` differ in their heads or labels");
        let mut other = tiny("b");
        let mut tensors: BTreeMap<String, Tensor> =
            other.weights.tensors().map(|t| t.map(|(name, tensor)| (name.into(), tensor)).unwrap()).collect();
        tensors.remove("classifier.bias");
        other.weights = Weights::from_tensors(tensors, "without a tensor");
        assert_eq!(refused(other), "cannot average the models: `a` and `b` differ in their tensor `classifier.bias`");
        let two = [tiny("a"), tiny("b")];
        let wrong = |weights: &[f64]| average(&two, weights).err().unwrap().to_string();
        assert_eq!(wrong(&[1.0, 0.0]), "cannot average the models: the weight 0 is not above zero");
        assert_eq!(wrong(&[1.0]), "cannot average the models: there are 2 models and 1 weight");
        assert_eq!(
            average(&two[..1], &[1.0]).err().unwrap().to_string(),
            "cannot average the models: there is only one model"
        );
    }
}
