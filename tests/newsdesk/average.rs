//! `newsdesk models average`, and training from a base with the same head.

use crate::support::training::{desks, train_arguments};
use crate::support::weights::Weights;
use crate::support::{Folder, TINY};

fn train(folder: &Folder, output: &str, more: &[&str]) {
    let options = "--data desks.csv --label-field desk --epochs 2 --batch-size 8 --learning-rate 1e-3";
    folder.newsdesk(&train_arguments(output, options, more)).done();
}

#[test]
fn average_of_two_seeds_works_like_a_trained_model() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    train(&folder, "runs", &["--seeds", "1,2"]);
    let average = ["models", "average", "runs/seed-1", "runs/seed-2", "--weights", "1", "3", "-o", "mean"];
    folder.newsdesk(&average).done().says("wrote mean\n").says("newsdesk calibrate mean");
    let manifest = folder.manifest("mean");
    let parts = manifest["averaged"].as_array().unwrap();
    assert_eq!((parts[0]["name"].as_str(), parts[1]["share"].as_f64()), (Some("runs-seed-1"), Some(0.75)));
    assert_eq!(parts[1]["training"]["settings"]["seed"], 2);
    assert_eq!(manifest["name"], "mean");
    assert!(manifest.get("training").is_none() && manifest.get("score").is_none(), "{manifest}");
    folder.newsdesk(&["models", "info", "mean"]).done().prints("  runs-seed-2, weight 0.7500, SHA-256 ");

    folder.newsdesk(&["calibrate", "mean", "--data", "desks.csv", "--label-field", "desk"]).done();
    let report = folder.run("eval mean --data desks.csv --label-field desk --json").done().json();
    assert!(report[0]["heads"][0]["report"]["accuracy"].as_f64().unwrap() > 0.7, "{report}");
    folder.newsdesk(&average).refused("cannot write the model: `mean` already holds one");
    // A model that is trained from the average has no record of the averaged models.
    train(&folder, "next", &["--base", "mean"]);
    assert_eq!(folder.manifest("next").get("averaged"), None);
}

#[test]
fn an_average_is_compared_with_its_models() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    train(&folder, "runs", &["--seeds", "1,2", "--epochs", "1"]);
    let average = ["models", "average", "runs/seed-1", "runs/seed-2", "-o", "mean", "--data", "desks.csv"];
    let answer = folder.newsdesk(&[&average[..], &["--label-field", "desk"]].concat()).done();
    let answer = answer.says("warning: the weights of head `desk` differ much between the models");
    let answer = answer.says("next: fit its temperatures");
    let rows: Vec<Vec<&str>> = answer.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(names, ["model", "runs/seed-1", "runs/seed-2", "average"]);
    let eval = folder.run("eval mean --data desks.csv --label-field desk --json").done().json();
    let accuracy = eval[0]["heads"][0]["report"]["accuracy"].as_f64().unwrap();
    assert_eq!(rows[3][1..5], ["desks.csv", "desk", "120", &format!("{accuracy:.4}")]);
    folder.newsdesk(&[&average[..5], &["other", "--data", "gone.csv"]].concat()).refused("cannot find `gone.csv`");
    folder.assert_missing("other");
}

#[test]
fn models_that_cannot_be_averaged_are_refused() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    train(&folder, "m", &[]);
    folder
        .newsdesk(&["models", "average", "m", TINY, "-o", "mean"])
        .refused("cannot average the models: `m` and `tiny` differ in their heads or labels")
        .hint("average models with the same heads");
    folder
        .newsdesk(&["models", "average", "m", "m", "--weights", "1", "-o", "mean"])
        .refused("2 models and 1 weight")
        .hint("give one `--weights` number above zero per model")
        .says("warning: `m` is given more than once");
    folder.newsdesk(&["models", "average", "m", "gone", "-o", "mean"]).refused("there is no such folder");
    folder.newsdesk(&["models", "average", "m", "-o", "mean"]).refused("2 values required");
    folder.assert_missing("mean");
}

#[test]
fn training_starts_from_the_head_of_the_base_only_if_its_name_is_the_same() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    train(&folder, "m", &[]);
    // This learning rate is too low to change weights in f16: a head that was not initialised anew has the weights of the base.
    let from_m = ["--base", "m", "--epochs", "1", "--learning-rate", "1e-12"];
    train(&folder, "same", &from_m);
    train(&folder, "other", &[&from_m[..], &["--head", "section"]].concat());
    let [base, same, other] = ["m", "same", "other"].map(|model| Weights::open(&folder.path(model)));
    // A model with one head and a pooler is saved with the tensor names of transformers.
    for part in ["classifier.weight", "classifier.bias"] {
        assert!(base.bytes(part) == same.bytes(part), "{part} of the head `desk` differs from the base");
        assert!(base.bytes(part) != other.bytes(part), "{part} of the head `section` was taken from the base");
    }
}
