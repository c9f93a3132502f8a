//! The built-in model, on the articles of the repository.

use crate::support::{DATASETS, Folder, column};
use std::collections::BTreeSet;

#[test]
fn three_sample_articles_get_the_expected_labels() {
    let rows = Folder::new().newsdesk(&["classify", &format!("{DATASETS}/sample/texts")]).done().rows();
    let topics = ["disaster, accident and emergency incident", "economy, business and finance", "sport"];
    assert_eq!(column(&rows, "topic"), topics);
    assert_eq!(column(&rows, "topic_code"), ["medtop:03000000", "medtop:04000000", "medtop:15000000"]);
    assert_eq!(column(&rows, "sentiment"), ["negative", "negative", "positive"]);
}

#[test]
fn the_sample_has_every_label_and_the_accuracy_is_above_four_fifths() {
    let report = Folder::new().newsdesk(&["eval", "--data", "sample", "--data-root", DATASETS, "--json"]).done().json();
    assert_eq!(report[0]["articles"], 72);
    for head in report[0]["heads"].as_array().unwrap() {
        // Chance is far below this, the measured accuracy far above. A broken model or tokenizer does not reach it.
        assert!(head["report"]["accuracy"].as_f64().unwrap() > 0.8, "{head}");
        let labels = head["report"]["per_label"].as_array().unwrap();
        assert!(labels.iter().all(|label| label["support"].as_u64().unwrap() > 0), "{labels:?}");
    }
}

#[test]
fn open_news_has_all_its_rows_and_most_predictions_are_correct() {
    let folder = Folder::new();
    let splits = ["train", "validation", "test"].map(|split| format!("{DATASETS}/open-news/{split}.jsonl.zst"));
    let [train, validation, test] = &splits;
    let arguments = ["data", "check", train, "--validation", validation, "--test", test, "--label-field", "label"];
    let found = folder.newsdesk(&arguments).out;
    assert!(found.contains("rows: train 5,556, validation 88, test 466\n") && found.contains("errors: 0"), "{found}");
    let arguments = ["eval", "--data", "open-news", "--data-root", DATASETS, "--split", "validation", "--json"];
    let report = folder.newsdesk(&arguments).done().json();
    assert_eq!(report[0]["articles"], 88);
    for head in report[0]["heads"].as_array().unwrap() {
        assert!(head["report"]["accuracy"].as_f64().unwrap() > 0.6, "{head}");
    }
}

#[test]
fn info_shows_heads_codes_averaged_models_and_scores() {
    let info = Folder::new().newsdesk(&["models", "info", "--json"]).done().json();
    let heads = info["manifest"]["head"].as_array().unwrap();
    assert_eq!(column(heads, "name"), ["topic", "sentiment"]);
    let codes: BTreeSet<&str> = column(heads[0]["label"].as_array().unwrap(), "code").into_iter().collect();
    assert_eq!((codes.len(), codes.first(), codes.last()), (17, Some(&"medtop:01000000"), Some(&"medtop:17000000")));
    assert_eq!(column(heads[1]["label"].as_array().unwrap(), "name"), ["negative", "neutral", "positive"]);
    let parts = info["manifest"]["averaged"].as_array().unwrap();
    assert_eq!(column(parts, "name"), ["newsdesk-default-continued", "newsdesk-default-fresh"]);
    assert_eq!(parts[1]["training"]["settings"]["seed"], 2);
    assert!(info["manifest"]["score"].as_array().unwrap().len() >= 6, "expected at least 6 scores: {info}");
}

#[test]
fn a_model_can_be_trained_from_it() {
    let folder = Folder::new();
    let row = |i: usize| match i % 2 {
        0 => format!("The striker scored in minute {i} of the match,sport\n"),
        _ => format!("Shares of the bank fell by {i} percent,money\n"),
    };
    folder.write("rows.csv", format!("text,desk\n{}", (0..40).map(row).collect::<String>()));
    // With frozen layers, this takes a fifth of the time.
    let train =
        "train --data rows.csv --label-field desk --freeze 4 --max-train-length 32 --batch-size 8 --epochs 2 -o m";
    folder.run(train).done().says("wrote m");
    let answer = folder.newsdesk(&["classify", "--model", "m", "rows.csv", "--prefix", "m_"]).done();
    let correct = answer.rows().iter().filter(|row| row["desk"] == row["m_desk"]).count();
    assert!(correct >= 36, "{correct} of 40 predictions are correct, expected at least 36");
}
