//! Linear models, from `train --arch linear` to every command that takes a model.

use crate::support::{Folder, TINY, json_lines};
use serde_json::json;

/// Returns articles with two labels, whose words tell the labels apart.
fn labelled(count: usize) -> String {
    json_lines((0..count).map(|i| {
        let (label, words) = [("sport", "late goals win the cup"), ("business", "shares fall as banks warn")][i % 2];
        json!({"text": format!("{words} on day {}", i * i % 97), "label": label, "source": i % 3})
    }))
}

/// Returns a folder with a data set in `set.jsonl`, and in `m` a linear model that was trained on it.
fn with_model() -> Folder {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(240));
    folder.run("train --arch linear --data set.jsonl -o m --buckets 4096 --quiet").done();
    folder
}

#[test]
fn a_linear_model_can_classify_and_be_evaluated_calibrated_and_described() {
    let folder = with_model();
    folder.write("a.txt", "Late goals win the cup");
    let row = folder.newsdesk(&["classify", "a.txt", "--model", "m", "--scores"]).done().rows().remove(0);
    assert!(row["label"] == "sport" && row["label_score"].as_f64().unwrap() > 0.9, "{row}");
    let report = folder.newsdesk(&["eval", "m", "--data", "set.jsonl", "--json"]).done().json();
    assert_eq!(report[0]["heads"][0]["report"]["accuracy"], json!(1.0));
    folder.newsdesk(&["calibrate", "m", "--data", "set.jsonl"]).done();
    let info = folder.newsdesk(&["models", "info", "m"]).done();
    assert!(
        info.out.contains("linear    4096 features of up to 2 words and of 5 characters, 12290 parameters"),
        "{info}"
    );
    assert!(!info.out.contains("encoder") && !info.out.contains("windows"), "{info}");
    let card = folder.text("m/README.md");
    assert!(card.contains("a linear model without an encoder") && card.contains("--arch linear"), "{card}");
    assert!(card.contains("--buckets 4096"), "{card}");
}

#[test]
fn an_output_of_a_linear_model_has_a_manifest_and_can_be_verified() {
    let folder = with_model();
    folder.newsdesk(&["classify", "set.jsonl", "--model", "m", "-o", "out.csv", "--prefix", "model_"]).done();
    let manifest = folder.json("out.csv.manifest.json");
    assert_eq!((&manifest["model"]["name"], &manifest["model"]["dtype"]), (&json!("m"), &json!("f32")));
    assert_eq!(manifest["counts"]["articles"], json!(240));
    folder.newsdesk(&["verify", "out.csv", "--model", "m"]).done();
}

#[test]
fn a_linear_model_does_not_depend_on_the_number_of_threads() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(300));
    for (threads, name) in [("1", "a"), ("2", "b"), ("8", "c")] {
        let train =
            ["train", "--arch", "linear", "--data", "set.jsonl", "-o", name, "--name", "m", "--threads", threads];
        folder.newsdesk(&train).done();
    }
    for name in ["b", "c"] {
        assert_eq!(folder.weights("a"), folder.weights(name));
        assert_eq!(folder.text("a/newsdesk.toml"), folder.text(&format!("{name}/newsdesk.toml")));
    }
}

#[test]
fn options_of_the_other_architecture_are_refused() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(60));
    let train = |more: &[&str]| folder.newsdesk(&[&["train", "--data", "set.jsonl", "-o", "out"], more].concat());
    train(&["--arch", "linear", "--base", TINY]).refused("cannot use `--base`: it is not supported for linear models");
    train(&["--arch", "linear", "--freeze", "encoder"]).refused("cannot use `--freeze`");
    train(&["--arch", "linear", "--warmup-ratio", "0.5"]).refused("cannot use `--warmup-ratio`");
    train(&["--arch", "linear", "--buckets", "1000"]).refused("cannot use `--buckets`: 1000 is not a power of two");
    train(&["--arch", "linear", "--char-ngrams", "5-3"]).refused("cannot use `--char-ngrams`: 5 to 3 is not a range");
    train(&["--buckets", "4096"]).refused("cannot use `--word-ngrams`, `--char-ngrams` or `--buckets`");
    train(&["--arch", "linear", "--char-ngrams", "many"]).refused("use a range such as 3-5, or none");
    folder.assert_missing("out");
}

#[test]
fn commands_that_need_an_encoder_refuse_linear_models() {
    let folder = with_model();
    let error = "cannot open an encoder in `m`: it is a linear model";
    folder.newsdesk(&["train", "--data", "set.jsonl", "--base", "m", "-o", "out"]).refused(error);
    folder.newsdesk(&["models", "certify", "m", "--data", "set.jsonl"]).refused(error);
    folder.newsdesk(&["models", "average", "m", "m", "-o", "out"]).refused("cannot average `m`: linear");
    folder
        .newsdesk(&["classify", "set.jsonl", "--model", "m", "--dtype", "int8"])
        .refused("linear models compute in f32");
}

#[test]
fn a_linear_model_can_have_a_multi_label_head() {
    let folder = Folder::new();
    let rows = (0..400).map(|i| {
        let (words, labels): (&str, &[&str]) = match i % 4 {
            0 => ("goals ", &["sport"]),
            1 => ("goals shares ", &["sport", "money"]),
            2 => ("shares ", &["money"]),
            _ => ("", &[]),
        };
        json!({"text": format!("{words}on day {}", i % 31), "labels": labels})
    });
    folder.write("set.jsonl", json_lines(rows));
    folder.run("train --arch linear --data set.jsonl --label-field labels -o m").done();
    folder.write("new.jsonl", "{\"text\":\"goals and shares on day 3\"}\n{\"text\":\"on day 4\"}\n");
    let rows = folder.newsdesk(&["classify", "new.jsonl", "--model", "m"]).done().rows();
    assert_eq!([&rows[0]["labels"], &rows[1]["labels"]], [&json!("money; sport"), &json!(null)]);
}
