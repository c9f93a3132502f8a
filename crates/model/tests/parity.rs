//! Compares the encoder with numbers computed by transformers, and with `candle_transformers`.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use newsdesk_model::batch::{Batch, PackedBatch};
use newsdesk_model::encoder::OutputRows;
use newsdesk_model::encoder::graph::Encoder;
use newsdesk_model::encoder::packed::{EncoderScratch, PackedEncoder};
use newsdesk_model::network::{Network, NetworkSpec, Pooling};
use newsdesk_model::{Classifier, Dtype, InstructionSet, Model};
use serde::Deserialize;
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
    /// The first 4 values.
    cls_hidden: Vec<f32>,
    /// The first 8 values.
    mean_pooled: Vec<f32>,
    /// The first 8 values.
    pooler_output: Vec<f32>,
}

/// A text with the embedding that transformers computes for it: mean-pooled and normalised, the first 64 values.
#[derive(Deserialize)]
struct GoldenEmbedding {
    text: String,
    token_ids: Vec<u32>,
    embedding: Vec<f32>,
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny")
}

fn golden<T: for<'a> Deserialize<'a>>(name: &str) -> Result<Vec<T>, Box<dyn Error>> {
    Ok(serde_json::from_slice(&std::fs::read(tiny().join(name))?)?)
}

/// Asserts that two lists have the same length and agree within 1e-4.
fn assert_close(ours: &[f32], expected: &[f32], what: &str) {
    assert_eq!(ours.len(), expected.len(), "{what}: the numbers of values differ");
    for (a, b) in ours.iter().zip(expected) {
        assert!((a - b).abs() < 1e-4, "{what}: {a} instead of {b}");
    }
}

fn batch(model: &Model, windows: &[&[u32]]) -> Result<Batch, Box<dyn Error>> {
    Ok(Batch::new(windows, model.encoder.pad_token_id, &Device::Cpu)?)
}

#[test]
fn token_ids_equal_those_of_transformers() -> Outcome {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    for case in golden::<Golden>("golden.json")? {
        assert_eq!(
            model.tokenizer.with_special_tokens(&model.tokenizer.encode(&case.text)?),
            case.token_ids,
            "{}",
            case.text
        );
    }
    Ok(())
}

#[test]
fn logits_agree_with_transformers_alone_and_in_a_batch() -> Outcome {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    let network = Network::new(&model.weights, &model.encoder, &model.network)?;
    let cases: Vec<Golden> = golden("golden.json")?;
    for case in &cases {
        let logits = network.forward(&batch(&model, &[&case.token_ids])?, None)?[0].to_vec2::<f32>()?;
        assert_close(&logits[0], &case.logits, &case.text);
    }
    let windows: Vec<&[u32]> = cases.iter().map(|case| case.token_ids.as_slice()).collect();
    let logits = network.forward(&batch(&model, &windows)?, None)?[0].to_vec2::<f32>()?;
    assert_eq!(logits.len(), cases.len());
    for (row, case) in logits.iter().zip(&cases) {
        assert_close(row, &case.batch_logits, &case.text);
    }
    Ok(())
}

#[test]
fn every_pooling_agrees_with_transformers() -> Outcome {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
        let network = Network::new(&model.weights, &model.encoder, &NetworkSpec { pooling, ..model.network.clone() })?;
        let cases: Vec<Golden> = golden("golden.json")?;
        let windows: Vec<&[u32]> = cases.iter().map(|case| case.token_ids.as_slice()).collect();
        let pooled = network.embed(&batch(&model, &windows)?, None)?.to_vec2::<f32>()?;
        assert_eq!(pooled.len(), cases.len());
        for (row, case) in pooled.iter().zip(&cases) {
            let (expected, count) = match pooling {
                Pooling::Cls => (&case.cls_hidden, 4),
                Pooling::Mean => (&case.mean_pooled, 8),
                Pooling::Pooler => (&case.pooler_output, 8),
            };
            assert_eq!((row.len(), expected.len()), (model.encoder.hidden_size, count));
            assert_close(&row[..count], expected, &format!("{pooling} of {}", case.text));
        }
    }
    Ok(())
}

#[test]
fn probabilities_are_the_softmax_of_the_logits() -> Outcome {
    let classifier = Classifier::open(tiny())?;
    let cases: Vec<Golden> = golden("golden.json")?;
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    let predictions = classifier.classify(&texts)?;
    assert_eq!(predictions.len(), cases.len());
    for (prediction, case) in predictions.iter().zip(&cases) {
        let powers: Vec<f32> = case.logits.iter().map(|x| x.exp()).collect();
        let total: f32 = powers.iter().sum();
        let expected: Vec<f32> = powers.iter().map(|p| p / total).collect();
        assert_close(&prediction.heads[0].probabilities.0, &expected, &case.text);
    }
    Ok(())
}

#[test]
fn hidden_states_agree_with_candle_transformers() -> Outcome {
    use candle_transformers::models::bert;
    let model = Model::open(&tiny(), &Device::Cpu)?;
    let config: bert::Config = serde_json::from_value(model.config_json.clone())?;
    let bytes = std::fs::read(tiny().join("model.safetensors"))?;
    let variables = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)?;
    let theirs = bert::BertModel::load(variables.pp("bert"), &config)?;
    let ours = Encoder::new(&model.weights, &model.encoder)?;
    for case in golden::<Golden>("golden.json")? {
        let batch = batch(&model, &[&case.token_ids])?;
        let hidden = ours.forward(&batch, OutputRows::All, None)?; // [1, length, width]
        let expected = theirs.forward(&batch.ids, &batch.ids.zeros_like()?, None)?;
        assert_close(&flat(&hidden)?, &flat(&expected)?, &case.text);
        let first = ours.forward(&batch, OutputRows::First, None)?; // [1, 1, width]
        assert_close(&flat(&first)?, &flat(&hidden.narrow(1, 0, 1)?)?, "the first token alone");
    }
    Ok(())
}

fn flat(tensor: &Tensor) -> Result<Vec<f32>, Box<dyn Error>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

/// The encoders that others publish and people train on. Their weights are not stored here.
const BASES: [&str; 3] = ["all-MiniLM-L6-v2", "all-mpnet-base-v2", "multilingual-e5-small"];

#[test]
#[ignore = "needs folders of all-MiniLM-L6-v2, all-mpnet-base-v2 and multilingual-e5-small under the folder NEWSDESK_BASES"]
fn embeddings_of_published_encoders_agree_with_transformers() -> Outcome {
    let root = PathBuf::from(std::env::var("NEWSDESK_BASES")?);
    for base in BASES {
        let model = Model::open(&root.join(base), &Device::Cpu).map_err(|error| format!("{base}: {error}"))?;
        let spec = NetworkSpec { pooling: Pooling::Mean, heads: vec![] };
        let network = Network::new(&model.weights, &model.encoder, &spec)?;
        let set = InstructionSet::best();
        let packed = PackedEncoder::new(&model.weights, &model.encoder, OutputRows::All, Dtype::F32, set, 2)?;
        let cases: Vec<GoldenEmbedding> = golden(&format!("bases/{base}.json"))?;
        let windows: Vec<&[u32]> = cases.iter().map(|case| case.token_ids.as_slice()).collect();
        let batched = network.embed(&batch(&model, &windows)?, None)?.to_vec2::<f32>()?;
        assert_eq!(batched.len(), cases.len());
        for (row, case) in batched.iter().zip(&cases) {
            let what = format!("{base}, {}", case.text);
            let ids = model.tokenizer.with_special_tokens(&model.tokenizer.encode(&case.text)?);
            assert_eq!(ids, case.token_ids, "{what}");
            assert_close(&normalised(row)[..64], &case.embedding, &what);
            let mut packed_batch = PackedBatch::default();
            packed_batch.push(case.token_ids.iter().copied());
            let mut scratch = EncoderScratch::default();
            let hidden = packed.forward(&packed_batch, &mut scratch);
            let width = model.encoder.hidden_size;
            let mean: Vec<f32> = (0..width).map(|i| hidden.iter().skip(i).step_by(width).sum()).collect();
            assert_close(&normalised(&mean)[..64], &case.embedding, &format!("packed, {what}"));
        }
    }
    Ok(())
}

/// Scales a vector to length 1.
fn normalised(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / length).collect()
}
