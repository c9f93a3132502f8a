//! Target-dependent sentiment: training on rows that name a target, and labelling such rows.

use crate::support::training::train_arguments;
use crate::support::{Folder, TINY, json_lines, rows};
use serde_json::{Value, json};

/// Trains a model in `m` on rows with the target in the column `who`, and its position in `from` and `to`.
fn train(folder: &Folder) {
    let row = |i: usize| {
        let (text, who, from, label) = match i % 2 {
            0 => (format!("The coach met Ann in week {i}."), "Ann", 14, "good"),
            _ => (format!("Ann met the coach in week {i}."), "coach", 12, "bad"),
        };
        json!({"text": text, "who": who, "from": from, "to": from + who.len(), "label": label})
    };
    folder.write("rows.jsonl", json_lines((0..60).map(row)));
    let options = "--data rows.jsonl --target-field who --target-start from --target-end to --epochs 1 --pooling mean \
                   --learning-rate 1e-3 --batch-size 4";
    folder.newsdesk(&train_arguments("m", options, &[])).done();
}

fn article(text: &str, rest: &str) -> String {
    format!("{{\"text\":\"{text}\"{rest}}}\n")
}

#[test]
fn the_target_is_put_in_brackets() {
    let folder = Folder::new();
    train(&folder);
    folder.assert_contains("m/newsdesk.toml", "[target]\nfield = \"who\"\nstart = \"from\"\nend = \"to\"\n");
    // A model with the same weights, but without a target.
    let manifest =
        folder.text("m/newsdesk.toml").replace("[target]\nfield = \"who\"\nstart = \"from\"\nend = \"to\"\n", "");
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        folder.write(&format!("plain/{file}"), folder.bytes(&format!("m/{file}")));
    }
    folder.write("plain/newsdesk.toml", manifest);

    let with_target = [
        // The target has a position, has none, is missing, or does not occur in the text.
        article("Ann met Ann.", r#","who":"Ann","from":8,"to":11"#),
        article("Ann met Ann.", r#","who":"Ann","from":null,"to":null"#),
        article("Ann met Ann.", r#","who":null,"from":null,"to":null"#),
        article("She won.", r#","title":"A vote","who":"Ann","from":null,"to":null"#),
    ]
    .concat();
    let bracketed = ["Ann met [ Ann ].", "[ Ann ] met Ann.", "Ann met Ann.", "[ Ann ] A vote\\nShe won."];
    let bracketed: String = bracketed.iter().map(|text| article(text, "")).collect();
    let scores = |model: &str, articles: String| -> Vec<Value> {
        let answer = folder.newsdesk_reading(articles, &["classify", "--model", model, "--scores"]).done();
        rows(&answer.out).iter().map(|row| row["label_score_good"].clone()).collect()
    };
    let found = scores("m", with_target.clone());
    assert_eq!(found, scores("plain", bracketed));
    assert!(found[0] != found[1] && found[1] != found[2], "brackets do not change the scores: {found:?}");

    // The output has the text without brackets.
    let out = folder.newsdesk_reading(with_target, &["classify", "--model", "m"]).done().out;
    assert!(out.starts_with(r#"{"text":"Ann met Ann.","who":"Ann","from":8,"to":11,"#), "{out}");
    folder.newsdesk(&["eval", "m", "--data", "rows.jsonl"]).done();
}

#[test]
fn rows_with_an_invalid_target_are_rejected() {
    let folder = Folder::new();
    train(&folder);
    let rows = [
        article("Ann met Bob.", r#","from":0,"to":3"#),
        article("Ann met Bob.", r#","who":"Bob","from":0,"to":3"#),
        article("Ann met Bob.", r#","who":"Bob","from":8,"to":30"#),
        article("Ann met Bob.", r#","who":"Bob","from":"x","to":3"#),
        article("Ann met Bob.", r#","who":7,"from":0,"to":3"#),
    ];
    let answer = folder.newsdesk_reading(rows.concat(), &["classify", "--model", "m"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""));
    let answer = answer.says("line 1: the target column `who` is missing");
    let answer = answer.says("line 2: the characters 0 to 3 of the text are `Ann`, not `Bob`");
    let answer = answer.says("line 3: the text does not contain the characters 8 to 30");
    let answer = answer.says("line 4: the target column `from` is not a whole number");
    answer.says("line 5: the target column `who` is not text");

    folder.write("table.csv", "text,name\nAnn met Bob.,Bob\n");
    let answer = folder.newsdesk(&["classify", "--model", "m", "table.csv"]);
    answer.refused("cannot find the column `who` in `table.csv`").hint("`name`");
    folder.newsdesk(&["classify", "--model", "m", "--target-field", "name", "table.csv"]).done();
    let answer = folder.newsdesk(&["classify", "--model", TINY, "--target-field", "name", "table.csv"]);
    answer.refused("cannot use the target column `name`: the model").hint("--target-field");
}
