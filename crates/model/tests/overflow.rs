//! Finite weights that overflow are errors, not scores: for every dtype and instruction set, wherever the overflow happens.

use candle_core::Tensor;
use newsdesk_model::{
    ArticleName, Classifier, Device, Dtype, DtypeChoice, InstructionSet, Model, ModelError, Options, StreamOutput,
};
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny")
}

/// Returns the tiny model with huge numbers of both signs in a tensor.
fn with_huge(name: &str) -> newsdesk_model::Result<Model> {
    let model = Model::open(&tiny(), &Device::Cpu)?;
    let shape = model.weights.shape(name).expect("the tensor exists").to_vec();
    let sign = |i: usize| if (i.wrapping_mul(2_654_435_761) >> 7).is_multiple_of(2) { 3e38 } else { -3e38 };
    let values: Vec<f32> = (0..shape.iter().product()).map(sign).collect();
    let weights = model.weights.with(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
    Ok(Model { weights, ..model })
}

const TEXTS: [&str; 2] = ["", "The council voted to open the bridge, which rain had closed for an hour."];

/// Asserts that the error names the head and the first article.
#[track_caller]
fn assert_named(error: &ModelError, what: &str) {
    let is_named = matches!(error, ModelError::NotFinite { article: ArticleName::Index(0), head, value }
        if head == "label" && !value.is_finite());
    assert!(is_named, "{what}: {error:?}");
}

#[test]
fn an_overflow_anywhere_is_an_error_in_every_dtype() -> Outcome {
    for name in [
        "embeddings.word_embeddings.weight",
        "embeddings.LayerNorm.weight",
        "encoder.layer.0.attention.self.value.weight",
        "encoder.layer.0.attention.output.dense.weight",
        "encoder.layer.0.intermediate.dense.weight",
        "encoder.layer.1.attention.output.LayerNorm.weight",
        "encoder.layer.1.output.dense.weight",
        "encoder.layer.1.output.LayerNorm.weight",
        "classifier.weight",
    ] {
        let model = with_huge(name)?;
        for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
            for dtype in [Dtype::F32, Dtype::Int16, Dtype::Bf16, Dtype::Int8] {
                let what = format!("{name}, {dtype}, {set}");
                let options = Options {
                    dtype: DtypeChoice::Exactly(dtype),
                    instructions: Some(set),
                    threads: Some(2),
                    ..Options::default()
                };
                let classifier = Classifier::new(model.clone(), &options)?;
                assert_named(&classifier.classify(&TEXTS).expect_err(&what), &what);
                assert_named(&classifier.logits(&TEXTS).expect_err(&what), &what);
            }
        }
    }
    Ok(())
}

#[test]
fn repetitions_of_an_article_that_overflows_fail_as_well() -> Outcome {
    for cache in [0, 10] {
        let classifier = Classifier::new(with_huge("classifier.weight")?, &Options::default())?;
        let classifier = classifier.with_prediction_cache(cache);
        let mut failed = 0;
        classifier.stream(
            |input| (0..100).for_each(|number| assert!(input.push(number, Some("the council voted".into())))),
            |output| {
                match output {
                    StreamOutput::Failed(number, error) => {
                        assert_eq!(number, failed);
                        assert!(error.to_string().contains(&format!("article {}", failed + 1)), "{error}");
                        failed += 1;
                    }
                    StreamOutput::Item(..) => unreachable!("an article has a prediction"),
                    StreamOutput::Idle => {}
                }
                Ok::<(), ModelError>(())
            },
        )?;
        assert_eq!(failed, 100);
    }
    Ok(())
}

#[test]
fn the_other_windows_of_an_article_that_failed_are_dropped() -> Outcome {
    let options = Options { threads: Some(3), dtype: DtypeChoice::Exactly(Dtype::Int8), ..Options::default() };
    let classifier = Classifier::new(with_huge("classifier.weight")?, &options)?;
    let long = "the council voted to open the bridge ".repeat(500);
    let mut failed = 0;
    classifier.stream(
        |input| (0..20).for_each(|_| assert!(input.push((), Some(long.clone())))),
        |output| {
            failed += usize::from(matches!(output, StreamOutput::Failed(..)));
            Ok::<(), ModelError>(())
        },
    )?;
    assert_eq!(failed, 20);
    Ok(())
}
