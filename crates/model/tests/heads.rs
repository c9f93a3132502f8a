//! Heads of other kinds than one label per article, against the pipeline of transformers.

use candle_core::{Device, Tensor};
use newsdesk_model::folder::{Storage, weights_bytes};
use newsdesk_model::{Classifier, HeadActivation, Model, OpenOptions, Options};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;

/// A head on top of the tiny DistilBERT.
#[derive(Deserialize)]
struct HeadCase {
    name: String,
    /// Changes of `config.json`; null removes a key.
    config: Map<String, Value>,
    #[serde(rename = "classifier.weight")]
    weight: Vec<Vec<f32>>,
    #[serde(rename = "classifier.bias")]
    bias: Vec<f32>,
    cases: Vec<TextCase>,
}

#[derive(Deserialize)]
struct TextCase {
    text: String,
    scores: BTreeMap<String, f32>,
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny")
}

/// Writes the tiny DistilBERT with another head.
fn write(case: &HeadCase, folder: &Path) -> Outcome {
    let base = tiny().join("architectures/distilbert");
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(base.join(file), folder.join(file))?;
    }
    let mut config: Map<String, Value> = serde_json::from_slice(&std::fs::read(base.join("config.json"))?)?;
    for (key, value) in &case.config {
        match value {
            Value::Null => drop(config.remove(key)),
            value => drop(config.insert(key.clone(), value.clone())),
        }
    }
    std::fs::write(folder.join("config.json"), serde_json::to_vec(&config)?)?;
    let model = Model::open(&base, &Device::Cpu)?;
    let weight = Tensor::new(case.weight.clone(), &Device::Cpu)?;
    let bias = Tensor::new(case.bias.as_slice(), &Device::Cpu)?;
    let weights = model.weights.with("classifier.weight", weight).with("classifier.bias", bias);
    // Our names of the encoder's tensors are not DistilBERT's.
    let weights = model.layout.stored_weights(&weights)?;
    std::fs::write(folder.join("model.safetensors"), weights_bytes(&weights, Storage::F32)?)?;
    Ok(())
}

#[test]
fn scores_of_all_kinds_of_heads_equal_those_of_transformers() -> Outcome {
    let heads: Vec<HeadCase> = serde_json::from_slice(&std::fs::read(tiny().join("heads.json"))?)?;
    assert!(heads.len() >= 7);
    for head in heads {
        let folder = tempfile::tempdir()?;
        write(&head, folder.path())?;
        let classifier = Classifier::open_with(folder.path(), &Options { threads: Some(1), ..Options::default() })
            .map_err(|error| format!("{}: {error}", head.name))?;
        for case in &head.cases {
            let prediction = &classifier.classify(&[&case.text])?[0];
            let found: BTreeMap<String, f32> =
                prediction.heads[0].ranked().into_iter().map(|label| (label.name.to_string(), label.score)).collect();
            assert_eq!(found.len(), case.scores.len(), "{}", head.name);
            for (label, expected) in &case.scores {
                let found = found.get(label).ok_or_else(|| format!("{}: no label {label}", head.name))?;
                assert!((found - expected).abs() < 1e-4, "{}, {label}: {found} instead of {expected}", head.name);
            }
        }
    }
    Ok(())
}

#[test]
fn labels_without_names_are_reported() -> Outcome {
    let heads: Vec<HeadCase> = serde_json::from_slice(&std::fs::read(tiny().join("heads.json"))?)?;
    let mut reported = vec![];
    for head in heads {
        let folder = tempfile::tempdir()?;
        write(&head, folder.path())?;
        let model = Model::open(folder.path(), &Device::Cpu)?;
        if model.warnings.iter().any(|warning| warning.contains("have no names")) {
            reported.push(head.name);
        }
    }
    let expected = ["one label, no problem type", "two labels without names", "three labels without names"];
    assert_eq!(reported, expected);
    Ok(())
}

#[test]
fn an_activation_replaces_that_of_the_checkpoint() -> Outcome {
    let open = |activation| {
        let options = OpenOptions { activation: Some(activation), ..OpenOptions::default() };
        Model::open_with(&tiny(), &Device::Cpu, options)
    };
    let scores = |model| -> Result<Vec<f32>, Box<dyn Error>> {
        let classifier = Classifier::new(model, &Options { threads: Some(1), ..Options::default() })?;
        Ok(classifier.classify(&["Goal!"])?[0].heads[0].probabilities.0.clone())
    };
    let logits = scores(open(HeadActivation::None)?)?;
    let sigmoid = scores(open(HeadActivation::Sigmoid)?)?;
    for (logit, score) in logits.iter().zip(&sigmoid) {
        assert!((1.0 / (1.0 + (-logit).exp()) - score).abs() < 1e-6);
    }
    // Also if the configuration cannot be understood, and without a warning about names that do not matter.
    let folder = tempfile::tempdir()?;
    let heads: Vec<HeadCase> = serde_json::from_slice(&std::fs::read(tiny().join("heads.json"))?)?;
    let mut head = heads.into_iter().find(|head| head.name == "three labels without names").ok_or("no such head")?;
    head.config.insert("problem_type".into(), "ranking".into());
    write(&head, folder.path())?;
    assert!(Model::open(folder.path(), &Device::Cpu).is_err());
    let options = OpenOptions { activation: Some(HeadActivation::None), ..OpenOptions::default() };
    assert_eq!(Model::open_with(folder.path(), &Device::Cpu, options)?.warnings, Vec::<String>::new());
    let softmax: f32 = scores(open(HeadActivation::Softmax)?)?.iter().sum();
    assert!((softmax - 1.0).abs() < 1e-6 && logits.iter().any(|logit| *logit < 0.0));
    Ok(())
}
