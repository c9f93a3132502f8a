//! Benches a linear model on short articles with one thread: extracting features, and classifying.
//!
//! The model is trained on the sample articles. The benched texts are cut to the length of a news agency's teaser.
//! Criterion's elem/s are articles per second. The bench checks the model's accuracy on its training data.

#[path = "timing.rs"]
mod timing;

use criterion::Criterion;
use newsdesk_data::{LabelledFileOptions, LabelledSet, Source, load_labelled_files};
use newsdesk_eval::evaluate;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{Classifier, Options};
use newsdesk_train::{ClassWeights, LinearSettings, train_linear};
use std::error::Error;
use std::path::Path;
use std::slice;
use timing::{fastest, timed};

/// The number of articles per call.
const ARTICLES: usize = 20_000;

/// The number of characters of an article: about forty words, as in AG News.
const CHARACTERS: usize = 236;

fn main() -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/sample/articles.jsonl");
    let options = LabelledFileOptions {
        head: "topic".into(),
        label_field: Some("topic".into()),
        ..LabelledFileOptions::default()
    };
    let set: LabelledSet = load_labelled_files(&[Source::File(path)], &options)?;
    let features = FeatureRecord { buckets: 1 << 18, words: 2, characters: Some([5, 5]) };
    let settings = LinearSettings {
        features,
        epochs: 5,
        learning_rate: 0.5,
        label_smoothing: 0.0,
        class_weights: ClassWeights::Equal,
        batch_size: 8,
        patience: 0,
        seed: 0,
        threads: 1,
    };
    let model = train_linear(slice::from_ref(&set), slice::from_ref(&set), &settings, &mut |_| {})?.model;
    let mut reader = model.reader();
    let classifier = Classifier::new(model, &Options { threads: Some(1), ..Options::default() })?;
    let accuracy = evaluate(&classifier, &set, &mut |_| {})?.heads[0].report.accuracy;
    assert!(accuracy > 0.9, "the accuracy on the training data is only {accuracy}");

    let short: Vec<String> =
        set.articles.iter().map(|row| row.article.input().chars().take(CHARACTERS).collect()).collect();
    let texts: Vec<String> = (0..ARTICLES).map(|i| format!("{} {i}", short[i % short.len()])).collect();
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("linear");
    fastest(&mut group, "features", ARTICLES as u64, || {
        timed(|| texts.iter().map(|text| reader.read(text).0.len()).sum::<usize>())
    });
    fastest(&mut group, "classify", ARTICLES as u64, || {
        timed(|| classifier.classify(&texts).map(|predictions| assert_eq!(predictions.len(), ARTICLES)))
    });
    group.finish();
    criterion.final_summary();
    Ok(())
}
