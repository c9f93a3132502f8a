//! `newsdesk train --seeds`: a complete model for each seed, and the spread of their metrics.

use crate::support::Folder;
use crate::support::training::{desks, train_arguments};
use serde_json::{Value, json};

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    train_arguments(output, "--data desks.csv --label-field desk --epochs 1 --batch-size 8", more)
}

#[test]
fn each_seed_gives_the_same_model_as_a_run_with_that_seed_alone() {
    let folder = Folder::new();
    folder.write("desks.csv", desks()).write("test.csv", desks());
    let answer = folder.newsdesk(&arguments("all", &["--seeds", "1,2,3", "--test", "test.csv", "--json"])).done();
    let answer = answer.says("seed 1, 1 of 3\n").says("seed 3, 3 of 3\n");
    folder.newsdesk(&arguments("two", &["--seed", "2"])).done();
    assert!(folder.weights("all/seed-2") == folder.weights("two"), "seed 2 of three gives another model");
    assert!(folder.weights("all/seed-1") != folder.weights("two"), "seeds 1 and 2 give the same model");
    folder.assert_contains("all/seed-2/newsdesk.toml", "name = \"all-seed-2\"");
    for file in ["README.md", "training.jsonl", "training.svg", "config.json", "tokenizer.json"] {
        assert!(folder.path(&format!("all/seed-3/{file}")).exists(), "{file} is missing");
    }
    folder.assert_missing("all/seed-3/checkpoint");
    folder.assert_missing("all/model.safetensors");

    let summary = answer.json();
    assert_eq!(summary, folder.json("all/seeds.json"));
    let seeds = summary["seeds"].as_array().unwrap();
    assert_eq!(seeds.iter().map(|of| &of["seed"]).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(seeds[1]["folder"], "seed-2");
    for (kind, of_seed, set, articles) in [("validation", "sets", "desks.csv", 12), ("test", "test", "test.csv", 120)] {
        let spread = &summary[kind][0];
        assert_eq!([&spread["set"], &spread["articles"], &spread["runs"]], [&json!(set), &json!(articles), &json!(3)]);
        for figure in ["accuracy", "macro_f1"] {
            let value = |of: &Value| of[of_seed][0]["heads"][0][figure].as_f64().unwrap();
            let values: Vec<f64> = seeds.iter().map(value).collect();
            let mean = values.iter().sum::<f64>() / 3.0;
            let deviation = (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 2.0).sqrt();
            let close = |name: &str, to: f64| (spread[figure][name].as_f64().unwrap() - to).abs() < 1e-9;
            assert!(close("mean", mean) && close("standard_deviation", deviation), "{figure} of {values:?}: {spread}");
        }
    }
    // The metrics are those of the written model.
    let eval = folder.run("eval all/seed-2 --data test.csv --label-field desk --json").done().json();
    assert_eq!(eval[0]["heads"][0]["report"]["accuracy"], seeds[1]["test"][0]["heads"][0]["accuracy"]);
}

#[test]
fn finished_seeds_are_not_trained_again() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    let whole = folder.newsdesk(&arguments("m", &["--seeds", "4,5"])).done();
    let whole = whole.prints("accuracy").prints("deviation");
    // Seed 4 is finished, and seed 5 has not started.
    std::fs::remove_dir_all(folder.path("m/seed-5")).unwrap();
    let before = folder.modified("m/seed-4/model.safetensors");
    folder
        .newsdesk(&arguments("m", &["--seeds", "4,5"]))
        .refused("`m/seed-4` already holds one")
        .hint("another folder");
    let resumed = folder.newsdesk(&arguments("m", &["--seeds", "4,5", "--resume"])).done();
    assert_eq!(resumed.out, whole.out);
    let resumed = resumed.says("seed 4, 1 of 2: already trained\n");
    assert_eq!(resumed.starting("wrote "), ["wrote m/seed-5"]);
    assert_eq!(folder.modified("m/seed-4/model.safetensors"), before);

    let other = |more: &[&str], cause: &str| {
        let all = [&["--seeds", "4,5", "--resume"], more].concat();
        folder
            .newsdesk(&arguments("m", &all))
            .refused(&format!("`m/seed-4`: {cause}"))
            .hint("the options of the first run");
    };
    other(&["--max-grad-norm", "2"], "it was trained with other options or on other rows");
    other(&["--test", "desks.csv"], "it was evaluated on other test sets");
    other(&["--pooling", "mean"], "it was trained with other options or on other rows");
    // The number of rows is the same, but a label differs.
    folder.write("desks.csv", desks().replacen(",sport", ",business", 1));
    other(&[], "it was trained with other options or on other rows");
    folder.write("desks.csv", desks());
    folder.write("m/seed-4/training.jsonl", "");
    other(&[], "its `training.jsonl` has no record of the end");
}

#[test]
fn invalid_seeds_are_refused() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    folder.newsdesk(&arguments("m", &["--seeds", "1,2,1"])).refused("`--seeds`: 1 is given twice").hint("same model");
    folder.newsdesk(&arguments("m", &["--seeds", "1,2", "--seed", "3"])).refused("'--seed <N>'");
    folder.newsdesk(&arguments("m", &["--seeds", "1,-2"])).refused("invalid value '-2'");
    folder.assert_missing("m");
    folder.newsdesk(&arguments("m", &["--quiet"])).done();
    folder.newsdesk(&arguments("m", &["--seeds", "1,2"])).refused("`m` already holds one");
}
