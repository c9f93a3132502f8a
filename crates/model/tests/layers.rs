//! Models with only some of the layers of another one.

use newsdesk_model::folder::{Storage, save};
use newsdesk_model::{Classifier, Device, Model, ModelError, Options};
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;

const QUERY: &str = "attention.self.query.weight";

fn architectures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny/architectures")
}

fn query(model: &Model, layer: usize) -> Result<Vec<f32>, Box<dyn Error>> {
    let width = model.encoder.hidden_size;
    let tensor = model.weights.get([width, width], &format!("encoder.layer.{layer}.{QUERY}"))?;
    Ok(tensor.flatten_all()?.to_vec1()?)
}

#[test]
fn a_model_with_fewer_layers_has_the_weights_of_those_and_can_be_saved() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut checked = 0;
    for entry in std::fs::read_dir(architectures())? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        let model = Model::open(&architectures().join(&name), &Device::Cpu)?;
        if model.encoder.distinct_layers() < model.encoder.layers.len() || model.manifest.heads.is_empty() {
            continue;
        }
        // A later layer of ModernBERT has a norm that the first one lacks.
        let kept: Vec<usize> = (0..model.encoder.layers.len()).filter(|layer| *layer != 1).collect();
        let student = model.with_layers(&kept)?;
        assert_eq!(student.encoder.layers.len(), kept.len(), "{name}");
        for (place, &layer) in kept.iter().enumerate() {
            assert_eq!(query(&student, place)?, query(&model, layer)?, "{name}: layer {layer}");
        }
        let saved = folder.path().join(&name);
        save(&student, &saved, Storage::F32)?;
        let opened = Model::open(&saved, &Device::Cpu)?;
        assert_eq!(opened.encoder, student.encoder, "{name}");
        let texts = ["Rovers win the cup.".to_string()];
        let logits = |model: Model| -> Result<Vec<f32>, Box<dyn Error>> {
            let found = Classifier::new(model, &Options::default())?.logits(&texts)?;
            Ok(found.into_iter().flat_map(|text| text.windows).flatten().flat_map(|logits| logits.0).collect())
        };
        let own = logits(student)?;
        assert_eq!(logits(opened)?, own, "{name}");
        assert_ne!(logits(model)?, own, "{name}: the layer that is missing has no effect");
        checked += 1;
    }
    assert!(checked >= 8, "only {checked} architectures were checked");
    Ok(())
}

#[test]
fn all_layers_give_the_same_model() -> Outcome {
    for name in ["modernbert", "distilbert"] {
        let model = Model::open(&architectures().join(name), &Device::Cpu)?;
        let all: Vec<usize> = (0..model.encoder.layers.len()).collect();
        assert_eq!(model.with_layers(&all)?.encoder, model.encoder);
    }
    Ok(())
}

#[test]
fn layers_that_cannot_make_a_model_are_refused() -> Outcome {
    let refuse = |name: &str, kept: &[usize], expected: &str| -> Outcome {
        let model = Model::open(&architectures().join(name), &Device::Cpu)?;
        match model.with_layers(kept) {
            Err(ModelError::Layers { cause }) if cause.contains(expected) => Ok(()),
            Err(other) => Err(format!("{name}: {other}").into()),
            Ok(_) => Err(format!("{name}: {kept:?} are accepted").into()),
        }
    };
    refuse("roberta", &[], "there is none")?;
    refuse("roberta", &[0, 2], "there is no layer 2; the last one is 1")?;
    refuse("roberta", &[1, 0], "1 does not come before 0")?;
    refuse("roberta", &[1, 1], "1 does not come before 1")?;
    refuse("albert", &[0], "share their weights")?;
    refuse("modernbert", &[1, 2], "layer 1 cannot be layer 0")
}
