//! `newsdesk train --seeds`: a whole model for each seed, and how far they lie apart.

use crate::support::desks::desks;
use crate::support::{Folder, TINY};
use serde_json::{Value, json};

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = "--data desks.csv --label-field desk --epochs 1 --window 64 --stride 48 --length 64 --batch-size 8";
    [&["train", "--base", TINY, "-o", output], &usual.split(' ').collect::<Vec<_>>()[..], more].concat()
}

#[test]
fn each_seed_gives_the_model_that_it_gives_alone() {
    let folder = Folder::new();
    folder.write("desks.csv", desks()).write("test.csv", desks());
    let answer = folder.newsdesk(&arguments("all", &["--seeds", "1,2,3", "--test", "test.csv", "--json"])).done();
    let answer = answer.says("seed 1, 1 of 3\n").says("seed 3, 3 of 3\n");
    folder.newsdesk(&arguments("two", &["--seed", "2"])).done();
    assert!(folder.bytes("all/seed-2/model.safetensors") == folder.bytes("two/model.safetensors"));
    assert!(folder.bytes("all/seed-1/model.safetensors") != folder.bytes("two/model.safetensors"));
    assert!(folder.text("all/seed-2/newsdesk.toml").contains("name = \"all-seed-2\""));
    for file in ["README.md", "training.jsonl", "training.svg", "config.json", "tokenizer.json"] {
        assert!(folder.path(&format!("all/seed-3/{file}")).exists(), "{file} is missing");
    }
    assert!(!folder.path("all/seed-3/checkpoint").exists() && !folder.path("all/model.safetensors").exists());

    let told: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(told, serde_json::from_str::<Value>(&folder.text("all/seeds.json")).unwrap());
    let seeds = told["seeds"].as_array().unwrap();
    assert_eq!(seeds.iter().map(|of| &of["seed"]).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(seeds[1]["folder"], "seed-2");
    for (kind, of_seed, set, articles) in [("validation", "sets", "desks.csv", 12), ("test", "test", "test.csv", 120)] {
        let spread = &told[kind][0];
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
    // The model that was measured is the one that was written.
    let eval = ["eval", "all/seed-2", "--data", "test.csv", "--label-field", "desk", "--json"];
    let eval: Value = serde_json::from_str(&folder.newsdesk(&eval).done().out).unwrap();
    assert_eq!(eval[0]["heads"][0]["report"]["accuracy"], seeds[1]["test"][0]["heads"][0]["accuracy"]);
}

#[test]
fn finished_seeds_are_not_trained_again() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    let whole = folder.newsdesk(&arguments("m", &["--seeds", "4,5"])).done();
    assert!(whole.out.contains("accuracy") && whole.out.contains("deviation"), "{}", whole.out);
    // One seed that ended, and one that did not begin.
    std::fs::remove_dir_all(folder.path("m/seed-5")).unwrap();
    let before = std::fs::metadata(folder.path("m/seed-4/model.safetensors")).unwrap().modified().unwrap();
    folder
        .newsdesk(&arguments("m", &["--seeds", "4,5"]))
        .refused("`m/seed-4` holds one already")
        .hint("another folder");
    let resumed = folder.newsdesk(&arguments("m", &["--seeds", "4,5", "--resume"])).done();
    assert_eq!(resumed.out, whole.out);
    let resumed = resumed.says("seed 4, 1 of 2: trained before\n");
    assert_eq!(resumed.starting("wrote "), ["wrote m/seed-5"]);
    assert_eq!(std::fs::metadata(folder.path("m/seed-4/model.safetensors")).unwrap().modified().unwrap(), before);

    let other = |more: &[&str], cause: &str| {
        let all = [&["--seeds", "4,5", "--resume"], more].concat();
        folder
            .newsdesk(&arguments("m", &all))
            .refused(&format!("`m/seed-4`: {cause}"))
            .hint("the options of the first run");
    };
    other(&["--clip", "2"], "it was trained with other options or on other rows");
    other(&["--test", "desks.csv"], "it was measured on other test sets");
    other(&["--pooling", "mean"], "it was trained with other options or on other rows");
    // As many rows, with other labels.
    folder.write("desks.csv", desks().replacen(",sport", ",business", 1));
    other(&[], "it was trained with other options or on other rows");
    folder.write("desks.csv", desks());
    folder.write("m/seed-4/training.jsonl", "");
    other(&[], "its `training.jsonl` does not tell how it ended");
}

#[test]
fn seeds_that_cannot_be() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    folder
        .newsdesk(&arguments("m", &["--seeds", "1,2,1"]))
        .refused("`--seeds`: 1 stands there twice")
        .hint("same model");
    folder.newsdesk(&arguments("m", &["--seeds", "1,2", "--seed", "3"])).refused("'--seed <SEED>'");
    folder.newsdesk(&arguments("m", &["--seeds", "1,-2"])).refused("invalid value '-2'");
    assert!(!folder.path("m").exists());
    folder.newsdesk(&arguments("m", &["--quiet"])).done();
    folder.newsdesk(&arguments("m", &["--seeds", "1,2"])).refused("`m` holds one already");
}
