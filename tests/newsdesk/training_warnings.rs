//! `newsdesk train`: warnings about data, settings and results that make it unlikely that a model is good.

use crate::support::{Answer, Folder, TINY, json_lines};
use serde_json::json;

/// Returns articles whose words tell these labels apart; the numbers are the rows of each label, from the number `first`.
fn labelled(first: usize, rows: &[(&str, usize)]) -> String {
    let words =
        ["late goals win the cup", "shares fall as banks warn", "rain and wind in the north", "the jury heard it"];
    let labels = rows.iter().zip(words).flat_map(|(&(label, rows), words)| (0..rows).map(move |_| (label, words)));
    json_lines(
        labels
            .enumerate()
            .map(|(i, (label, words))| json!({"text": format!("{words} on day {}", first + i), "label": label})),
    )
}

fn train(folder: &Folder, more: &[&str]) -> Answer {
    folder.newsdesk(
        &[&["train", "--arch", "linear", "--data", "set.jsonl", "--buckets", "1024", "-o", "m"], more].concat(),
    )
}

#[test]
fn rare_labels_and_few_validation_rows_are_reported_and_in_the_card() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(0, &[("sport", 60), ("business", 60), ("weather", 4), ("courts", 12)]));
    folder.write("v.jsonl", labelled(500, &[("sport", 5), ("business", 5), ("weather", 1)]));
    let answer = train(&folder, &["--validation", "v.jsonl", "--epochs", "1"]).done();
    let rare = "labels of head `label` with too few training rows to learn from: weather (4)";
    let few = "head `label` has only 11 validation rows: an accuracy measured on so few is rough: one around 0.5 can be 25 percentage points off";
    let answer = answer.says(&format!("warning: {rare}; add articles with these labels"));
    let answer = answer.says(&format!("warning: {few}; give more validation data"));
    answer.says("warning: labels of head `label` without a validation row, so that nothing shows how well they are learned: courts;");
    let card = folder.text("m/README.md");
    let limitations = &card[card.find("## Limitations").unwrap()..];
    assert!(limitations.contains("with too few training rows") && limitations.contains("only 11 validation"), "{card}");
    // Nothing is printed about sufficient data.
    let rows = [("sport", 60), ("business", 60)];
    folder.write("set.jsonl", labelled(0, &rows)).write("v.jsonl", labelled(500, &rows));
    let answer = folder.run("train --arch linear --data set.jsonl --validation v.jsonl -o good");
    let answer = answer.done();
    let warnings = answer.starting("warning:").into_iter().filter(|line| !line.contains("not calibrated"));
    assert_eq!(warnings.collect::<Vec<_>>(), [""; 0]);
    let answer =
        folder.newsdesk(&["train", "--arch", "linear", "--data", "set.jsonl", "-o", "quiet", "--quiet"]).done();
    assert_eq!(answer.err, "");
}

#[test]
fn labels_that_are_never_predicted_are_reported_with_class_weights_as_a_remedy() {
    let folder = Folder::new();
    // The rare label has the words of the first one, and a word of its own.
    let row = |i: usize| match i % 20 {
        0 => json!({"text": format!("late goals win the cup final {i}"), "label": "rare"}),
        _ => {
            json!({"text": format!("late goals win the cup {i}"), "label": if i.is_multiple_of(2) { "sport" } else { "business" }})
        }
    };
    let row = |i| match row(i) {
        row if row["label"] == "business" => json!({"text": format!("banks {i}"), "label": "business"}),
        row => row,
    };
    folder.write("set.jsonl", json_lines((0..400).map(row))).write("v.jsonl", json_lines((400..600).map(row)));
    let validation = ["--validation", "v.jsonl", "--epochs", "1", "--learning-rate", "0.05"];
    let answer = train(&folder, &validation).done();
    let never = "labels of head `label` that no validation row was predicted as: rare";
    answer.says(&format!("warning: {never}; try `--class-weights balanced`, or add articles with these labels"));
    folder.assert_contains("m/README.md", "that no validation row was predicted as: rare");
    let weighted = [&validation[..], &["--class-weights", "balanced", "-o", "weighted"]].concat();
    let weighted =
        folder.newsdesk(&[&["train", "--arch", "linear", "--data", "set.jsonl"], &weighted[..]].concat()).done();
    assert!(!weighted.err.contains("predicted as"), "{weighted}");
    folder.assert_contains("weighted/README.md", "--class-weights balanced");
}

#[test]
fn a_model_that_learned_nothing_and_a_high_learning_rate_are_reported() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(0, &[("sport", 60), ("business", 60)]));
    folder.write("v.jsonl", labelled(500, &[("sport", 60), ("business", 60)]));
    let options = ["--validation", "v.jsonl", "--learning-rate", "0.9", "--epochs", "1", "--max-train-length", "16"];
    let answer =
        folder.newsdesk(&[&["train", "--base", TINY, "--data", "set.jsonl", "-o", "m"], &options[..]].concat());
    let answer = answer.done().says("warning: the learning rate 0.9 is far above the usual 0.00005");
    answer.says("warning: head `label` has learned nothing that helps: its accuracy is 0.5000, and always predicting");
    let log = folder.rows("m/training.jsonl");
    assert!(log.last().unwrap()["warnings"][0].as_str().unwrap().contains("learned nothing"), "{log:?}");
    let linear = folder.run("train --arch linear --data set.jsonl --learning-rate 60 -o n").done();
    linear.says("warning: the learning rate 60 is far above the usual 0.5");
}

#[test]
fn label_columns_with_identifiers_and_text_columns_with_one_text_are_refused() {
    let folder = Folder::new();
    let refused = |row: &dyn Fn(usize) -> serde_json::Value, error: &str, hint: &str| {
        folder.write("set.jsonl", json_lines((0..40).map(row)));
        train(&folder, &[]).refused(error).hint(hint);
        folder.assert_missing("m");
    };
    let identifiers = |i: usize| json!({"text": format!("text {i}"), "label": format!("id-{i}")});
    refused(&identifiers, "each of the 40 training articles has a label of its own in head `label`", "`--label-field`");
    let same = |i: usize| json!({"text": "text", "label": if i.is_multiple_of(2) { "a" } else { "b" }});
    refused(&same, "all training articles have the same text", "`--text-field`");
    // Some labels twice: nothing is certain, but it is likely.
    let nearly = |i: usize| json!({"text": format!("text {i}"), "label": format!("id-{}", i % 30)});
    folder.write("set.jsonl", json_lines((0..40).map(nearly)));
    train(&folder, &["--epochs", "1"]).done().says("warning: head `label` has 30 labels on ");
}

#[test]
fn a_model_of_too_many_labels_is_refused_before_it_takes_memory() {
    let folder = Folder::new();
    let row = |i: usize| json!({"text": format!("text {i}"), "label": format!("label {}", i % 3000)});
    folder.write("set.jsonl", json_lines((0..6000).map(row)));
    let answer = folder.run("train --arch linear --data set.jsonl -o m");
    answer.refused("cannot use `--buckets`: 262144 buckets for each of 3000 labels").hint("`--buckets`");
}
