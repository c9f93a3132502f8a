//! Linear models, from `train --arch linear` to every command that takes a model.

use crate::support::{Folder, TINY, column};
use serde_json::{Value, json};

/// Rows of two desks that a few words tell apart.
fn rows(count: usize) -> String {
    let row = |i: usize| {
        let (label, words) = [("sport", "late goals win the cup"), ("business", "shares fall as banks warn")][i % 2];
        format!("{}\n", json!({"text": format!("{words} on day {}", i * i % 97), "label": label, "source": i % 3}))
    };
    (0..count).map(row).collect()
}

/// A folder with rows in `set.jsonl` and a linear model of them in `m`.
fn with_model() -> Folder {
    let folder = Folder::new();
    folder.write("set.jsonl", rows(240));
    folder
        .newsdesk(&["train", "--arch", "linear", "--data", "set.jsonl", "-o", "m", "--buckets", "4096", "--quiet"])
        .done();
    folder
}

#[test]
fn it_classifies_evaluates_calibrates_and_tells_of_itself() {
    let folder = with_model();
    folder.write("a.txt", "Late goals win the cup");
    let row = folder.newsdesk(&["classify", "a.txt", "--model", "m", "--scores"]).done().rows().remove(0);
    assert_eq!(
        (row["label"].as_str(), row["label_score"].as_f64().map(|score| score > 0.9)),
        (Some("sport"), Some(true))
    );
    let report: Value =
        serde_json::from_str(&folder.newsdesk(&["eval", "m", "--data", "set.jsonl", "--json"]).done().out).unwrap();
    assert_eq!(report[0]["heads"][0]["report"]["accuracy"], json!(1.0));
    folder.newsdesk(&["calibrate", "m", "--data", "set.jsonl"]).done();
    let info = folder.newsdesk(&["models", "info", "m"]).done();
    assert!(
        info.out.contains("linear    4096 features of up to 2 words and of 5 to 5 characters, 12290 parameters"),
        "{info}"
    );
    assert!(!info.out.contains("encoder") && !info.out.contains("windows"), "{info}");
    let card = folder.text("m/README.md");
    assert!(card.contains("A linear model without an encoder") && card.contains("--arch linear"), "{card}");
    assert!(card.contains("--buckets 4096"), "{card}");
}

/// The run's journal, its manifest and `verify` know such a model as any other.
#[test]
fn a_run_into_a_file_can_be_verified() {
    let folder = with_model();
    folder.newsdesk(&["classify", "set.jsonl", "--model", "m", "-o", "out.csv", "--prefix", "model_"]).done();
    let manifest: Value = serde_json::from_str(&folder.text("out.csv.manifest.json")).unwrap();
    assert_eq!((&manifest["model"]["name"], &manifest["model"]["precision"]), (&json!("m"), &json!("f32")));
    assert_eq!(manifest["counts"]["articles"], json!(240));
    folder.newsdesk(&["verify", "out.csv", "--model", "m"]).done();
}

#[test]
fn threads_and_runs_give_the_same_model() {
    let folder = Folder::new();
    folder.write("set.jsonl", rows(300));
    for (threads, name) in [("1", "a"), ("2", "b"), ("8", "c")] {
        let train =
            ["train", "--arch", "linear", "--data", "set.jsonl", "-o", name, "--name", "m", "--threads", threads];
        folder.newsdesk(&train).done();
    }
    for name in ["b", "c"] {
        assert_eq!(folder.bytes("a/model.safetensors"), folder.bytes(&format!("{name}/model.safetensors")));
        assert_eq!(folder.text("a/newsdesk.toml"), folder.text(&format!("{name}/newsdesk.toml")));
    }
}

#[test]
fn options_of_transformers_are_refused_and_the_other_way_round() {
    let folder = Folder::new();
    folder.write("set.jsonl", rows(60));
    let train = |more: &[&str]| folder.newsdesk(&[&["train", "--data", "set.jsonl", "-o", "out"], more].concat());
    train(&["--arch", "linear", "--base", TINY]).refused("Failed to use `--base`: a linear model has no use for it");
    train(&["--arch", "linear", "--freeze", "encoder"]).refused("Failed to use `--freeze`");
    train(&["--arch", "linear", "--warmup", "0.5"]).refused("Failed to use `--warmup`");
    train(&["--arch", "linear", "--buckets", "1000"])
        .refused("Failed to use the setting `buckets`: 1000 is not a power of two");
    train(&["--arch", "linear", "--char-ngrams", "5-3"])
        .refused("Failed to use the setting `char-ngrams`: 5 to 3 is no range");
    train(&["--buckets", "4096"]).refused("Failed to use `--word-ngrams`, `--char-ngrams` or `--buckets`");
    let wrong = train(&["--arch", "linear", "--char-ngrams", "many"]);
    assert!(wrong.err.contains("it is neither a range such as 3-5 nor none"), "{wrong}");
    assert!(!folder.path("out").exists());
}

#[test]
fn what_needs_an_encoder_says_so() {
    let folder = with_model();
    let error = "Failed to open an encoder in `m`: it is a linear model, which has none";
    folder.newsdesk(&["train", "--data", "set.jsonl", "--base", "m", "-o", "out"]).refused(error);
    folder.newsdesk(&["models", "certify", "m", "--data", "set.jsonl"]).refused(error);
    folder.newsdesk(&["models", "average", "m", "m", "-o", "out"]).refused(error);
    folder
        .newsdesk(&["classify", "set.jsonl", "--model", "m", "--precision", "int8"])
        .refused("a linear model computes in f32");
}

#[test]
fn several_heads_and_labels_at_once() {
    let folder = Folder::new();
    let row = |i: usize| {
        let labels: &[&str] = [&["sport"][..], &["sport", "money"], &["money"], &[]][i % 4];
        let words = [
            ["", "goals "][usize::from(labels.contains(&"sport"))],
            ["", "shares "][usize::from(labels.contains(&"money"))],
        ];
        format!("{}\n", json!({"text": format!("{}on day {}", words.concat(), i % 31), "labels": labels}))
    };
    folder.write("set.jsonl", (0..400).map(row).collect::<String>());
    let train = ["train", "--arch", "linear", "--data", "set.jsonl", "--label-field", "labels", "-o", "m"];
    folder.newsdesk(&train).done();
    folder.write("new.jsonl", "{\"text\":\"goals and shares on day 3\"}\n{\"text\":\"on day 4\"}\n");
    let rows = folder.newsdesk(&["classify", "new.jsonl", "--model", "m"]).done().rows();
    assert_eq!(rows[0]["labels"], json!("money; sport"), "{rows:?}");
    assert_eq!(column(&rows, "text").len(), 2);
}
