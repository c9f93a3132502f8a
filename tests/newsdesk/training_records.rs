//! What `newsdesk train` leaves beside the model: a log, a curve and a model card.

use crate::support::desks::desks;
use crate::support::{Answer, Folder, TINY, column, rows};
use serde_json::{Value, json};

/// A run of 27 steps an epoch.
fn train(folder: &Folder, more: &[&str]) -> Answer {
    let usual = "--data desks.csv --label-field desk --learning-rate 1e-3 --batch-size 4 --pooling mean --window 64 \
                 --stride 48 --length 64";
    folder.newsdesk(&[&["train", "--base", TINY], &usual.split_whitespace().collect::<Vec<_>>()[..], more].concat())
}

#[test]
fn the_log_tells_the_whole_run() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    // 216 steps an epoch: 50, 100, 150, 200, and the last one.
    let more = ["--epochs", "2", "--batch-size", "1", "--seed", "3", "-o", "m", "--json"];
    let usual = "--data desks.csv --label-field desk --learning-rate 1e-3 --window 64 --stride 48 --length 64";
    let usual: Vec<&str> = usual.split(' ').collect();
    let answer = folder.newsdesk(&[&["train", "--base", TINY], &usual[..], &more].concat()).done();
    // What is said while it runs is what the log keeps.
    for step in [50, 100, 108] {
        let answer = answer.starting(&format!("epoch 2, step {step} of 108: loss "));
        assert!(answer.len() == 1 && answer[0].ends_with(" left") && answer[0].contains(" tokens/s, "), "{answer:?}");
    }
    let answer = answer.says("calibrating: 12 of 12 articles");

    let log = rows(&folder.text("m/training.jsonl"));
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
    let places: Vec<_> =
        steps.iter().map(|line| (line["epoch"].as_u64().unwrap(), line["step"].as_u64().unwrap())).collect();
    assert_eq!(places, [(1, 50), (1, 100), (1, 108), (2, 50), (2, 100), (2, 108)]);
    let number = |line: &Value, name: &str| line[name].as_f64().unwrap_or_else(|| panic!("no {name} in {line}"));
    assert!(number(steps[5], "loss") < number(steps[0], "loss"), "{steps:?}");
    assert!(number(steps[5], "rate") < 2e-5 && number(steps[0], "rate") > 5e-4, "{steps:?}");
    assert!(steps.iter().all(|line| number(line, "tokens_per_second") > 0.0));
    let elapsed: Vec<f64> = log[1..].iter().map(|line| number(line, "elapsed")).collect();
    assert!(elapsed.is_sorted(), "{elapsed:?}");

    let figures = &log[8]["sets"][0];
    let head = &figures["heads"][0];
    assert_eq!([&figures["set"], &head["head"], &head["articles"]], [&json!("desks.csv"), &json!("desk"), &json!(12)]);
    assert_eq!(number(&log[8], "score"), number(head, "macro_f1"));
    let (end, reports): (&Value, Value) = (&log[9], serde_json::from_str(&answer.out).unwrap());
    let (logged, told) = (&end["sets"][0]["heads"][0], &reports[0]["heads"][0]);
    assert_eq!([&logged["accuracy"], &logged["macro_f1"]], [&told["report"]["accuracy"], &told["report"]["macro_f1"]]);
    assert_eq!([&logged["ece"], &logged["nll"]], [&told["calibration"]["ece"], &told["calibration"]["nll"]]);
    let temperature = &end["temperatures"][0];
    assert_eq!([&temperature["head"], &temperature["articles"]], [&json!("desk"), &json!(12)]);
    assert!(temperature["not_fitted"].as_str().unwrap().contains("too few"), "{temperature}");

    let curve = folder.text("m/training.svg");
    assert!(curve.starts_with("<svg ") && curve.ends_with("</svg>\n"), "{curve}");
    for words in ["epoch", "training loss", "loss", "on the validation sets", "score"] {
        assert!(curve.contains(&format!("\n{words}\n")), "{words} is not in {curve}");
    }
    // Six losses and two scores.
    assert_eq!(curve.matches("<circle").count(), 8);
}

#[test]
fn the_card_says_what_the_model_is() {
    let folder = Folder::new();
    // A label for which nothing is held out.
    folder.write("in/desks.csv", desks() + "120,rain wind rain sun,weather\n").write("desks.csv", desks());
    // Three of sixty labels are wrong, so that there is a best temperature.
    let spoiled = |(number, line): (usize, &str)| match number {
        1 | 3 | 5 => format!("{}\n", line.replace(",sport", ",business")),
        _ => format!("{line}\n"),
    };
    folder.write("validation.csv", desks().lines().enumerate().map(spoiled).collect::<String>());
    folder.write("test.csv", desks());
    let more = "--data in/desks.csv --validation validation.csv --test test.csv --epochs 2 --seed 3 -o out/desk_1 --name desk|1";
    let usual =
        "--label-field desk --learning-rate 1e-3 --batch-size 4 --pooling mean --window 64 --stride 48 --length 64";
    let arguments: Vec<&str> = more.split(' ').chain(usual.split(' ')).collect();
    folder.newsdesk(&[&["train", "--base", TINY], &arguments[..]].concat()).done();
    let card = folder.text("out/desk_1/README.md");
    let has = |text: &str| assert!(card.contains(text), "`{text}` is not in:\n{card}");
    assert!(
        card.starts_with("---\nlibrary_name: newsdesk\npipeline_tag: text-classification\ntags:\n- newsdesk\n"),
        "{card}"
    );
    assert!(!card.contains("license:"), "{card}");
    has("\n# desk\\|1\n");
    has("- **desk**: one of business; sport; weather\n");
    has("newsdesk classify articles.jsonl --model MODEL\n");
    has("from the base `tiny`, with seed 3. Of 2 epochs");
    has("| in/desks.csv | all | training | 121 | not stated |\n");
    has("| test.csv | test | test | 120 | not stated |\n");
    has("| learning-rate | 0.001 | 0.00005 |\n");
    has("--data desks.csv \\\n  --validation validation.csv \\\n");
    has("  --epochs 2 \\\n");
    has("  --seed 3 \\\n");
    assert!(!card.contains("| seed |") && !card.contains("weight-decay"), "{card}");
    has("\n### desk on test.csv, test\n");
    let log = rows(&folder.text("out/desk_1/training.jsonl"));
    let end = log.last().unwrap();
    for (set, split, kind) in [("validation.csv", "all", "sets"), ("test.csv", "test", "test")] {
        let head = &end[kind][0]["heads"][0];
        let figures =
            ["accuracy", "macro_f1", "ece"].map(|name| format!("{:.4}", head[name].as_f64().unwrap())).join(" | ");
        has(&format!("| {set} | {split} | desk | exact labels | 120 | {figures} |\n"));
    }
    let labels: Vec<&str> = card.lines().filter(|line| line.starts_with("| sport | 60 |")).collect();
    assert!(labels.len() == 1 && labels[0].ends_with(" |  |"), "{card}");
    has("| weather | 0 | - | - | - | untested |\n");
    has("- Labels of desk that are untested: weather.\n");
    has("- **desk**: the temperature is ");
    // The test sets' figures are the model's, too.
    let info = folder.newsdesk(&["models", "info", "out/desk_1", "--json"]).done().out;
    let info: Value = serde_json::from_str(&info).unwrap();
    assert_eq!(column(info["manifest"]["score"].as_array().unwrap(), "split"), ["all", "test"]);

    // Labels with few articles.
    folder.write("desks.csv", desks());
    train(&folder, &["--epochs", "1", "-o", "few"]).done();
    let card = folder.text("few/README.md");
    assert!(
        card.contains("| hardly tested |\n")
            && card.contains("fewer than 20 validation articles each: business; sport.\n")
    );
    assert!(card.contains("the scores are not calibrated"), "{card}");
}

#[test]
fn licences_come_from_recipes() {
    let folder = Folder::new();
    let mood = |i: usize| ["good", "mixed", "other"][i % 3];
    let line = |i: usize| format!("{}\n", json!({"text": format!("day {i}"), "mood": mood(i)}));
    folder.write("sets/moods-of-may/rows.jsonl", (0..30).map(line).collect::<String>());
    folder.write("moods.toml", crate::support::MOODS.replace("validation =", "train = \"rows.jsonl\"\nvalidation ="));
    let arguments =
        ["train", "--base", TINY, "--data", "moods.toml", "--data-root", "sets", "--epochs", "1", "-o", "m"];
    folder.newsdesk(&arguments).done();
    let card = folder.text("m/README.md");
    assert!(card.contains("| moods | train | training | 20 | free |\n"), "{card}");
    assert!(
        card.contains("It was measured on no set with its own labels") && card.contains("| sets of labels |"),
        "{card}"
    );
    assert!(card.contains("Measured as sets, an answer is right") && !card.contains("licences of some sets"), "{card}");
}

#[test]
fn a_readme_of_somebody_else_stays() {
    let folder = Folder::new();
    folder.write("desks.csv", desks()).write("m/README.md", "mine\n");
    train(&folder, &["--epochs", "1", "-o", "m"]).done().says("the model card is `m/MODEL_CARD.md`");
    assert_eq!(folder.text("m/README.md"), "mine\n");
    assert!(folder.text("m/MODEL_CARD.md").contains("\n# m\n"));
    folder.write("n/README.md", "mine\n").write("n/MODEL_CARD.md", "mine, too\n");
    train(&folder, &["--epochs", "1", "-o", "n"]).done().says("warning: no model card was written");
    assert_eq!([folder.text("n/README.md"), folder.text("n/MODEL_CARD.md")], ["mine\n", "mine, too\n"]);
}

#[test]
fn a_quiet_run_says_nothing() {
    let folder = Folder::new();
    folder.write("desks.csv", desks()).write("m/README.md", "mine\n");
    let answer = train(&folder, &["--epochs", "1", "-o", "m", "--test", "desks.csv", "--quiet"]).done();
    assert_eq!([answer.out.as_str(), answer.err.as_str()], ["", ""]);
}
