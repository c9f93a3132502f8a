//! Logits against predictions, and the packed engine against the graph.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::engine::DeviceNetwork;
use super::pipeline::Backend;
use super::{Classifier, Options, TextLogits, ZeroShot};
use crate::decide::{Combine, Prediction};
use crate::network::Network;
use crate::{Device, Dtype, DtypeChoice, Model};
use std::path::{Path, PathBuf};

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny")
}

fn texts() -> Vec<String> {
    let words = ["council", "voted", "", "bridge;", "rain", "closed", "two", "the"];
    let text = |i: usize| (0..i * i % 200).map(|j| words[(i + j * j) % words.len()]).collect::<Vec<_>>().join(" ");
    (0..30).map(text).collect()
}

#[test]
fn logits_give_predictions_bit_identical_to_classify() {
    let mut model = Model::open(&tiny(), &Device::Cpu).unwrap();
    model.manifest.heads[0].temperature = 1.7;
    for (rule, dtype) in [(Combine::Mean, Dtype::F32), (Combine::Max, Dtype::Int8)] {
        model.manifest.window.combine = rule;
        let options = Options { dtype: DtypeChoice::Exactly(dtype), ..Options::default() };
        let classifier = Classifier::new(model.clone(), &options).unwrap();
        let logits = classifier.logits(&texts()).unwrap();
        assert!(logits.iter().any(|text| text.windows.len() > 2) && logits[0].windows.len() == 1);
        let found: Vec<Prediction> = logits.iter().map(|text| text.prediction(classifier.heads(), rule)).collect();
        assert_eq!(found, classifier.classify(&texts()).unwrap());
    }
}

#[test]
fn an_overflow_is_an_error_of_the_graph_engine() {
    for name in ["embeddings.LayerNorm.weight", "encoder.layer.1.output.LayerNorm.weight", "classifier.weight"] {
        let model = Model::open(&tiny(), &Device::Cpu).unwrap();
        let huge = (model.weights.get_shaped(model.weights.shape(name).unwrap(), name).unwrap() * 1e38).unwrap();
        let huge = huge.clamp(-3e38f32, 3e38f32).unwrap();
        let model = Model { weights: model.weights.with(name, huge), ..model };
        let network = Network::new(&model.weights, &model.encoder, &model.network).unwrap();
        let mut classifier = Classifier::new(model, &Options::default()).unwrap();
        let Backend::Encoder(encoder) = &mut classifier.pipeline.backend else { panic!("models/tiny has an encoder") };
        encoder.engine.network = DeviceNetwork::Graph { network: Box::new(network), device: Device::Cpu };
        for error in [classifier.logits(&texts()).unwrap_err(), classifier.classify(&texts()).unwrap_err()] {
            assert!(error.to_string().starts_with("cannot classify article 1: head `label` returned"), "{error}");
        }
    }
}

#[test]
fn the_graph_engine_gives_the_logits_of_the_packed_engine() {
    let mut classifier = Classifier::open(tiny()).unwrap();
    let packed = classifier.logits(&texts()).unwrap();
    let model = Model::open(&tiny(), &Device::Cpu).unwrap();
    let network = Network::new(&model.weights, &model.encoder, &model.network).unwrap();
    let Backend::Encoder(encoder) = &mut classifier.pipeline.backend else { panic!("models/tiny has an encoder") };
    encoder.engine.network = DeviceNetwork::Graph { network: Box::new(network), device: Device::Cpu };
    let graph = classifier.logits(&texts()).unwrap();
    assert_eq!(packed.len(), graph.len());
    for (packed, graph) in packed.iter().zip(&graph) {
        assert_eq!((&packed.new_tokens, packed.tokens), (&graph.new_tokens, graph.tokens));
        let numbers = |text: &TextLogits| -> Vec<f32> {
            text.windows.iter().flatten().flat_map(|logits| logits.0.clone()).collect()
        };
        let (packed, graph) = (numbers(packed), numbers(graph));
        assert_eq!(packed.len(), graph.len());
        assert!(packed.iter().zip(graph).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}

#[test]
fn the_graph_engine_pairs_windows_with_hypotheses_as_the_packed_engine_does() {
    let model = Model::open(&tiny().join("zero-shot/bert"), &Device::Cpu).unwrap();
    let labels = ["sport", "business", "world news"].map(String::from).into();
    let zero_shot = ZeroShot { labels, hypothesis: ZeroShot::HYPOTHESIS.into(), multi_label: true };
    let mut classifier = Classifier::zero_shot(model.clone(), &zero_shot, &Options::default()).unwrap();
    let packed = classifier.logits(&texts()).unwrap();
    let network = Network::new(&model.weights, &model.encoder, &model.network).unwrap();
    let Backend::Encoder(encoder) = &mut classifier.pipeline.backend else { panic!("the model has an encoder") };
    encoder.engine.network = DeviceNetwork::Graph { network: Box::new(network), device: Device::Cpu };
    let graph = classifier.logits(&texts()).unwrap();
    let numbers = |texts: &[TextLogits]| -> Vec<f32> {
        texts.iter().flat_map(|text| text.windows.iter().flatten()).flat_map(|logits| logits.0.clone()).collect()
    };
    let (packed, graph) = (numbers(&packed), numbers(&graph));
    assert_eq!(packed.len(), graph.len());
    assert!(packed.iter().zip(graph).all(|(a, b)| (a - b).abs() < 1e-4));
}
