//! `newsdesk models average`, and training that goes on from a model of the same heads.

use crate::support::desks::desks;
use crate::support::weights::Weights;
use crate::support::{Folder, TINY};
use serde_json::Value;

/// Trains on the articles of two desks.
fn train(folder: &Folder, base: &str, output: &str, more: &[&str]) {
    let usual = "--data desks.csv --label-field desk --epochs 2 --window 64 --stride 48 --length 64 --batch-size 8 \
                 --learning-rate 1e-3";
    let usual: Vec<&str> = usual.split(' ').filter(|word| !word.is_empty()).collect();
    folder.newsdesk(&[&["train", "--base", base, "-o", output], &usual[..], more].concat()).done();
}

fn info(folder: &Folder, model: &str) -> Value {
    serde_json::from_str(&folder.newsdesk(&["models", "info", model, "--json"]).done().out).unwrap()
}

#[test]
fn the_mean_of_seeds_is_a_model_like_any() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    train(&folder, TINY, "runs", &["--seeds", "1,2"]);
    let average = ["models", "average", "runs/seed-1", "runs/seed-2", "--shares", "1", "3", "-o", "mean"];
    folder.newsdesk(&average).done().says("wrote mean\n").says("newsdesk calibrate mean");
    let known = info(&folder, "mean");
    let parts = known["manifest"]["averaged"].as_array().unwrap();
    assert_eq!((parts[0]["name"].as_str(), parts[1]["share"].as_f64()), (Some("runs-seed-1"), Some(0.75)));
    assert_eq!(parts[1]["training"]["settings"]["seed"], 2);
    assert_eq!(known["manifest"]["name"], "mean");
    assert!(known["manifest"].get("training").is_none() && known["manifest"].get("score").is_none(), "{known}");
    assert!(folder.newsdesk(&["models", "info", "mean"]).done().out.contains("  runs-seed-2, share 0.7500, weights "));

    // What reads models takes it as any other.
    folder.newsdesk(&["calibrate", "mean", "--data", "desks.csv", "--label-field", "desk"]).done();
    let eval = folder.newsdesk(&["eval", "mean", "--data", "desks.csv", "--label-field", "desk", "--json"]).done();
    let report: Value = serde_json::from_str(&eval.out).unwrap();
    assert!(report[0]["heads"][0]["report"]["accuracy"].as_f64().unwrap() > 0.7, "{report}");
    folder.newsdesk(&average).refused("Failed to write the model: `mean` holds one already");
    // The record of what it is made of is not that of a model which was trained from it.
    train(&folder, "mean", "next", &[]);
    assert!(info(&folder, "next")["manifest"].get("averaged").is_none());
}

#[test]
fn models_that_have_no_mean_are_refused() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    train(&folder, TINY, "m", &[]);
    folder
        .newsdesk(&["models", "average", "m", TINY, "-o", "mean"])
        .refused("Failed to average: `m` and `tiny` differ in their heads or the labels of these")
        .hint("models with a mean have the same heads");
    folder.newsdesk(&["models", "average", "m", "m", "--shares", "1", "-o", "mean"]).refused("2 models and 1 shares");
    folder.newsdesk(&["models", "average", "m", "gone", "-o", "mean"]).refused("there is no such folder");
    folder.newsdesk(&["models", "average", "m", "-o", "mean"]).refused("2 values required");
    assert!(!folder.path("mean").exists());
}

#[test]
fn a_head_that_the_base_has_goes_on() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    train(&folder, TINY, "m", &[]);
    // Next to no step is made: what stands there afterwards stood there before.
    let little = ["--epochs", "1", "--learning-rate", "1e-12"];
    let usual = ["train", "--data", "desks.csv", "--label-field", "desk", "--length", "64", "--base", "m"];
    folder.newsdesk(&[&usual[..], &little, &["-o", "on"]].concat()).done();
    folder.newsdesk(&[&usual[..], &little, &["--head", "section", "-o", "new"]].concat()).done();
    let [before, on, new] = ["m", "on", "new"].map(|model| Weights::open(&folder.path(model)));
    // A model of one head and a pooler is saved as transformers knows it.
    for part in ["classifier.weight", "classifier.bias"] {
        assert!(before.bytes(part) == on.bytes(part), "the {part} of the head did not go on");
        assert!(before.bytes(part) != new.bytes(part), "a head of another name begins anew");
    }
}
