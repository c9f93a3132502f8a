//! Compares the packed network with the graph, and tests that scores are bit-identical regardless of batch composition.

use candle_core::Tensor;
use newsdesk_model::architecture::Activation;
use newsdesk_model::batch::{Batch, PackedBatch};
use newsdesk_model::checkpoint::Variables;
use newsdesk_model::network::{Network, NetworkSpec, PackedNetwork, Pooling, Rounding, Scratch, TrainingNetwork};
use newsdesk_model::{Classifier, Device, Dtype, DtypeChoice, InstructionSet, Model, Options, Prediction};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny")
}

fn sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.is_available())
}

fn classifier(dtype: Dtype, set: InstructionSet, threads: usize) -> newsdesk_model::Result<Classifier> {
    let options = Options {
        threads: Some(threads),
        dtype: DtypeChoice::Exactly(dtype),
        instructions: Some(set),
        ..Options::default()
    };
    Classifier::open_with(tiny(), &options)
}

fn windows() -> Vec<Vec<u32>> {
    (0..7u32).map(|w| (0..1 + w * w).map(|i| (w * 31 + i * 17) % 90).collect()).collect()
}

#[test]
fn f32_logits_agree_with_the_graph() -> Outcome {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    let windows = windows();
    for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
        for hidden_act in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
            let spec = NetworkSpec { pooling, ..model.network.clone() };
            let mut config = model.encoder.clone();
            config.feed_forward.activation = hidden_act;
            let graph = Network::new(&model.weights, &config, &spec)?;
            let mut packed_batch = PackedBatch::default();
            let mut expected: Vec<Vec<f32>> = vec![];
            for window in &windows {
                packed_batch.push(window.iter().copied());
                let batch = Batch::new(&[window], config.pad_token_id, &Device::Cpu)?;
                expected.extend(graph.forward(&batch, None)?[0].to_vec2::<f32>()?);
            }
            for set in sets() {
                let packed = PackedNetwork::new(&model.weights, &config, &spec, Dtype::F32, set, 1)?;
                let logits = packed.forward(&packed_batch, &mut Scratch::default());
                assert_eq!(logits[0].len(), expected.len());
                for (row, expected) in logits[0].iter().zip(&expected) {
                    assert_eq!(row.0.len(), expected.len());
                    for (found, expected) in row.0.iter().zip(expected) {
                        let difference = (found - expected).abs();
                        assert!(difference < 1e-4, "{pooling}, {hidden_act:?}, {set}: {found} instead of {expected}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn other_dtypes_are_close_to_f32() -> Outcome {
    let texts: Vec<String> = (0..20).map(text).collect();
    for set in sets() {
        let exact = classifier(Dtype::F32, set, 1)?.classify(&texts)?;
        for (dtype, max_difference) in [(Dtype::Int16, 0.01), (Dtype::Bf16, 0.05), (Dtype::Int8, 0.1)] {
            let rounded = classifier(dtype, set, 1)?.classify(&texts)?;
            let mut largest = 0f32;
            for (a, b) in exact.iter().zip(&rounded) {
                for (a, b) in a.heads[0].probabilities.0.iter().zip(&b.heads[0].probabilities.0) {
                    largest = largest.max((a - b).abs());
                }
            }
            // A difference of zero would mean that f32 was used.
            assert!(largest > 0.0 && largest < max_difference, "{dtype} on {set} differs by {largest}");
        }
    }
    Ok(())
}

/// Returns a text; lengths range from no words to several windows.
fn text(number: usize) -> String {
    const WORDS: [&str; 12] =
        ["council", "voted", "rain", "closed", "the", "road", "market", "fell", "cup", "final", "won", "yesterday"];
    let words = if number % 9 == 8 { number * 7 } else { number * number % 41 };
    (0..words).map(|i| WORDS[(i * 5 + number * 3 + i * i) % 12]).collect::<Vec<_>>().join(" ")
}

fn bits(prediction: &Prediction) -> Vec<Vec<u32>> {
    prediction.heads.iter().map(|head| head.probabilities.0.iter().map(|p| p.to_bits()).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn scores_are_bit_identical_regardless_of_batch_composition(
        order in Just((0..64).collect::<Vec<usize>>()).prop_shuffle(), size in 1usize..=64, threads in 1usize..=8
    ) {
        for set in sets() {
            for dtype in Dtype::ALL {
                let single_thread = classifier(dtype, set, 1).expect("models/tiny is a model");
                let batched = classifier(dtype, set, threads).expect("models/tiny is a model");
                for part in order.chunks(size).take(3) {
                    let texts: Vec<String> = part.iter().map(|&number| text(number)).collect();
                    let predictions = batched.classify(&texts).expect("classifying on the CPU does not fail");
                    for (text, prediction) in texts.iter().zip(&predictions).take(8) {
                        let alone = single_thread.classify(&[text]).expect("classifying on the CPU does not fail");
                        prop_assert_eq!(bits(&alone[0]), bits(prediction), "{} on {}: {:?}", dtype, set, text);
                    }
                }
            }
        }
    }
}

#[test]
fn a_stream_returns_the_predictions_of_classify_in_order() -> Outcome {
    use newsdesk_model::{ModelError, StreamOutput};
    let classifier = classifier(Dtype::Int8, InstructionSet::best(), 3)?;
    let texts: Vec<String> = (0..200).map(text).collect();
    let expected = classifier.classify(&texts)?;
    let mut seen = vec![];
    let source = texts.clone();
    classifier.stream(
        move |input| {
            for (number, text) in source.into_iter().enumerate() {
                // Items without a text keep their position in the order.
                if number % 10 == 0 {
                    assert!(input.push(None, None));
                }
                assert!(input.push(Some(number), Some(text)));
            }
        },
        |output| {
            if let StreamOutput::Item(number, prediction) = output {
                assert_eq!(number.is_some(), prediction.is_some());
                seen.push((number, prediction.map(|p| bits(&p))));
            }
            Ok::<(), ModelError>(())
        },
    )?;
    let numbers: Vec<usize> = seen.iter().filter_map(|(number, _)| *number).collect();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    assert_eq!(seen.iter().filter(|(number, _)| number.is_none()).count(), 20);
    for (number, found) in seen.iter().filter_map(|(number, found)| number.zip(found.as_ref())) {
        assert_eq!(found, &bits(&expected[number]));
    }
    Ok(())
}

#[test]
fn an_error_of_the_sink_ends_the_stream() -> Outcome {
    use newsdesk_model::{ModelError, StreamOutput};
    let classifier = classifier(Dtype::F32, InstructionSet::best(), 2)?;
    let outcome = classifier.stream(
        |input| while input.push((), Some("the council voted".into())) {},
        |output| match output {
            StreamOutput::Item((), _) => Err(ModelError::NotAModel { path: "full".into(), cause: "no room".into() }),
            StreamOutput::Failed((), error) => Err(error),
            StreamOutput::Idle => Ok(()),
        },
    );
    assert!(outcome.is_err());
    Ok(())
}

#[test]
fn a_panic_of_the_sink_ends_the_stream() {
    use newsdesk_model::ModelError;
    let classifier = classifier(Dtype::F32, InstructionSet::best(), 2).expect("models/tiny is a model");
    let run = std::panic::AssertUnwindSafe(|| {
        classifier.stream(
            |input| while input.push((), Some("the council voted".into())) {},
            |_| -> Result<(), ModelError> { panic!("a panic of the sink") },
        )
    });
    assert!(std::panic::catch_unwind(run).is_err());
}

#[test]
fn missing_instructions_are_an_error() {
    for set in InstructionSet::ALL.into_iter().filter(|set| !set.is_available()) {
        let error = classifier(Dtype::F32, set, 1).err().expect("missing instructions were accepted");
        assert!(error.to_string().contains(&set.to_string()) && error.remedy().is_some(), "{error}");
    }
}

/// One token more than `models/tiny` has positions.
const TOO_LONG: [u32; 65] = [2; 65];

#[test]
#[should_panic(expected = "a window of 65 tokens exceeds 64 positions")]
fn the_packed_network_refuses_windows_beyond_the_position_table() {
    let model = Model::open(&tiny(), &Device::Cpu).expect("models/tiny is a model");
    let network =
        PackedNetwork::new(&model.weights, &model.encoder, &model.network, Dtype::F32, InstructionSet::best(), 1)
            .expect("models/tiny has all tensors");
    let mut batch = PackedBatch::default();
    batch.push(TOO_LONG);
    network.forward(&batch, &mut Scratch::default());
}

#[test]
#[should_panic(expected = "a window of 65 tokens exceeds 64 positions")]
fn the_training_network_refuses_windows_beyond_the_position_table() {
    let model = Model::open(&tiny(), &Device::Cpu).expect("models/tiny is a model");
    let variables = Variables::copy_of(&model.weights).expect("the weights fit into memory");
    let mut network =
        TrainingNetwork::new(&model.encoder, &model.network, 0, Rounding::Nothing).expect("models/tiny can be trained");
    let loss = |_, _: &[Tensor]| -> newsdesk_model::Result<Option<Tensor>> { Ok(None) };
    // A single thread, because other threads would report the panic under another message.
    let _ = network.gradients(&variables, &[&TOO_LONG], None, 1, loss);
}
