//! Whole articles through a classifier: every token is read, and neighbours change nothing.

use newsdesk_model::folder::{Storage, save, save_manifest};
use newsdesk_model::{AnyModel, Classifier, Device, Model, Options, Prediction};
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;

const SENTENCES: [&str; 6] = [
    "The council voted to repair the old bridge before winter.",
    "Shares fell after the bank warned of weaker profit this year.",
    "The team won the final with a late goal.",
    "Scientists found a new planet near a distant star.",
    "Rain and wind closed the road to the north.",
    "The film opened to warm reviews in the city.",
];

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny")
}

fn article(words: usize) -> String {
    let mut text = String::new();
    for sentence in SENTENCES.iter().cycle() {
        if text.split_whitespace().count() >= words {
            break;
        }
        text += sentence;
        text += " ";
    }
    text
}

fn scores(prediction: &Prediction) -> &[f32] {
    &prediction.heads[0].probabilities.0
}

fn difference(a: &Prediction, b: &Prediction) -> f32 {
    scores(a).iter().zip(scores(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_long_article_is_read_to_its_last_sentence() -> Outcome {
    let long = article(3000);
    let other_end = format!("{long}Shares fell after the bank warned of weaker profit this year.");
    let classifier = Classifier::open(tiny())?;
    let predictions = classifier.classify(&[&long, &other_end])?;
    let tokens = predictions[0].tokens;
    let AnyModel::Encoder(model) = classifier.model() else { return Err("models/tiny has an encoder".into()) };
    let room = model.manifest.window.length - model.tokenizer.frame_length();
    assert!(tokens > 3000 && predictions[0].windows * room >= tokens, "{} windows", predictions[0].windows);
    assert!(difference(&predictions[0], &predictions[1]) > 1e-5, "the last sentence changed nothing");

    let first = Options { windows: Some(1), ..Options::default() };
    let predictions = Classifier::open_with(tiny(), &first)?.classify(&[&long, &other_end])?;
    assert_eq!(predictions[0].windows, 1);
    assert_eq!(scores(&predictions[0]), scores(&predictions[1]), "one window reads the beginning only");
    Ok(())
}

#[test]
fn neighbours_threads_and_order_change_nothing() -> Outcome {
    let articles: Vec<String> = [3000, 5, 40, 700, 12, 90, 1, 300].map(article).to_vec();
    let options = |threads| Options { threads: Some(threads), ..Options::default() };
    let one = Classifier::open_with(tiny(), &options(1))?;
    let three = Classifier::open_with(tiny(), &options(3))?;
    let together = one.classify(&articles)?;
    let reversed: Vec<&String> = articles.iter().rev().collect();
    let reversed = three.classify(&reversed)?;
    for (i, article) in articles.iter().enumerate() {
        let alone = &one.classify(&[article])?[0];
        assert!(difference(alone, &together[i]) < 1e-5, "article {i} among others");
        assert!(difference(alone, &reversed[articles.len() - 1 - i]) < 1e-5, "article {i} in another order");
    }
    Ok(())
}

#[test]
fn a_text_without_tokens_has_an_answer() -> Outcome {
    let predictions = Classifier::open(tiny())?.classify(&["", " \n "])?;
    for prediction in &predictions {
        assert_eq!((prediction.windows, prediction.tokens), (1, 0));
        assert!((scores(prediction).iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    assert!(Classifier::open(tiny())?.classify::<&str>(&[])?.is_empty());
    Ok(())
}

#[test]
fn a_saved_model_answers_as_before() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut model = Model::open(&tiny(), &Device::Cpu)?;
    // Saved models name their heads' tensors after the heads.
    let renamed = model
        .weights
        .tensors()
        .map(|tensor| tensor.map(|(name, tensor)| (name.replace("classifier.", "heads.label."), tensor)))
        .collect::<Result<_, _>>()?;
    model.weights = newsdesk_model::encoder::Weights::from_tensors(renamed, "memory");
    model.parts.heads[0].0 = "heads.label".into();
    let before = Classifier::new(model.clone(), &Options::default())?.classify(&[article(100)])?;
    for (storage, most) in [(Storage::F32, 1e-7), (Storage::F16, 5e-3)] {
        save(&model, folder.path(), storage)?;
        let after = Classifier::open(folder.path())?.classify(&[article(100)])?;
        assert!(difference(&before[0], &after[0]) < most, "{storage:?}");
        assert_eq!(Model::open(folder.path(), &Device::Cpu)?.manifest, model.manifest);
    }
    Ok(())
}

#[test]
fn a_checkpoint_that_is_given_a_manifest_answers_as_before() -> Outcome {
    let folder = tempfile::tempdir()?;
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(tiny().join(file), folder.path().join(file))?;
    }
    let model = Model::open(folder.path(), &Device::Cpu)?;
    let before = Classifier::new(model.clone(), &Options::default())?.classify(&[article(100)])?;
    save_manifest(&model.manifest, folder.path())?;
    assert!(folder.path().join("newsdesk.toml").exists());
    assert_eq!(Model::open(folder.path(), &Device::Cpu)?.manifest, model.manifest);
    assert_eq!(Classifier::open(folder.path())?.classify(&[article(100)])?, before);
    // The manifest may call the only head what it likes.
    let mut renamed = model.manifest;
    renamed.heads[0].name = "desk".into();
    save_manifest(&renamed, folder.path())?;
    let after = Classifier::open(folder.path())?.classify(&[article(100)])?;
    assert_eq!((after[0].heads[0].name(), scores(&after[0])), ("desk", scores(&before[0])));
    Ok(())
}

#[test]
fn a_classifier_is_shared_between_threads() -> Outcome {
    fn check<T: Send + Sync>() {}
    check::<Classifier>();
    let classifier = Classifier::open(tiny())?;
    let expected = classifier.classify(&[article(50)])?;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let answer = classifier.classify(&[article(50)]).map_err(|e| e.to_string());
                assert!(answer.is_ok_and(|a| difference(&a[0], &expected[0]) < 1e-5));
            });
        }
    });
    Ok(())
}
