//! Classifies whole articles: every token is read, and other articles have no influence.

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
    let room = model.manifest.window.length - model.tokenizer.special_tokens();
    assert!(tokens > 3000 && predictions[0].windows * room >= tokens, "{} windows", predictions[0].windows);
    assert!(difference(&predictions[0], &predictions[1]) > 1e-5, "the last sentence has no influence");

    let first_window = Options { max_windows: Some(1), ..Options::default() };
    let predictions = Classifier::open_with(tiny(), &first_window)?.classify(&[&long, &other_end])?;
    assert_eq!(predictions[0].windows, 1);
    assert_eq!(scores(&predictions[0]), scores(&predictions[1]), "a single window must read only the beginning");
    Ok(())
}

#[test]
fn scores_do_not_depend_on_other_articles_threads_or_order() -> Outcome {
    let articles: Vec<String> = [3000, 5, 40, 700, 12, 90, 1, 300].map(article).to_vec();
    let options = |threads| Options { threads: Some(threads), ..Options::default() };
    let single_thread = Classifier::open_with(tiny(), &options(1))?;
    let three_threads = Classifier::open_with(tiny(), &options(3))?;
    let batched = single_thread.classify(&articles)?;
    let reversed: Vec<&String> = articles.iter().rev().collect();
    let reversed = three_threads.classify(&reversed)?;
    for (i, article) in articles.iter().enumerate() {
        let alone = &single_thread.classify(&[article])?[0];
        assert!(difference(alone, &batched[i]) < 1e-5, "article {i} among others");
        assert!(difference(alone, &reversed[articles.len() - 1 - i]) < 1e-5, "article {i} in another order");
    }
    Ok(())
}

#[test]
fn a_text_without_tokens_gets_a_prediction() -> Outcome {
    let predictions = Classifier::open(tiny())?.classify(&["", " \n "])?;
    for prediction in &predictions {
        assert_eq!((prediction.windows, prediction.tokens), (1, 0));
        assert!((scores(prediction).iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    assert!(Classifier::open(tiny())?.classify::<&str>(&[])?.is_empty());
    Ok(())
}

#[test]
fn a_saved_model_gives_the_same_predictions() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut model = Model::open(&tiny(), &Device::Cpu)?;
    // The tensors of a saved model's heads are named after the heads.
    let renamed = model
        .weights
        .tensors()
        .map(|tensor| tensor.map(|(name, tensor)| (name.replace("classifier.", "heads.label."), tensor)))
        .collect::<Result<_, _>>()?;
    model.weights = newsdesk_model::checkpoint::Weights::from_tensors(renamed, "memory");
    model.network.heads[0].0 = "heads.label".into();
    let before = Classifier::new(model.clone(), &Options::default())?.classify(&[article(100)])?;
    for (storage, max_difference) in [(Storage::F32, 1e-7), (Storage::F16, 5e-3)] {
        save(&model, folder.path(), storage)?;
        let after = Classifier::open(folder.path())?.classify(&[article(100)])?;
        assert!(difference(&before[0], &after[0]) < max_difference, "{storage:?}");
        assert_eq!(Model::open(folder.path(), &Device::Cpu)?.manifest, model.manifest);
    }
    Ok(())
}

#[test]
fn adding_a_manifest_to_a_checkpoint_keeps_its_predictions() -> Outcome {
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
    // The manifest may rename the only head.
    let mut renamed = model.manifest;
    renamed.heads[0].name = "desk".into();
    save_manifest(&renamed, folder.path())?;
    let after = Classifier::open(folder.path())?.classify(&[article(100)])?;
    assert_eq!((after[0].heads[0].name(), scores(&after[0])), ("desk", scores(&before[0])));
    Ok(())
}

#[test]
fn threads_can_share_a_classifier() -> Outcome {
    fn check<T: Send + Sync>() {}
    check::<Classifier>();
    let classifier = Classifier::open(tiny())?;
    let expected = classifier.classify(&[article(50)])?;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let found = classifier.classify(&[article(50)]).map_err(|e| e.to_string());
                assert!(found.is_ok_and(|found| difference(&found[0], &expected[0]) < 1e-5));
            });
        }
    });
    Ok(())
}
