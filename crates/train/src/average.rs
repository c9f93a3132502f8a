//! Several models that were trained from one base, to the model of their mean weights: as good as the best of them or better,
//! and as fast as one ("Model soups", Wortsman et al., 2022).

use crate::error::{Result, TrainError};
use crate::teacher::weights_hash;
use candle_core::Tensor;
use newsdesk_model::encoder::Weights;
use newsdesk_model::folder::{AveragedRecord, Manifest};
use newsdesk_model::{Head, Model};
use std::collections::BTreeMap;

/// The mean of the models' weights, each counted with its share, which are positive and are divided by their sum.
///
/// Name and windows are the first model's. What was measured of the models says nothing of their mean: temperatures are 1, labels
/// are given from 0.5 on, and there are no certificates and scores until [`crate::calibrate`] and others find new ones.
///
/// # Errors
/// [`TrainError::Average`] if there are fewer than two models, a share is not positive, or two models differ in encoder,
/// tokenizer, heads, pooling or what they are asked about; if the device fails.
pub fn average(models: &[Model], shares: &[f64]) -> Result<Model> {
    let [first, others @ ..] = models else { return Err(fault("there is no model".into())) };
    if others.is_empty() {
        return Err(fault("there is one model only".into()));
    }
    if shares.len() != models.len() {
        return Err(fault(format!("there are {} models and {} shares", models.len(), shares.len())));
    }
    if let Some(share) = shares.iter().find(|share| !(share.is_finite() && **share > 0.0)) {
        return Err(fault(format!("a share of {share} is not positive")));
    }
    for other in others {
        if let Some(difference) = difference(first, other)? {
            let names = [first, other].map(|model| format!("`{}`", model.manifest.name)).join(" and ");
            return Err(fault(format!("{names} differ in {difference}")));
        }
    }
    let whole: f64 = shares.iter().sum();
    let shares: Vec<f64> = shares.iter().map(|share| share / whole).collect();
    let mut tensors = BTreeMap::new();
    for tensor in first.weights.tensors() {
        let (name, tensor) = tensor?;
        tensors.insert(name.to_string(), mean(models, &shares, name, tensor.dims())?);
    }
    let mut averaged = vec![];
    for (model, share) in models.iter().zip(&shares) {
        averaged.extend(parts_of(model, *share)?);
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
    Ok(Model { weights: Weights::from_tensors(tensors, "the mean of weights"), manifest, ..first.clone() })
}

fn fault(cause: String) -> TrainError {
    TrainError::Average { cause }
}

/// What keeps two models from having a mean, as a person would say it.
fn difference(one: &Model, other: &Model) -> Result<Option<String>> {
    let (manifest, others) = (&one.manifest, &other.manifest);
    let heads = |manifest: &Manifest| manifest.heads.iter().map(unmeasured).collect::<Vec<_>>();
    let differs = [
        (one.config != other.config, "the sizes of their encoders"),
        (one.tokenizer.json() != other.tokenizer.json(), "their tokenizers"),
        (heads(manifest) != heads(others), "their heads or the labels of these"),
        (manifest.pooling != others.pooling, "how windows are pooled"),
        (manifest.mention != others.mention, "the columns of what they are asked about"),
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
    Ok(odd.map(|name| format!("their tensor `{name}`")))
}

/// A head without what was measured of the model that it belongs to.
fn unmeasured(head: &Head) -> Head {
    let mut head = Head { temperature: 1.0, ..head.clone() };
    head.labels.iter_mut().for_each(|label| label.threshold = None);
    head
}

/// The mean of the tensors of this name, summed in 64 bits.
fn mean(models: &[Model], shares: &[f64], name: &str, shape: &[usize]) -> Result<Tensor> {
    let mut sums = vec![0f64; shape.iter().product()];
    for (model, share) in models.iter().zip(shares) {
        let values = model.weights.get_shaped(shape, name)?.flatten_all()?.to_vec1::<f32>()?;
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * f64::from(value));
    }
    let mean: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
    Ok(Tensor::from_vec(mean, shape, models[0].weights.device())?)
}

/// What a model brings into the mean: itself, or what it is a mean of.
fn parts_of(model: &Model, share: f64) -> Result<Vec<AveragedRecord>> {
    let manifest = &model.manifest;
    if !manifest.averaged.is_empty() {
        let part = |part: &AveragedRecord| AveragedRecord { share: part.share * share, ..part.clone() };
        return Ok(manifest.averaged.iter().map(part).collect());
    }
    let weights = format!("{:016x}", weights_hash(model)?.value());
    Ok(vec![AveragedRecord { name: manifest.name.clone(), share, weights, training: manifest.training.clone() }])
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

    /// The tiny model with all weights multiplied.
    fn times(factor: f64, name: &str) -> Model {
        let model = tiny(name);
        let scaled = model.weights.tensors().map(|tensor| {
            let (name, tensor) = tensor.unwrap();
            (name.to_string(), (tensor * factor).unwrap())
        });
        Model { weights: Weights::from_tensors(scaled.collect(), "scaled"), ..model }
    }

    fn values(model: &Model) -> Vec<f32> {
        model.weights.tensors().flat_map(|t| t.unwrap().1.flatten_all().unwrap().to_vec1().unwrap()).collect()
    }

    #[test]
    fn every_weight_is_the_mean_by_shares() {
        let mut second = times(3.0, "b");
        second.manifest.heads[0].temperature = 2.0;
        let mean = average(&[tiny("a"), second], &[3.0, 1.0]).unwrap();
        let expected = values(&tiny("a")).into_iter().map(|x| 1.5 * x);
        assert!(values(&mean).iter().zip(expected).all(|(x, y)| (x - y).abs() <= 1e-6 * y.abs()));
        assert_eq!((mean.manifest.name.as_str(), mean.manifest.heads[0].temperature), ("a", 1.0));
        // A mean of means names what it is made of in the end.
        let all = average(&[mean, times(2.0, "c")], &[1.0, 1.0]).unwrap();
        let parts: Vec<(&str, f64)> = all.manifest.averaged.iter().map(|p| (p.name.as_str(), p.share)).collect();
        assert_eq!(parts, [("a", 0.375), ("b", 0.125), ("c", 0.5)]);
        let hashes: Vec<&str> = all.manifest.averaged.iter().map(|p| p.weights.as_str()).collect();
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2], "{hashes:?}");
    }

    #[test]
    fn what_differs_is_named() {
        let refused = |other: Model| match average(&[tiny("a"), other], &[1.0, 1.0]) {
            Err(error) => error.to_string(),
            Ok(_) => "averaged".into(),
        };
        let mut other = tiny("b");
        other.manifest.heads[0].labels.swap(0, 1);
        assert_eq!(refused(other), "Failed to average: `a` and `b` differ in their heads or the labels of these");
        let mut other = tiny("b");
        let mut tensors: BTreeMap<String, Tensor> =
            other.weights.tensors().map(|t| t.map(|(name, tensor)| (name.into(), tensor)).unwrap()).collect();
        tensors.remove("classifier.bias");
        other.weights = Weights::from_tensors(tensors, "one less");
        assert_eq!(refused(other), "Failed to average: `a` and `b` differ in their tensor `classifier.bias`");
        let two = [tiny("a"), tiny("b")];
        let wrong = |shares: &[f64]| average(&two, shares).err().unwrap().to_string();
        assert_eq!(wrong(&[1.0, 0.0]), "Failed to average: a share of 0 is not positive");
        assert_eq!(wrong(&[1.0]), "Failed to average: there are 2 models and 1 shares");
        assert_eq!(average(&two[..1], &[1.0]).err().unwrap().to_string(), "Failed to average: there is one model only");
    }
}
