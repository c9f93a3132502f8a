//! Models of every architecture on the command line: classifying, training, and labels without training.

use crate::support::{Folder, TINY};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Rows whose label the text tells.
pub fn labelled() -> String {
    const TOPICS: [(&str, &str); 2] = [("goals in the cup final", "sport"), ("shares of the bank fell", "business")];
    let row = |i: usize| {
        let (text, label) = TOPICS[i % 2];
        format!("{text} on day {i},{label}\n")
    };
    format!("text,label\n{}", (0..80).map(row).collect::<String>())
}

/// The tiny models of all architectures.
fn architectures() -> Vec<PathBuf> {
    let folders = fs::read_dir(format!("{TINY}/architectures")).unwrap();
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 15, "{folders:?}");
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn training_lowers_the_loss_of_every_architecture_and_the_model_can_be_used() {
    let folder = Folder::new();
    folder.write("set.csv", labelled());
    for base in architectures() {
        let (base, out) = (base.to_str().unwrap().to_owned(), name(&base));
        let line = ["train", "--base", &base, "--data", "set.csv", "-o", &out, "--epochs", "8", "--quiet"];
        let options = ["--learning-rate", "2e-3", "--batch-size", "8", "--seed", "1", "--threads", "1"];
        folder.newsdesk(&[&line[..], &options].concat()).done();
        let log = folder.rows(&format!("{out}/training.jsonl"));
        let losses: Vec<f64> = log.iter().filter_map(|record| record["loss"].as_f64()).collect();
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        assert!(last < 0.2 * first, "{out}: the loss went from {first} to {last}");
        let text = [
            "classify",
            "--model",
            &out,
            "--text",
            "goals in the cup final on day 1",
            "--text",
            "shares of the bank fell on day 2",
            "--json",
        ];
        // Which epoch is kept depends on eight validation rows, so either label is possible.
        for row in folder.newsdesk(&text).done().rows() {
            assert!(["sport", "business"].contains(&row["label"].as_str().unwrap()), "{out}: {row}");
        }
    }
}

#[test]
fn info_names_the_architecture() {
    let folder = Folder::new();
    for (model, architecture) in [("xlm-roberta", "XLM-RoBERTa"), ("deberta-v3", "DeBERTa"), ("mpnet", "MPNet")] {
        let model = format!("{TINY}/architectures/{model}");
        folder.newsdesk(&["models", "info", &model]).done().prints(&format!("encoder   {architecture}, "));
        assert_eq!(folder.info(&model)["architecture"], architecture);
    }
}

#[test]
fn labels_can_be_named_for_a_model_of_natural_language_inference() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Goal!\"}\n{\"text\":\"OIL PRICES FALL AGAIN\"}\n");
    let model = format!("{TINY}/zero-shot/roberta");
    let line = ["classify", "a.jsonl", "--model", &model, "--labels", "sport, business", "--scores"];
    folder.newsdesk(&[&line[..], &["-o", "out.jsonl"]].concat()).done();
    let rows = folder.rows("out.jsonl");
    for row in &rows {
        let sum: f64 =
            ["sport", "business"].map(|label| row[format!("label_score_{label}")].as_f64().unwrap()).iter().sum();
        assert!((sum - 1.0).abs() < 2e-3, "{row}");
    }
    // The manifest holds the labels, so that the run can be repeated.
    let settings = &folder.json("out.jsonl.manifest.json")["settings"];
    let expected = json!({"labels": ["sport", "business"], "hypothesis": "This example is {}.", "multi_label": false});
    assert_eq!(settings["zero_shot"], expected, "{settings}");
    folder.newsdesk(&["verify", "out.jsonl", "--model", &model]).done();
    let other = ["--hypothesis", "News about {}.", "--multi-label", "--json"];
    let others = folder.newsdesk(&[&line[..], &other].concat()).done().rows();
    assert_ne!(others[0]["label_score_sport"], rows[0]["label_score_sport"]);
}

#[test]
fn labels_without_a_suitable_model_are_refused() {
    let folder = Folder::new();
    let run = |line: &[&str]| folder.newsdesk(&[&["classify", "--text", "Goal!"], line].concat());
    run(&["--labels", "sport,arts"]).refused("--model");
    run(&["--labels", "sport,arts", "--model", TINY])
        .refused("cannot classify with these labels: none of the model's labels `arts`, `business`")
        .hint("a checkpoint for natural language inference");
    let model = format!("{TINY}/zero-shot/bert");
    run(&["--labels", "sport", "--model", &model]).refused("there is only one label");
    run(&["--labels", "sport,arts", "--hypothesis", "News", "--model", &model]).refused("has no {} for the label");
}

#[test]
fn the_activation_of_a_checkpoint_can_be_replaced() {
    let folder = Folder::new();
    folder.write("a.txt", "Goal!");
    let run = |options: &[&str]| {
        let line = ["classify", "a.txt", "--model", TINY, "--scores", "-o", "out.jsonl", "--overwrite"];
        folder.newsdesk(&[&line[..], options].concat()).done();
        let row = folder.rows("out.jsonl").remove(0);
        let score = |label: &str| row[format!("label_score_{label}")].as_f64().unwrap();
        ["arts", "business", "science", "sport", "world"].map(score)
    };
    let (softmax, sigmoid, logits) = (run(&[]), run(&["--activation", "sigmoid"]), run(&["--activation", "none"]));
    assert!((softmax.iter().sum::<f64>() - 1.0).abs() < 5e-3, "{softmax:?}");
    for (sigmoid, logit) in sigmoid.iter().zip(&logits) {
        assert!((1.0 / (1.0 + (-logit).exp()) - sigmoid).abs() < 2e-3, "{sigmoid} is not the sigmoid of {logit}");
    }
    folder.newsdesk(&["verify", "out.jsonl", "--model", TINY]).done();
    folder.write("set.csv", "text,label\nGoal!,sport\n");
    folder
        .newsdesk(&["eval", TINY, "--data", "set.csv", "--activation", "none"])
        .refused("returns logits, not probabilities")
        .hint("--activation softmax");
}

#[test]
fn a_tokenizer_is_built_from_a_vocabulary() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    let tokenizer = folder.json("m/tokenizer.json");
    let vocabulary = tokenizer["model"]["vocab"].as_object().unwrap();
    let mut words: Vec<(u64, &String)> = vocabulary.iter().map(|(word, id)| (id.as_u64().unwrap(), word)).collect();
    words.sort();
    let before =
        folder.newsdesk(&["classify", "--model", "m", "--text", "The café won 3-1, said Zürich's mayor."]).done();
    folder.write("m/vocab.txt", words.iter().map(|(_, word)| format!("{word}\n")).collect::<String>());
    fs::remove_file(folder.path("m/tokenizer.json")).unwrap();
    let after =
        folder.newsdesk(&["classify", "--model", "m", "--text", "The café won 3-1, said Zürich's mayor."]).done();
    assert_eq!(before.rows(), after.rows());
}
