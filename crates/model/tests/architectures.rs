//! Every architecture against the numbers of transformers: all implementations, poolings, dtypes and instruction sets, saving
//! and opening included.

use candle_core::{Device, Tensor};
use newsdesk_model::architecture::{Activation, EncoderSpec, FeedForwardSpec};
use newsdesk_model::batch::{Batch, PackedBatch};
use newsdesk_model::checkpoint::Variables;
use newsdesk_model::encoder::OutputRows;
use newsdesk_model::encoder::graph::Encoder;
use newsdesk_model::folder::{Storage, save};
use newsdesk_model::network::{
    Network, NetworkSpec, PackedNetwork, Pooling, Rounding, Scratch, TrainingNetwork, rounded_weights,
};
use newsdesk_model::{Classifier, Dtype, DtypeChoice, InstructionSet, Model, Options};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;

/// A text with the numbers that transformers computes for it. Vectors are stored by their first values only.
#[derive(Deserialize)]
struct Golden {
    text: String,
    token_ids: Vec<u32>,
    logits: Vec<f32>,
    batch_logits: Vec<f32>,
    cls_hidden: Vec<f32>,
    mean_pooled: Vec<f32>,
    /// The vector that the classifier multiplies.
    pooler: Vec<f32>,
}

struct Case {
    name: String,
    folder: PathBuf,
    model: Model,
    golden: Vec<Golden>,
}

impl Case {
    fn all() -> Result<Vec<Self>, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny/architectures");
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(root)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
        folders.sort();
        let open = |folder: PathBuf| -> Result<Self, Box<dyn Error>> {
            let name = folder.file_name().ok_or("no name")?.to_string_lossy().into_owned();
            let model = Model::open(&folder, &Device::Cpu).map_err(|error| format!("{name}: {error}"))?;
            let golden = serde_json::from_slice(&std::fs::read(folder.join("golden.json"))?)?;
            Ok(Self { name, folder, model, golden })
        };
        let cases: Vec<Self> = folders.into_iter().map(open).collect::<Result<_, _>>()?;
        assert!(cases.len() >= 15, "architectures are missing");
        Ok(cases)
    }

    fn windows(&self) -> Vec<&[u32]> {
        self.golden.iter().map(|case| case.token_ids.as_slice()).collect()
    }

    fn batch(&self, windows: &[&[u32]]) -> Result<Batch, Box<dyn Error>> {
        Ok(Batch::new(windows, self.model.encoder.pad_token_id, &Device::Cpu)?)
    }

    fn with_pooling(&self, pooling: Pooling) -> NetworkSpec {
        NetworkSpec { pooling, ..self.model.network.clone() }
    }

    fn packed(
        &self,
        network: &NetworkSpec,
        dtype: Dtype,
        set: InstructionSet,
    ) -> newsdesk_model::Result<PackedNetwork> {
        PackedNetwork::new(&self.model.weights, &self.model.encoder, network, dtype, set, 1)
    }
}

fn sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.is_available())
}

/// Returns the largest difference of two lists of the same length.
#[track_caller]
fn difference(ours: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(ours.len(), expected.len(), "the numbers of values differ");
    ours.iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |largest, x| if x > largest || x.is_nan() { x } else { largest })
}

#[track_caller]
fn assert_close(ours: &[f32], expected: &[f32], what: &str) {
    let difference = difference(ours, expected);
    assert!(difference < 1e-4, "{what}: differs by {difference}: {ours:?} instead of {expected:?}");
}

#[test]
fn token_ids_equal_those_of_transformers() -> Outcome {
    for case in Case::all()? {
        let tokenizer = &case.model.tokenizer;
        for golden in &case.golden {
            let ids = tokenizer.with_special_tokens(&tokenizer.encode(&golden.text)?);
            assert_eq!(ids, golden.token_ids, "{}: {:?}", case.name, golden.text);
        }
    }
    Ok(())
}

#[test]
fn the_graph_agrees_with_transformers_alone_and_in_a_batch() -> Outcome {
    for case in Case::all()? {
        let network = Network::new(&case.model.weights, &case.model.encoder, &case.model.network)?;
        for golden in &case.golden {
            let logits = network.forward(&case.batch(&[&golden.token_ids])?, None)?[0].to_vec2::<f32>()?;
            assert_close(&logits[0], &golden.logits, &format!("{}, {:?}", case.name, golden.text));
        }
        let logits = network.forward(&case.batch(&case.windows())?, None)?[0].to_vec2::<f32>()?;
        for (row, golden) in logits.iter().zip(&case.golden) {
            assert_close(row, &golden.batch_logits, &format!("{} in a batch, {:?}", case.name, golden.text));
        }
    }
    Ok(())
}

#[test]
fn every_pooling_of_the_graph_agrees_with_transformers() -> Outcome {
    for case in Case::all()? {
        for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
            let network = Network::new(&case.model.weights, &case.model.encoder, &case.with_pooling(pooling))?;
            let pooled = network.embed(&case.batch(&case.windows())?, None)?.to_vec2::<f32>()?;
            for (row, golden) in pooled.iter().zip(&case.golden) {
                let expected = match pooling {
                    Pooling::Cls => &golden.cls_hidden,
                    Pooling::Mean => &golden.mean_pooled,
                    Pooling::Pooler => &golden.pooler,
                };
                assert_eq!(row.len(), case.model.encoder.hidden_size);
                let what = format!("{}, {pooling} of {:?}", case.name, golden.text);
                assert_close(&row[..expected.len()], expected, &what);
            }
        }
    }
    Ok(())
}

#[test]
fn the_packed_network_agrees_with_transformers_in_f32() -> Outcome {
    for case in Case::all()? {
        let mut batch = PackedBatch::default();
        case.windows().iter().for_each(|window| batch.push(window.iter().copied()));
        for set in sets() {
            let network = case.packed(&case.model.network, Dtype::F32, set)?;
            let logits = network.forward(&batch, &mut Scratch::default());
            for (row, golden) in logits[0].iter().zip(&case.golden) {
                assert_close(&row.0, &golden.logits, &format!("{} on {set}, {:?}", case.name, golden.text));
            }
        }
    }
    Ok(())
}

#[test]
fn every_pooling_of_the_packed_network_agrees_with_the_graph() -> Outcome {
    for case in Case::all()? {
        let mut batch = PackedBatch::default();
        case.windows().iter().for_each(|window| batch.push(window.iter().copied()));
        for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
            let spec = case.with_pooling(pooling);
            let graph = Network::new(&case.model.weights, &case.model.encoder, &spec)?;
            let expected = graph.forward(&case.batch(&case.windows())?, None)?[0].to_vec2::<f32>()?;
            let packed = case.packed(&spec, Dtype::F32, InstructionSet::best())?;
            let found = packed.forward(&batch, &mut Scratch::default());
            for (row, expected) in found[0].iter().zip(&expected) {
                assert_close(&row.0, expected, &format!("{}, {pooling}", case.name));
            }
        }
    }
    Ok(())
}

/// The limit of the mean difference of probabilities from those in f32. The tiny models have extreme weights, and real ones
/// differ less.
const ROUNDED: [(Dtype, f32); 3] = [(Dtype::Int16, 0.01), (Dtype::Bf16, 0.06), (Dtype::Int8, 0.15)];

#[test]
fn other_dtypes_are_close_to_f32_and_bit_identical_regardless_of_batch_composition() -> Outcome {
    for case in Case::all()? {
        let texts: Vec<&str> = case.golden.iter().map(|golden| golden.text.as_str()).collect();
        for set in sets() {
            let classify = |dtype, threads, texts: &[&str]| -> newsdesk_model::Result<Vec<Vec<f32>>> {
                let options = Options {
                    threads: Some(threads),
                    dtype: DtypeChoice::Exactly(dtype),
                    instructions: Some(set),
                    ..Options::default()
                };
                let predictions = Classifier::new(case.model.clone(), &options)?.classify(texts)?;
                Ok(predictions.into_iter().map(|prediction| prediction.heads[0].probabilities.0.clone()).collect())
            };
            let exact = classify(Dtype::F32, 1, &texts)?;
            for (dtype, max_difference) in ROUNDED {
                let rounded = classify(dtype, 2, &texts)?;
                let pairs = exact.concat().into_iter().zip(rounded.concat());
                let sum: f32 = pairs.map(|(a, b)| (a - b).abs()).sum();
                let mean = sum / exact.concat().len() as f32;
                // A difference of zero would mean that f32 was used.
                assert!(mean > 0.0 && mean < max_difference, "{}, {dtype} on {set}: {mean}", case.name);
            }
            for dtype in Dtype::ALL {
                let together = classify(dtype, 2, &texts)?;
                for (text, together) in texts.iter().zip(&together) {
                    let alone = classify(dtype, 1, &[text])?;
                    assert_eq!(&alone[0], together, "{}, {dtype} on {set}, {text:?}", case.name);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_saved_model_has_the_names_of_the_original_and_the_same_numbers() -> Outcome {
    for case in Case::all()? {
        let folder = tempfile::tempdir()?;
        save(&case.model, folder.path(), Storage::F32)?;
        let names = |folder: &Path| -> Result<BTreeSet<String>, Box<dyn Error>> {
            let bytes = std::fs::read(folder.join("model.safetensors"))?;
            let tensors = safetensors::SafeTensors::deserialize(&bytes)?;
            Ok(tensors.names().into_iter().map(String::from).filter(|name| !name.contains("position_ids")).collect())
        };
        // Only the pooler of RoBERTa's relatives, which classification does not use, may be missing.
        let missing: Vec<String> = names(&case.folder)?.difference(&names(folder.path())?).cloned().collect();
        assert_eq!(missing, Vec::<String>::new(), "{}", case.name);
        assert!(names(folder.path())?.is_subset(&names(&case.folder)?), "{}", case.name);
        let model = Model::open(folder.path(), &Device::Cpu)?;
        assert_eq!(model.encoder, case.model.encoder, "{}", case.name);
        let network = Network::new(&model.weights, &model.encoder, &model.network)?;
        let logits = network.forward(&case.batch(&case.windows())?, None)?[0].to_vec2::<f32>()?;
        for (row, golden) in logits.iter().zip(&case.golden) {
            assert_close(row, &golden.batch_logits, &format!("{} after saving", case.name));
        }
        let class = |model: &Model| model.config_json["architectures"].clone();
        assert_eq!(class(&model), class(&case.model), "{}", case.name);
    }
    Ok(())
}

#[test]
fn a_base_without_prefix_has_the_same_hidden_states() -> Outcome {
    for case in Case::all()? {
        let folder = tempfile::tempdir()?;
        // Without heads, a model is saved as a bare encoder.
        let mut model = case.model.clone();
        model.manifest.heads.clear();
        model.manifest.pooling = Pooling::Cls;
        model.network.heads.clear();
        save(&model, folder.path(), Storage::F32)?;
        let base = Model::open(folder.path(), &Device::Cpu)?;
        let hidden = |model: &Model, spec: &EncoderSpec| -> Result<Vec<f32>, Box<dyn Error>> {
            let encoder = Encoder::new(&model.weights, spec)?;
            let batch = case.batch(&[&case.golden[2].token_ids])?;
            Ok(encoder.forward(&batch, OutputRows::All, None)?.flatten_all()?.to_vec1()?)
        };
        assert_eq!(hidden(&base, &base.encoder)?, hidden(&case.model, &case.model.encoder)?, "{}", case.name);
    }
    Ok(())
}

/// Returns a loss with a different weight for each logit. `first` is the index of the first window.
fn weighted(logits: &Tensor, first: usize) -> newsdesk_model::Result<Tensor> {
    let labels = logits.dim(1)?;
    let weights: Vec<f32> = (0..logits.elem_count()).map(|i| ((first * labels + i) as f32 * 1.3).cos()).collect();
    let weights = Tensor::from_vec(weights, logits.shape(), &Device::Cpu)?;
    Ok((logits * weights)?.sum_all()?)
}

#[test]
fn every_variable_receives_a_gradient_that_is_a_slope() -> Outcome {
    for case in Case::all()? {
        let variables = Variables::copy_of(&case.model.weights)?;
        let network = Network::new(&variables.weights(), &case.model.encoder, &case.model.network)?;
        let batch = case.batch(&case.windows()[1..4])?;
        let loss = || weighted(&network.forward(&batch, None)?[0], 0);
        let gradients = loss()?.backward()?;
        for (name, variable) in variables.iter() {
            let what = format!("{}, `{name}`", case.name);
            let gradient = gradients.get(variable).ok_or_else(|| format!("{what} receives no gradient"))?;
            let length = f64::from(gradient.sqr()?.sum_all()?.sqrt()?.to_scalar::<f32>()?);
            // The bias of the keys shifts all scores of a query equally, so its true gradient after softmax is zero.
            assert!(length.is_finite() && (length > 0.0 || name.ends_with("key.bias")), "{what}: {length}");
            if length < 1e-2 {
                continue;
            }
            // The slope along the gradient is its length.
            let start = variable.as_tensor().copy()?;
            let step = 3e-4 * (1.0 + f64::from(start.abs()?.mean_all()?.to_scalar::<f32>()?));
            let at = |by: f64| -> Result<f64, Box<dyn Error>> {
                variable.set(&(&start + (gradient * (by / length))?)?)?;
                Ok(f64::from(loss()?.to_scalar::<f32>()?))
            };
            let slope = (at(step)? - at(-step)?) / (2.0 * step);
            variable.set(&start)?;
            assert!((slope - length).abs() < 0.05 * length + 0.05, "{what}: slope {slope}, gradient {length}");
        }
    }
    Ok(())
}

#[test]
fn training_for_int8_sees_the_products_of_int8() -> Outcome {
    let (mut count, mut equal) = (0, 0);
    for (case, pooling) in Case::all()?.iter().flat_map(|case| [(case, Pooling::Cls), (case, Pooling::Mean)]) {
        let (spec, windows) = (case.with_pooling(pooling), case.windows());
        let Some(mut training) = TrainingNetwork::new(&case.model.encoder, &spec, 0, Rounding::Int8) else { continue };
        let mut found = vec![];
        let keep = |_, logits: &[Tensor]| -> newsdesk_model::Result<Option<Tensor>> {
            found.extend(logits[0].to_vec2::<f32>()?.concat());
            Ok(None)
        };
        training.gradients(&Variables::copy_of(&case.model.weights)?, &windows, None, 1, keep)?;
        let rounded = rounded_weights(&case.model.encoder, &case.model.weights)?;
        for set in sets() {
            let logits = |weights, dtype| -> Result<Vec<f32>, Box<dyn std::error::Error>> {
                let packed = PackedNetwork::new(weights, &case.model.encoder, &spec, dtype, set, 1)?;
                let mut batch = PackedBatch::default();
                windows.iter().for_each(|window| batch.push(window.iter().copied()));
                Ok(packed.forward(&batch, &mut Scratch::default())[0].iter().flat_map(|row| row.0.clone()).collect())
            };
            let to_int8 = difference(&found, &logits(&rounded, Dtype::Int8)?);
            let to_f32 = difference(&found, &logits(&case.model.weights, Dtype::F32)?);
            // Where the last bits of an activation differ from those in labelling, a value may be rounded the other way.
            let limit = if pooling == Pooling::Cls { 0.1 } else { 0.4 };
            assert!(to_int8 < limit * to_f32, "{}, {set}: {to_int8} from int8, {to_f32} from f32", case.name);
            assert!(to_f32 > 0.1, "{}: int8 is as exact as f32", case.name);
            // These have neither precise rows, whose last bits differ, nor the approximate GELU of labelling.
            let FeedForwardSpec { activation, is_gated, .. } = case.model.encoder.feed_forward;
            if pooling == Pooling::Mean && (is_gated || activation != Activation::Gelu) {
                count += 1;
                equal += usize::from(to_int8 < 1e-4);
            }
        }
    }
    assert!(4 * equal >= count, "only {equal} of {count} cases have the logits of int8");
    Ok(())
}

#[test]
fn training_gradients_equal_those_of_the_graph() -> Outcome {
    let mut supported = vec![];
    for case in Case::all()? {
        for pooling in [Pooling::Pooler, Pooling::Mean, Pooling::Cls] {
            let spec = case.with_pooling(pooling);
            let Some(mut training) = TrainingNetwork::new(&case.model.encoder, &spec, 0, Rounding::Nothing) else {
                continue;
            };
            supported.push(case.name.clone());
            let mut variables = Variables::copy_of(&case.model.weights)?;
            variables.retain(|name| pooling == Pooling::Pooler || !name.starts_with("pooler."));
            let network = Network::new(&variables.weights(), &case.model.encoder, &spec)?;
            let expected_loss = weighted(&network.forward(&case.batch(&case.windows())?, None)?[0], 0)?;
            let expected = expected_loss.backward()?;
            let loss = |chunk: std::ops::Range<usize>, logits: &[Tensor]| weighted(&logits[0], chunk.start).map(Some);
            let (loss, found) = training.gradients(&variables, &case.windows(), None, 2, loss)?;
            let expected_loss = expected_loss.to_scalar::<f32>()?;
            assert!((loss - expected_loss).abs() < 1e-3, "{}: {loss} instead of {expected_loss}", case.name);
            let encoder = found.encoder.iter().map(|(name, values)| (*name, *values));
            let heads = found.heads.iter().map(|(name, values)| (name.as_str(), values.as_slice()));
            let found: std::collections::BTreeMap<&str, &[f32]> = encoder.chain(heads).collect();
            assert_eq!(found.len(), variables.iter().count(), "{}", case.name);
            for (name, variable) in variables.iter() {
                let expected =
                    expected.get(variable).ok_or("a gradient is missing")?.flatten_all()?.to_vec1::<f32>()?;
                let largest = expected.iter().fold(0f32, |largest, x| largest.max(x.abs()));
                let difference = difference(found[name], &expected);
                let what = format!("{}, {pooling}, `{name}`", case.name);
                assert!(difference < 1e-3 * largest + 1e-4, "{what}: {difference} for values up to {largest}");
            }
        }
    }
    supported.dedup();
    let others: Vec<String> =
        Case::all()?.into_iter().map(|case| case.name).filter(|name| !supported.contains(name)).collect();
    assert!(others.iter().all(|name| name.starts_with("deberta")), "candle trains {others:?}");
    Ok(())
}
