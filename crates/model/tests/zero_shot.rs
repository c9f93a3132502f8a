//! Zero-shot classification against the pipeline of transformers.

use newsdesk_model::{Classifier, Device, Dtype, DtypeChoice, Model, Options, ZeroShot};
use serde::Deserialize;
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;

/// A text with the scores of its labels.
#[derive(Deserialize)]
struct Golden {
    text: String,
    labels: Vec<String>,
    template: String,
    multi_label: bool,
    scores: Vec<f32>,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny/zero-shot").join(name)
}

/// One window: the pipeline of transformers cuts longer texts off.
fn options(dtype: Dtype) -> Options {
    Options { threads: Some(2), max_windows: Some(1), dtype: DtypeChoice::Exactly(dtype), ..Options::default() }
}

#[test]
fn scores_equal_those_of_transformers() -> Outcome {
    for name in ["bert", "roberta", "deberta-v3"] {
        let model = Model::open(&folder(name), &Device::Cpu)?;
        let cases: Vec<Golden> = serde_json::from_slice(&std::fs::read(folder(name).join("golden.json"))?)?;
        assert!(cases.len() > 20);
        for case in cases {
            // With a single label, the pipeline of transformers uses the rule of several.
            let multi_label = case.multi_label || case.labels.len() == 1;
            let zero_shot = ZeroShot { labels: case.labels.clone(), hypothesis: case.template.clone(), multi_label };
            let classifier = Classifier::zero_shot(model.clone(), &zero_shot, &options(Dtype::F32))?;
            let prediction = &classifier.classify(&[&case.text])?[0];
            let found = &prediction.heads[0].probabilities.0;
            assert_eq!(found.len(), case.scores.len());
            for (found, expected) in found.iter().zip(&case.scores) {
                let what = format!("{name}, {:?} with {:?} in {:?}", case.text, case.labels, case.template);
                assert!((found - expected).abs() < 1e-4, "{what}: {found} instead of {expected}");
            }
        }
    }
    Ok(())
}

#[test]
fn scores_are_bit_identical_regardless_of_batch_composition() -> Outcome {
    let labels: Vec<String> = ["sport", "business", "a much longer label of several words"].map(String::from).into();
    let zero_shot = ZeroShot { labels, hypothesis: ZeroShot::HYPOTHESIS.into(), multi_label: false };
    let texts: Vec<String> = (0..30).map(|count| "Shares fell again today. ".repeat(count)).collect();
    for dtype in Dtype::ALL {
        let model = Model::open(&folder("roberta"), &Device::Cpu)?;
        let options = Options { max_windows: None, ..options(dtype) };
        let classifier = Classifier::zero_shot(model, &zero_shot, &options)?;
        let together = classifier.classify(&texts)?;
        assert!(together.iter().any(|prediction| prediction.windows > 1));
        for (text, together) in texts.iter().zip(&together) {
            let alone = &classifier.classify(&[text])?[0];
            assert_eq!(alone.heads[0].probabilities, together.heads[0].probabilities, "{dtype}, {} bytes", text.len());
        }
    }
    Ok(())
}

#[test]
fn texts_without_tokens_have_scores() -> Outcome {
    let model = Model::open(&folder("bert"), &Device::Cpu)?;
    let labels = vec!["sport".into(), "arts".into()];
    let zero_shot = ZeroShot { labels, hypothesis: ZeroShot::HYPOTHESIS.into(), multi_label: false };
    let classifier = Classifier::zero_shot(model, &zero_shot, &options(Dtype::F32))?;
    assert_eq!(classifier.logits(&["", " "])?.len(), 2);
    let predictions = classifier.classify(&["", " "])?;
    assert!(predictions.iter().all(|prediction| prediction.heads[0].probabilities.0.iter().sum::<f32>() > 0.99));
    Ok(())
}

#[test]
fn labels_that_cannot_be_used_are_refused() -> Outcome {
    let model = Model::open(&folder("bert"), &Device::Cpu)?;
    let refuse = |model: &Model, labels: &[&str], hypothesis: &str, cause: &str| {
        let labels = labels.iter().map(|label| label.to_string()).collect();
        let zero_shot = ZeroShot { labels, hypothesis: hypothesis.into(), multi_label: false };
        let error = Classifier::zero_shot(model.clone(), &zero_shot, &options(Dtype::F32)).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(cause), "{labels:?}: {error}", labels = zero_shot.labels);
    };
    refuse(&model, &["sport", "sport"], "It is {}.", "`sport` is named twice");
    refuse(&model, &["sport", " "], "It is {}.", "a label is empty");
    refuse(&model, &["sport"], "It is {}.", "only one label");
    refuse(&model, &["sport", "arts"], "It is sport.", "has no {}");
    let long = "word ".repeat(100);
    refuse(&model, &["sport", &long], "It is {}.", "leaves no room for the article");
    let other = Model::open(&folder("../architectures/distilbert"), &Device::Cpu)?;
    refuse(&other, &["sport", "arts"], "It is {}.", "means entailment");
    Ok(())
}
