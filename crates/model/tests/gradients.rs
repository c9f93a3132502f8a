//! Every trainable variable receives a gradient, and the gradient equals the slope of the loss.

use candle_core::{Device, Tensor};
use newsdesk_model::Model;
use newsdesk_model::batch::Batch;
use newsdesk_model::checkpoint::Variables;
use newsdesk_model::encoder::graph::Dropout;
use newsdesk_model::network::{EncoderLosses, Network, NetworkSpec, Pooling, Rounding, TrainingNetwork};
use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::path::Path;

type Outcome = Result<(), Box<dyn Error>>;
/// Row-major values by variable name.
type Gradients = BTreeMap<String, Vec<f32>>;

const WINDOWS: [&[u32]; 2] = [&[2, 17, 301, 44, 580, 91, 3], &[2, 77, 210, 3]];

fn tiny(pooling: Pooling) -> Result<(Model, NetworkSpec), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
    let model = Model::open(&folder, &Device::Cpu)?;
    let spec = NetworkSpec { pooling, ..model.network.clone() };
    Ok((model, spec))
}

/// Returns a loss with a different weight for each logit. `first` is the index of the first window.
fn weighted(logits: &Tensor, first: usize) -> newsdesk_model::Result<Tensor> {
    let labels = logits.dim(1)?;
    let weights: Vec<f32> = (0..logits.elem_count()).map(|i| ((first * labels + i) as f32 * 1.3).cos()).collect();
    let weights = Tensor::from_vec(weights, logits.shape(), &Device::Cpu)?;
    Ok((logits * weights)?.sum_all()?)
}

fn loss(network: &Network, dropout: Option<&mut Dropout>) -> Result<Tensor, Box<dyn Error>> {
    let batch = Batch::new(&WINDOWS, 0, &Device::Cpu)?;
    Ok(weighted(&network.forward(&batch, dropout)?[0], 0)?)
}

/// Returns loss and gradients of [`TrainingNetwork`].
fn training_gradients(
    model: &Model,
    spec: &NetworkSpec,
    variables: &Variables,
    windows: &[&[u32]],
    seed: Option<u64>,
    threads: usize,
) -> Result<(f32, Gradients), Box<dyn Error>> {
    let mut network =
        TrainingNetwork::new(&model.encoder, spec, 0, Rounding::Nothing).ok_or("the encoder is not supported")?;
    let (loss, found) = network
        .gradients(variables, windows, seed, threads, |chunk, logits| weighted(&logits[0], chunk.start).map(Some))?;
    let encoder = found.encoder.iter().map(|(name, values)| (name.to_string(), values.to_vec()));
    Ok((loss, encoder.chain(found.heads.clone()).collect()))
}

/// Returns windows of many lengths, enough for several groups and chunks.
fn many_windows() -> Vec<Vec<u32>> {
    let token = |window: u32, position: u32| 4 + (window * 7919 + position * 104_729) % 590;
    (0..70)
        .map(|w| [2].into_iter().chain((0..w * 37 % 60).map(|position| token(w, position))).chain([3]).collect())
        .collect()
}

#[test]
fn training_gradients_equal_those_of_the_graph() -> Outcome {
    let many = many_windows();
    for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
        let (model, spec) = tiny(pooling)?;
        let mut variables = Variables::copy_of(&model.weights)?;
        variables.retain(|name| pooling == Pooling::Pooler || !name.contains("pooler"));
        let windows: Vec<&[u32]> = many.iter().map(Vec::as_slice).collect();
        let network = Network::new(&variables.weights(), &model.encoder, &spec)?;
        let batch = Batch::new(&windows, 0, &Device::Cpu)?;
        let expected_loss = weighted(&network.forward(&batch, None)?[0], 0)?;
        let expected = expected_loss.backward()?;
        let (loss, found) = training_gradients(&model, &spec, &variables, &windows, None, 3)?;
        let expected_loss = expected_loss.to_scalar::<f32>()?;
        assert!((loss - expected_loss).abs() < 1e-3, "{pooling}: {loss} instead of {expected_loss}");
        assert_eq!(found.len(), variables.iter().count());
        for (name, variable) in variables.iter() {
            let expected = expected.get(variable).ok_or("a gradient is missing")?.flatten_all()?.to_vec1::<f32>()?;
            let largest = expected.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            let difference = expected.iter().zip(&found[name]).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(
                expected.len() == found[name].len() && difference < 1e-3 * largest + 1e-4,
                "{pooling}, `{name}`: difference {difference} for values up to {largest}"
            );
        }
    }
    Ok(())
}

#[test]
fn frozen_levels_have_no_gradients_and_do_not_affect_others() -> Outcome {
    let (model, spec) = tiny(Pooling::Cls)?;
    let variables = Variables::copy_of(&model.weights)?;
    let (_, all) = training_gradients(&model, &spec, &variables, &WINDOWS, Some(3), 2)?;
    let level = |name: &str| match name.split_once("layer.") {
        Some((_, rest)) => 1 + usize::from(rest.starts_with('1')),
        None if name.contains("embeddings") => 0,
        None => 3,
    };
    for frozen in 0..=3 {
        let mut network = TrainingNetwork::new(&model.encoder, &spec, frozen, Rounding::Nothing)
            .ok_or("the encoder is not supported")?;
        let loss = |chunk: Range<usize>, logits: &[Tensor]| weighted(&logits[0], chunk.start).map(Some);
        let (_, found) = network.gradients(&variables, &WINDOWS, Some(3), 2, loss)?;
        let encoder = found.encoder.iter().map(|(name, values)| (name.to_string(), values.to_vec()));
        let found: Gradients = encoder.chain(found.heads.clone()).collect();
        let expected = all.iter().filter(|(name, _)| level(name) >= frozen);
        assert_eq!(found, expected.map(|(name, values)| (name.clone(), values.clone())).collect());
    }
    Ok(())
}

#[test]
fn training_gradients_are_bit_identical_for_any_number_of_threads() -> Outcome {
    let (model, spec) = tiny(Pooling::Cls)?;
    let variables = Variables::copy_of(&model.weights)?;
    let many = many_windows();
    let windows: Vec<&[u32]> = many.iter().map(Vec::as_slice).collect();
    let bits = |seed, threads| -> Result<Vec<Vec<u32>>, Box<dyn Error>> {
        let (_, found) = training_gradients(&model, &spec, &variables, &windows, Some(seed), threads)?;
        Ok(found.values().map(|values| values.iter().map(|x| x.to_bits()).collect()).collect())
    };
    let one = bits(5, 1)?;
    assert_eq!([bits(5, 2)?, bits(5, 7)?], [one.clone(), one.clone()]);
    assert_ne!(bits(6, 1)?, one, "the seed has no effect on dropout");
    Ok(())
}

#[test]
fn training_gradients_are_slopes_under_dropout() -> Outcome {
    for pooling in [Pooling::Cls, Pooling::Mean] {
        let (mut model, spec) = tiny(pooling)?;
        // A high rate reveals a value that only the forward or only the backward pass drops.
        (model.encoder.hidden_dropout_prob, model.encoder.attention_probs_dropout_prob) = (0.3, 0.3);
        let variables = Variables::copy_of(&model.weights)?;
        assert_slopes(&pooling.to_string(), &variables, || {
            training_gradients(&model, &spec, &variables, &WINDOWS, Some(9), 2)
        })?;
    }
    Ok(())
}

/// Asserts that the gradient of each variable is the slope of the loss.
fn assert_slopes(
    case: &str,
    variables: &Variables,
    loss: impl Fn() -> Result<(f32, Gradients), Box<dyn Error>>,
) -> Outcome {
    let (at_start, found) = loss()?;
    for (name, gradient) in &found {
        let length = gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
        if length < 1e-2 {
            continue;
        }
        let variable = variables.get(name)?;
        let start = variable.as_tensor().copy()?;
        let direction = Tensor::from_slice(gradient, start.shape(), &Device::Cpu)?;
        let step = 1e-3 * (1.0 + f64::from(start.abs()?.mean_all()?.to_scalar::<f32>()?));
        let at = |by: f64| -> Result<f64, Box<dyn Error>> {
            variable.set(&(&start + (&direction * (by / length))?)?)?;
            Ok(f64::from(loss()?.0))
        };
        let slope = (at(step)? - at(-step)?) / (2.0 * step);
        variable.set(&start)?;
        // The loss is rounded to f32.
        let rounding = f64::from(at_start * f32::EPSILON) / step;
        let tolerance = 0.05 * length + 1e-2 + rounding;
        assert!((slope - length).abs() < tolerance, "{case}, `{name}`: slope {slope}, gradient {length}");
    }
    Ok(())
}

/// Returns loss and gradients of the comparison of a student with its teacher; predictions have no part in it.
fn comparison_gradients(
    student: &Model,
    teacher: &Model,
    losses: EncoderLosses,
    variables: &Variables,
    windows: &[&[u32]],
) -> Result<(f32, Gradients), Box<dyn Error>> {
    let network = TrainingNetwork::new(&student.encoder, &student.network, 0, Rounding::Nothing);
    let network = network.ok_or("the encoder is not supported")?;
    let mut network = network.with_teacher(&teacher.encoder, teacher.weights.clone(), losses, 2)?;
    let no_loss = |_, _: &[Tensor]| Ok::<_, newsdesk_model::ModelError>(None);
    let (loss, found) = network.gradients(variables, windows, None, 2, no_loss)?;
    Ok((loss, found.encoder.iter().map(|(name, values)| (name.to_string(), values.to_vec())).collect()))
}

#[test]
fn gradients_of_the_comparison_with_a_teacher_are_slopes() -> Outcome {
    let windows: [&[u32]; 2] = [&[2, 17, 301, 44, 58, 91, 3], &[2, 77, 210, 3]];
    for name in ["..", "mpnet", "modernbert-mean"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny/architectures").join(name);
        let teacher = Model::open(&folder, &Device::Cpu)?;
        let kept: Vec<usize> = (0..teacher.encoder.layers.len()).filter(|layer| *layer != 1).collect();
        let student = teacher.with_layers(&kept)?;
        let variables = Variables::copy_of(&student.weights)?;
        for (hidden_states, relations) in [(30.0, 0.0), (0.0, 300.0), (30.0, 300.0)] {
            let losses = EncoderLosses { hidden_states, relations };
            let found = || comparison_gradients(&student, &teacher, losses, &variables, &windows);
            assert!(found()?.0 > 0.01, "{name}, {losses:?}: {}", found()?.0);
            assert_slopes(&format!("{name}, {losses:?}"), &variables, found)?;
        }
        // A teacher is equal to itself.
        let losses = EncoderLosses { hidden_states: 1.0, relations: 1.0 };
        let own = Variables::copy_of(&teacher.weights)?;
        let (loss, found) = comparison_gradients(&teacher, &teacher, losses, &own, &windows)?;
        assert!(loss == 0.0 && found.values().flatten().all(|g| *g == 0.0), "{name}: {loss}");
    }
    Ok(())
}

#[test]
fn every_variable_receives_a_gradient() -> Outcome {
    for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
        let (model, spec) = tiny(pooling)?;
        let mut variables = Variables::copy_of(&model.weights)?;
        variables.retain(|name| pooling == Pooling::Pooler || !name.contains("pooler"));
        let network = Network::new(&variables.weights(), &model.encoder, &spec)?;
        let gradients = loss(&network, Some(&mut Dropout::new(0.1, 0.1, 5)))?.backward()?;
        let mut count = 0;
        for (name, variable) in variables.iter() {
            let gradient = gradients.get(variable).ok_or_else(|| format!("`{name}` receives no gradient"))?;
            let size = gradient.abs()?.sum_all()?.to_scalar::<f32>()?;
            // The bias of the keys shifts all scores of a query equally, so its true gradient after softmax is zero.
            assert!(size.is_finite() && (size > 0.0 || name.ends_with("key.bias")), "{pooling}, `{name}`: {size}");
            count += 1;
        }
        let encoder = 5 + 16 * model.encoder.layers.len();
        assert_eq!(count, encoder + 2 + if pooling == Pooling::Pooler { 2 } else { 0 });
    }
    Ok(())
}

#[test]
fn graph_gradients_are_slopes() -> Outcome {
    let (model, spec) = tiny(Pooling::Cls)?;
    let variables = Variables::copy_of(&model.weights)?;
    let network = Network::new(&variables.weights(), &model.encoder, &spec)?;
    let gradients = loss(&network, None)?.backward()?;
    for (name, variable) in variables.iter().filter(|(name, _)| !name.contains("pooler")) {
        // The slope along the gradient is its length. It stands out most from rounding errors.
        let Some(gradient) = gradients.get(variable) else { return Err(format!("no gradient for `{name}`").into()) };
        let length = gradient.sqr()?.sum_all()?.sqrt()?.to_scalar::<f32>()? as f64;
        if length < 1e-3 {
            continue;
        }
        let start = variable.as_tensor().copy()?;
        let step = 1e-3 * (1.0 + start.abs()?.mean_all()?.to_scalar::<f32>()? as f64);
        let at = |by: f64| -> Result<f64, Box<dyn Error>> {
            variable.set(&(&start + (gradient * (by / length))?)?)?;
            Ok(loss(&network, None)?.to_scalar::<f32>()? as f64)
        };
        let slope = (at(step)? - at(-step)?) / (2.0 * step);
        variable.set(&start)?;
        assert!((slope - length).abs() < 0.05 * length + 5e-3, "`{name}`: slope {slope}, gradient {length}");
    }
    Ok(())
}
