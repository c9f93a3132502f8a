//! Files that `newsdesk train` writes with the model: a log, a training curve and a model card.

use crate::support::training::{desks, train_arguments};
use crate::support::{Answer, Folder, MOODS, column, json_lines, words};
use serde_json::{Value, json};

fn train(folder: &Folder, output: &str, more: &[&str]) -> Answer {
    let options = "--data desks.csv --label-field desk --learning-rate 1e-3 --batch-size 4 --pooling mean --epochs 1";
    folder.newsdesk(&train_arguments(output, options, more))
}

#[test]
fn the_log_has_a_line_for_start_steps_epochs_and_end() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    // An epoch has 108 steps. Steps 50 and 100 and the last one are logged.
    let more = ["--epochs", "2", "--batch-size", "1", "--seed", "3", "--json"];
    let answer = train(&folder, "m", &more).done();
    for step in [50, 100, 108] {
        let lines = answer.starting(&format!("epoch 2, step {step} of 108: loss "));
        let is_complete = lines.len() == 1 && lines[0].contains(" left") && lines[0].contains(" tokens/s, ");
        assert!(is_complete, "expected one line with speed and time left for step {step}: {answer}");
    }
    let answer = answer.says("calibrating: 12 of 12 articles");

    let log = folder.rows("m/training.jsonl");
    let epoch = ["step", "step", "step", "epoch"];
    assert_eq!(column(&log, "event"), [&["start"], &epoch[..], &epoch, &["end"]].concat());
    let start = &log[0];
    assert_eq!(
        [&start["base"], &start["steps_per_epoch"], &start["settings"]["seed"]],
        [&json!("tiny"), &json!(108), &json!(3)]
    );
    assert_eq!(start["sets"], json!([{"set": "desks.csv", "split": "train", "rows": 108}]));
    assert_eq!(start["validation"], json!([{"set": "desks.csv", "split": "held out", "rows": 12}]));
    let steps: Vec<&Value> = log.iter().filter(|line| line["event"] == "step").collect();
    let positions: Vec<_> =
        steps.iter().map(|line| (line["epoch"].as_u64().unwrap(), line["step"].as_u64().unwrap())).collect();
    assert_eq!(positions, [(1, 50), (1, 100), (1, 108), (2, 50), (2, 100), (2, 108)]);
    let number = |line: &Value, name: &str| line[name].as_f64().unwrap_or_else(|| panic!("no {name} in {line}"));
    assert!(number(steps[5], "loss") < number(steps[0], "loss"), "{steps:?}");
    assert!(number(steps[5], "rate") < 2e-5 && number(steps[0], "rate") > 5e-4, "{steps:?}");
    assert!(steps.iter().all(|line| number(line, "tokens_per_second") > 0.0), "{steps:?}");
    let elapsed: Vec<f64> = log[1..].iter().map(|line| number(line, "elapsed")).collect();
    assert!(elapsed.is_sorted(), "{elapsed:?}");

    let metrics = &log[8]["sets"][0];
    let head = &metrics["heads"][0];
    assert_eq!([&metrics["set"], &head["head"], &head["articles"]], [&json!("desks.csv"), &json!("desk"), &json!(12)]);
    assert_eq!(number(&log[8], "score"), number(head, "macro_f1"));
    let (end, reports): (&Value, Value) = (&log[9], answer.json());
    let (logged, printed) = (&end["sets"][0]["heads"][0], &reports[0]["heads"][0]);
    let (report, calibration) = (&printed["report"], &printed["calibration"]);
    assert_eq!([&logged["accuracy"], &logged["macro_f1"]], [&report["accuracy"], &report["macro_f1"]]);
    assert_eq!([&logged["ece"], &logged["nll"]], [&calibration["ece"], &calibration["nll"]]);
    let temperature = &end["temperatures"][0];
    assert_eq!([&temperature["head"], &temperature["articles"]], [&json!("desk"), &json!(12)]);
    assert!(temperature["not_fitted"].as_str().unwrap().contains("needs 50 distinct"), "{temperature}");

    let curve = folder.text("m/training.svg");
    assert!(curve.starts_with("<svg ") && curve.ends_with("</svg>\n"), "{curve}");
    for words in ["epoch", "training loss", "loss", "on the validation sets", "score"] {
        assert!(curve.contains(&format!("\n{words}\n")), "{words} is not in {curve}");
    }
    // Six losses and two scores.
    assert_eq!(curve.matches("<circle").count(), 8);
}

#[test]
fn the_card_describes_model_training_and_metrics() {
    let folder = Folder::new();
    // No validation article has the label `weather`.
    folder.write("in/desks.csv", desks() + "120,rain wind rain sun,weather\n").write("desks.csv", desks());
    // Three labels are wrong, so that an optimal temperature exists.
    folder.write("validation.csv", desks().replacen(",sport", ",business", 3)).write("test.csv", desks());
    let more = "--data in/desks.csv --validation validation.csv --test test.csv --epochs 2 --seed 3 --name desk|1";
    train(&folder, "out/desk_1", &words(more)).done();
    let card = folder.text("out/desk_1/README.md");
    let has = |text: &str| assert!(card.contains(text), "`{text}` is not in:\n{card}");
    assert!(
        card.starts_with("---\nlibrary_name: newsdesk\npipeline_tag: text-classification\ntags:\n- newsdesk\n"),
        "{card}"
    );
    assert!(!card.contains("license:"), "{card}");
    has("\n# desk\\|1\n");
    has("- **desk** (one label per article): business; sport; weather\n");
    has("newsdesk classify articles.jsonl --model MODEL\n");
    has("Fine-tuned from the base `tiny` with Newsdesk ");
    has(", seed 3, for 2 epochs. The model is that of epoch ");
    has("| in/desks.csv | all | training | 121 | not stated |\n");
    has("| test.csv | test | test | 120 | not stated |\n");
    has("| learning-rate | 0.001 | 0.00005 |\n");
    has("--data desks.csv \\\n  --validation validation.csv \\\n");
    has("  --epochs 2 \\\n");
    has("  --seed 3 \\\n");
    assert!(!card.contains("| seed |") && !card.contains("weight-decay"), "{card}");
    has("\n### desk on test.csv, test\n");
    let log = folder.rows("out/desk_1/training.jsonl");
    let end = log.last().unwrap();
    for (set, split, kind) in [("validation.csv", "all", "sets"), ("test.csv", "test", "test")] {
        let head = &end[kind][0]["heads"][0];
        let metrics =
            ["accuracy", "macro_f1", "ece"].map(|name| format!("{:.4}", head[name].as_f64().unwrap())).join(" | ");
        has(&format!("| {set} | {split} | desk | exact labels | 120 | {metrics} |\n"));
    }
    let labels: Vec<&str> = card.lines().filter(|line| line.starts_with("| sport | 60 |")).collect();
    assert!(labels.len() == 1 && labels[0].ends_with(" |  |"), "{card}");
    has("| weather | 0 | - | - | - | untested |\n");
    has("- Labels of desk that are untested: weather.\n");
    has("- **desk**: temperature ");
    // The manifest has the metrics on the test set, too.
    assert_eq!(column(folder.manifest("out/desk_1")["score"].as_array().unwrap(), "split"), ["all", "test"]);

    // Labels with few articles.
    folder.write("desks.csv", desks());
    train(&folder, "few", &[]).done();
    for text in [
        "| hardly tested |\n",
        "fewer than 20 validation articles each: business; sport.\n",
        "the scores are not calibrated",
    ] {
        folder.assert_contains("few/README.md", text);
    }
}

#[test]
fn the_card_states_the_licences_of_recipes() {
    let folder = Folder::new();
    let mood = |i: usize| ["good", "mixed", "other"][i % 3];
    let rows = (0..30).map(|i| json!({"text": format!("day {i}"), "mood": mood(i)}));
    folder.write("sets/moods-of-may/rows.jsonl", json_lines(rows));
    folder.write("moods.toml", MOODS.replace("validation =", "train = \"rows.jsonl\"\nvalidation ="));
    folder.run("train --base TINY --data moods.toml --data-root sets --epochs 1 -o m").done();
    let card = folder.text("m/README.md");
    assert!(card.contains("| moods | train | training | 20 | free |\n"), "{card}");
    assert!(
        card.contains("No data set has exactly the labels of this head") && card.contains("| sets of labels |"),
        "{card}"
    );
    assert!(
        card.contains("*Sets of labels*: the data set has labels of its own")
            && !card.contains("licences of some data sets"),
        "{card}"
    );
}

#[test]
fn the_card_does_not_overwrite_another_readme() {
    let folder = Folder::new();
    folder.write("desks.csv", desks()).write("m/README.md", "mine\n");
    train(&folder, "m", &[]).done().says("the model card is `m/MODEL_CARD.md`");
    assert_eq!(folder.text("m/README.md"), "mine\n");
    folder.assert_contains("m/MODEL_CARD.md", "\n# m\n");
    folder.write("n/README.md", "mine\n").write("n/MODEL_CARD.md", "mine, too\n");
    train(&folder, "n", &[]).done().says("warning: the model card was not written");
    assert_eq!([folder.text("n/README.md"), folder.text("n/MODEL_CARD.md")], ["mine\n", "mine, too\n"]);
}

#[test]
fn a_quiet_run_prints_nothing() {
    let folder = Folder::new();
    folder.write("desks.csv", desks()).write("m/README.md", "mine\n");
    let answer = train(&folder, "m", &["--test", "desks.csv", "--quiet"]).done();
    assert_eq!([answer.out.as_str(), answer.err.as_str()], ["", ""]);
}
