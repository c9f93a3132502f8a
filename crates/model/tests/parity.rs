//! The encoder against numbers that transformers computed, and against `candle_transformers`.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use newsdesk_model::batch::Batch;
use newsdesk_model::encoder::Rows;
use newsdesk_model::encoder::graph::Encoder;
use newsdesk_model::network::{Network, Parts, Pooling};
use newsdesk_model::{Classifier, Model};
use serde::Deserialize;
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;

/// One text with transformers' numbers for it.
#[derive(Deserialize)]
struct Golden {
    text: String,
    token_ids: Vec<u32>,
    logits: Vec<f32>,
    batch_logits: Vec<f32>,
    cls_hidden: Vec<f32>,
    mean_pooled: Vec<f32>,
    pooler_output: Vec<f32>,
}

#[derive(Deserialize)]
struct GoldenEmbedding {
    text: String,
    token_ids: Vec<u32>,
    mean_pooled: Vec<f32>,
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny")
}

fn golden<T: for<'a> Deserialize<'a>>(name: &str) -> Result<Vec<T>, Box<dyn Error>> {
    Ok(serde_json::from_slice(&std::fs::read(tiny().join(name))?)?)
}

fn close(ours: &[f32], theirs: &[f32], what: &str) {
    assert!(ours.len() >= theirs.len(), "{what}: {} numbers for {}", ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < 1e-4, "{what}: {a} is not {b}");
    }
}

fn batch(model: &Model, windows: &[&[u32]]) -> Result<Batch, Box<dyn Error>> {
    Ok(Batch::new(windows, model.config.pad_token_id, &Device::Cpu)?)
}

#[test]
fn tokens_are_those_of_transformers() -> Outcome {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    for case in golden::<Golden>("golden.json")? {
        assert_eq!(model.tokenizer.frame(&model.tokenizer.encode(&case.text)?), case.token_ids, "{}", case.text);
    }
    Ok(())
}

#[test]
fn logits_agree_with_transformers_alone_and_in_a_batch() -> Outcome {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    let network = Network::new(&model.weights, &model.config, &model.parts)?;
    let cases: Vec<Golden> = golden("golden.json")?;
    for case in &cases {
        let logits = network.forward(&batch(&model, &[&case.token_ids])?, None)?[0].to_vec2::<f32>()?;
        close(&logits[0], &case.logits, &case.text);
    }
    let windows: Vec<&[u32]> = cases.iter().map(|case| case.token_ids.as_slice()).collect();
    let logits = network.forward(&batch(&model, &windows)?, None)?[0].to_vec2::<f32>()?;
    for (row, case) in logits.iter().zip(&cases) {
        close(row, &case.batch_logits, &case.text);
    }
    Ok(())
}

#[test]
fn every_pooling_agrees_with_transformers() -> Outcome {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
        let network = Network::new(&model.weights, &model.config, &Parts { pooling, ..model.parts.clone() })?;
        let cases: Vec<Golden> = golden("golden.json")?;
        let windows: Vec<&[u32]> = cases.iter().map(|case| case.token_ids.as_slice()).collect();
        let pooled = network.embed(&batch(&model, &windows)?, None)?.to_vec2::<f32>()?;
        for (row, case) in pooled.iter().zip(&cases) {
            let expected = match pooling {
                Pooling::Cls => &case.cls_hidden,
                Pooling::Mean => &case.mean_pooled,
                Pooling::Pooler => &case.pooler_output,
            };
            close(row, expected, &format!("{pooling} of {}", case.text));
        }
    }
    Ok(())
}

#[test]
fn probabilities_are_the_softmax_of_the_logits() -> Outcome {
    let classifier = Classifier::open(tiny())?;
    let cases: Vec<Golden> = golden("golden.json")?;
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    for (prediction, case) in classifier.classify(&texts)?.iter().zip(&cases) {
        let powers: Vec<f32> = case.logits.iter().map(|x| x.exp()).collect();
        let total: f32 = powers.iter().sum();
        let expected: Vec<f32> = powers.iter().map(|p| p / total).collect();
        close(&prediction.heads[0].probabilities.0, &expected, &case.text);
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
    let ours = Encoder::new(&model.weights.pp("bert"), &model.config)?;
    for case in golden::<Golden>("golden.json")? {
        let batch = batch(&model, &[&case.token_ids])?;
        let hidden = ours.forward(&batch, Rows::All, None)?; // [1, length, width]
        let expected = theirs.forward(&batch.ids, &batch.ids.zeros_like()?, None)?;
        close(&flat(&hidden)?, &flat(&expected)?, &case.text);
        let first = ours.forward(&batch, Rows::First, None)?; // [1, 1, width]
        close(&flat(&first)?, &flat(&hidden.narrow(1, 0, 1)?)?, "the first token alone");
    }
    Ok(())
}

fn flat(tensor: &Tensor) -> Result<Vec<f32>, Box<dyn Error>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

#[test]
#[ignore = "needs all-MiniLM-L6-v2; give its folder in NEWSDESK_MINILM"]
fn minilm_embeddings_agree_with_transformers() -> Outcome {
    let folder = std::env::var("NEWSDESK_MINILM")?;
    let model = Model::open(Path::new(&folder), &Device::Cpu)?;
    assert_eq!(model.parts.pooling, Pooling::Mean, "the checkpoint says so");
    let network = Network::new(&model.weights, &model.config, &model.parts)?;
    let cases: Vec<GoldenEmbedding> = golden("minilm-golden.json")?;
    let windows: Vec<&[u32]> = cases.iter().map(|case| case.token_ids.as_slice()).collect();
    let together = network.embed(&batch(&model, &windows)?, None)?.to_vec2::<f32>()?;
    for (row, case) in together.iter().zip(&cases) {
        assert_eq!(model.tokenizer.frame(&model.tokenizer.encode(&case.text)?), case.token_ids, "{}", case.text);
        let alone = network.embed(&batch(&model, &[&case.token_ids])?, None)?.to_vec2::<f32>()?;
        close(row, &case.mean_pooled, &case.text);
        close(&alone[0], &case.mean_pooled, &case.text);
    }
    Ok(())
}
