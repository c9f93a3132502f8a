//! The model inside the binary, on the sample articles that come with the project.

use crate::support::{Folder, column};
use serde_json::Value;
use std::collections::BTreeSet;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/sample");

#[test]
fn three_articles_are_labelled() {
    let rows = Folder::new().newsdesk(&["classify", &format!("{SAMPLE}/texts")]).done().rows();
    let topics = ["disaster, accident and emergency incident", "economy, business and finance", "sport"];
    assert_eq!(column(&rows, "topic"), topics);
    assert_eq!(column(&rows, "topic_code"), ["medtop:03000000", "medtop:04000000", "medtop:15000000"]);
    assert_eq!(column(&rows, "sentiment"), ["negative", "negative", "positive"]);
}

#[test]
fn the_sample_has_every_label_and_most_answers_are_right() {
    let folder = Folder::new();
    let arguments = ["eval", "--data", "sample", "--data-root", &format!("{SAMPLE}/.."), "--json"];
    let report: Value = serde_json::from_str(&folder.newsdesk(&arguments).done().out).unwrap();
    assert_eq!(report[0]["articles"], 72);
    for head in report[0]["heads"].as_array().unwrap() {
        // Far below what was measured, far above chance: a broken model or tokenizer does not pass.
        assert!(head["report"]["accuracy"].as_f64().unwrap() > 0.8, "{head}");
        let labels = head["report"]["per_label"].as_array().unwrap();
        assert!(labels.iter().all(|label| label["support"].as_u64().unwrap() > 0), "{labels:?}");
    }
}

#[test]
fn the_model_says_what_it_is() {
    let info = Folder::new().newsdesk(&["models", "info", "--json"]).done().out;
    let info: Value = serde_json::from_str(&info).unwrap();
    let heads = info["manifest"]["head"].as_array().unwrap();
    assert_eq!(column(heads, "name"), ["topic", "sentiment"]);
    let codes: BTreeSet<&str> = column(heads[0]["label"].as_array().unwrap(), "code").into_iter().collect();
    assert_eq!((codes.len(), codes.first(), codes.last()), (17, Some(&"medtop:01000000"), Some(&"medtop:17000000")));
    assert_eq!(column(heads[1]["label"].as_array().unwrap(), "name"), ["negative", "neutral", "positive"]);
    let parts = info["manifest"]["averaged"].as_array().unwrap();
    assert_eq!(column(parts, "name"), ["newsdesk-default-continued", "newsdesk-default-fresh"]);
    assert_eq!(parts[1]["training"]["settings"]["seed"], 2);
    assert!(info["manifest"]["score"].as_array().unwrap().len() >= 6, "nothing tells what it reached: {info}");
}

#[test]
fn it_is_a_base_to_train_from() {
    let folder = Folder::new();
    let row = |i: usize| match i % 2 {
        0 => format!("The striker scored in minute {i} of the match,sport\n"),
        _ => format!("Shares of the bank fell by {i} percent,money\n"),
    };
    folder.write("rows.csv", format!("text,desk\n{}", (0..40).map(row).collect::<String>()));
    let arguments = "train --data rows.csv --label-field desk --length 32 --batch-size 8 --epochs 2 -o m";
    folder.newsdesk(&arguments.split(' ').collect::<Vec<_>>()).done().says("wrote m");
    let answer = folder.newsdesk(&["classify", "--model", "m", "rows.csv", "--prefix", "m_"]).done();
    let right = answer.rows().iter().filter(|row| row["desk"] == row["m_desk"]).count();
    assert!(right >= 36, "{right} of 40 right");
}
