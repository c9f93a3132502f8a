//! A linear model's steps on short articles, by one thread: text to features, and text to answer.
//!
//! It learns from the sample articles, cut to the length of an agency's teaser. Articles a second stand in criterion's lines; the
//! bench checks that the model answers most of what it has learned from.

#[path = "timing.rs"]
mod timing;

use criterion::Criterion;
use newsdesk_data::{LabelledSet, PlainOptions, Source, load_plain};
use newsdesk_eval::measure;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{Classifier, Options};
use newsdesk_train::{LinearSettings, train_linear};
use std::error::Error;
use std::path::Path;
use std::slice;
use timing::{fastest, timed};

/// Articles of a pass.
const ARTICLES: usize = 20_000;

/// Characters of an article: about forty words, as AG News has.
const CHARACTERS: usize = 236;

fn main() -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/sample/articles.jsonl");
    let options = PlainOptions { head: "topic".into(), label_field: Some("topic".into()), ..PlainOptions::default() };
    let set: LabelledSet = load_plain(&[Source::File(path)], &options)?;
    let features = FeatureRecord { buckets: 1 << 18, words: 2, characters: Some([5, 5]) };
    let settings = LinearSettings {
        features,
        epochs: 5,
        learning_rate: 0.5,
        label_smoothing: 0.0,
        batch_size: 8,
        patience: 0,
        seed: 0,
        threads: 1,
    };
    let model = train_linear(slice::from_ref(&set), slice::from_ref(&set), &settings, &mut |_| {})?.model;
    let mut reader = model.reader();
    let classifier = Classifier::new(model, &Options { threads: Some(1), ..Options::default() })?;
    let right = measure(&classifier, &set, &mut |_| {})?.heads[0].report.accuracy;
    assert!(right > 0.9, "it answers {right} of what it has learned from");

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
