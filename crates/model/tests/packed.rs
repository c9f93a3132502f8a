//! The packed network against the graph, and the promise that a text's scores depend on that text alone.

use newsdesk_model::batch::{Batch, PackedBatch};
use newsdesk_model::encoder::Activation;
use newsdesk_model::network::{Network, PackedNetwork, Parts, Pooling, Scratch};
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
fn f32_logits_are_those_of_the_graph() -> Outcome {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    let windows = windows();
    for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
        for hidden_act in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
            let parts = Parts { pooling, ..model.parts.clone() };
            let mut config = model.config.clone();
            config.hidden_act = hidden_act;
            let graph = Network::new(&model.weights, &config, &parts)?;
            let mut packed_batch = PackedBatch::default();
            let mut expected: Vec<Vec<f32>> = vec![];
            for window in &windows {
                packed_batch.push(window.iter().copied());
                let batch = Batch::new(&[window], config.pad_token_id, &Device::Cpu)?;
                expected.extend(graph.forward(&batch, None)?[0].to_vec2::<f32>()?);
            }
            for set in sets() {
                let packed = PackedNetwork::new(&model.weights, &config, &parts, Dtype::F32, set, 1)?;
                let logits = packed.forward(&packed_batch, &mut Scratch::default());
                for (row, expected) in logits[0].iter().zip(&expected) {
                    for (found, expected) in row.0.iter().zip(expected) {
                        let off = (found - expected).abs();
                        assert!(off < 1e-4, "{pooling}, {hidden_act:?}, {set}: {found} is not {expected}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn lower_precisions_stay_near_f32() -> Outcome {
    let texts: Vec<String> = (0..20).map(text).collect();
    for set in sets() {
        let exact = classifier(Dtype::F32, set, 1)?.classify(&texts)?;
        for (dtype, most) in [(Dtype::Int16, 0.01), (Dtype::Bf16, 0.05), (Dtype::Int8, 0.1)] {
            let rounded = classifier(dtype, set, 1)?.classify(&texts)?;
            let mut largest = 0f32;
            for (a, b) in exact.iter().zip(&rounded) {
                for (a, b) in a.heads[0].probabilities.0.iter().zip(&b.heads[0].probabilities.0) {
                    largest = largest.max((a - b).abs());
                }
            }
            // Not zero either: then it would not be that dtype.
            assert!(largest > 0.0 && largest < most, "{dtype} on {set} is off by {largest}");
        }
    }
    Ok(())
}

/// Texts of all lengths, from none to several windows.
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
    fn scores_depend_on_the_text_alone(
        order in Just((0..64).collect::<Vec<usize>>()).prop_shuffle(), size in 1usize..=64, threads in 1usize..=8
    ) {
        for set in sets() {
            for dtype in Dtype::ALL {
                let alone = classifier(dtype, set, 1).expect("models/tiny is a model");
                let together = classifier(dtype, set, threads).expect("models/tiny is a model");
                for part in order.chunks(size).take(3) {
                    let texts: Vec<String> = part.iter().map(|&number| text(number)).collect();
                    let predictions = together.classify(&texts).expect("tokens and arithmetic do not fail");
                    for (text, prediction) in texts.iter().zip(&predictions).take(8) {
                        let single = alone.classify(&[text]).expect("tokens and arithmetic do not fail");
                        prop_assert_eq!(bits(&single[0]), bits(prediction), "{} on {}: {:?}", dtype, set, text);
                    }
                }
            }
        }
    }
}

#[test]
fn a_stream_answers_in_order_and_as_classify_does() -> Outcome {
    use newsdesk_model::{Answer, ModelError};
    let classifier = classifier(Dtype::Int8, InstructionSet::best(), 3)?;
    let texts: Vec<String> = (0..200).map(text).collect();
    let expected = classifier.classify(&texts)?;
    let mut seen = vec![];
    let source = texts.clone();
    classifier.stream(
        move |intake| {
            for (number, text) in source.into_iter().enumerate() {
                // Every tenth item has no text, and keeps its place.
                if number % 10 == 0 {
                    assert!(intake.push(None, None));
                }
                assert!(intake.push(Some(number), Some(text)));
            }
        },
        |answer| {
            if let Answer::Item(number, prediction) = answer {
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
fn a_sink_that_fails_ends_the_stream() -> Outcome {
    use newsdesk_model::{Answer, ModelError};
    let classifier = classifier(Dtype::F32, InstructionSet::best(), 2)?;
    let outcome = classifier.stream(
        |intake| while intake.push((), Some("the council voted".into())) {},
        |answer| match answer {
            Answer::Item((), _) => Err(ModelError::NotAModel { path: "full".into(), cause: "no room".into() }),
            Answer::Idle => Ok(()),
        },
    );
    assert!(outcome.is_err());
    Ok(())
}

#[test]
fn a_sink_that_panics_leaves_nobody_waiting() {
    use newsdesk_model::ModelError;
    let classifier = classifier(Dtype::F32, InstructionSet::best(), 2).expect("models/tiny is a model");
    let run = std::panic::AssertUnwindSafe(|| {
        classifier.stream(
            |intake| while intake.push((), Some("the council voted".into())) {},
            |_| -> Result<(), ModelError> { panic!("the sink's own trouble") },
        )
    });
    assert!(std::panic::catch_unwind(run).is_err());
}

#[test]
fn instructions_that_are_missing_are_an_error() {
    for set in InstructionSet::ALL.into_iter().filter(|set| !set.is_available()) {
        let error = classifier(Dtype::F32, set, 1).err().expect("the machine has no such instructions");
        assert!(error.to_string().contains(&set.to_string()) && error.hint().is_some(), "{error}");
    }
}
