//! Models that are asked about a person or thing in an article: from the training rows to the answers.

use crate::support::{Folder, TINY, rows};
use serde_json::json;

/// A model that learned from sentences in which someone is named, by places and without.
fn trained(folder: &Folder) {
    let row = |i: usize| match i % 2 {
        0 => {
            json!({"text": format!("The coach met Ann in week {i}."), "who": "Ann", "from": 14, "to": 17, "label": "good"})
        }
        _ => {
            json!({"text": format!("Ann met the coach in week {i}."), "who": "coach", "from": 12, "to": 17, "label": "bad"})
        }
    };
    folder.write("rows.jsonl", (0..60).map(|i| format!("{}\n", row(i))).collect::<String>());
    let options = "train --data rows.jsonl --mention-field who --mention-start from --mention-end to --epochs 1 --pooling mean \
                   --window 64 --stride 48 --length 64 --learning-rate 1e-3 --batch-size 4 -o m --base";
    folder.newsdesk(&[&options.split_whitespace().collect::<Vec<_>>()[..], &[TINY]].concat()).done();
}

fn article(text: &str, rest: &str) -> String {
    format!("{{\"text\":\"{text}\"{rest}}}\n")
}

#[test]
fn what_is_asked_about_stands_between_brackets() {
    let folder = Folder::new();
    trained(&folder);
    assert!(folder.text("m/newsdesk.toml").contains("[mention]\nfield = \"who\"\nstart = \"from\"\nend = \"to\"\n"));
    // The same weights, asked about whole articles.
    let manifest =
        folder.text("m/newsdesk.toml").replace("[mention]\nfield = \"who\"\nstart = \"from\"\nend = \"to\"\n", "");
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        folder.write(&format!("plain/{file}"), folder.bytes(&format!("m/{file}")));
    }
    folder.write("plain/newsdesk.toml", manifest);

    let asked = [
        // By place, by name, by no name, and by one that does not occur.
        article("Ann met Ann.", r#","who":"Ann","from":8,"to":11"#),
        article("Ann met Ann.", r#","who":"Ann","from":null,"to":null"#),
        article("Ann met Ann.", r#","who":null,"from":null,"to":null"#),
        article("She won.", r#","title":"A vote","who":"Ann","from":null,"to":null"#),
    ]
    .concat();
    let typed = ["Ann met [ Ann ].", "[ Ann ] met Ann.", "Ann met Ann.", "[ Ann ] A vote\\nShe won."];
    let typed: String = typed.iter().map(|text| article(text, "")).collect();
    let scores = |model: &str, articles: String| -> Vec<serde_json::Value> {
        let answer = folder.newsdesk_reading(articles, &["classify", "--model", model, "--scores"]).done();
        rows(&answer.out).iter().map(|row| row["label_score_good"].clone()).collect()
    };
    let found = scores("m", asked.clone());
    assert_eq!(found, scores("plain", typed));
    assert!(found[0] != found[1] && found[1] != found[2], "marks change nothing: {found:?}");

    // What went in comes out.
    let out = folder.newsdesk_reading(asked, &["classify", "--model", "m"]).done().out;
    assert!(out.starts_with(r#"{"text":"Ann met Ann.","who":"Ann","from":8,"to":11,"#), "{out}");
    folder.newsdesk(&["eval", "m", "--data", "rows.jsonl"]).done();
}

#[test]
fn rows_that_do_not_say_it_are_set_aside() {
    let folder = Folder::new();
    trained(&folder);
    let rows = [
        article("Ann met Bob.", r#","from":0,"to":3"#),
        article("Ann met Bob.", r#","who":"Bob","from":0,"to":3"#),
        article("Ann met Bob.", r#","who":"Bob","from":8,"to":30"#),
        article("Ann met Bob.", r#","who":"Bob","from":"x","to":3"#),
        article("Ann met Bob.", r#","who":7,"from":0,"to":3"#),
    ];
    let answer = folder.newsdesk_reading(rows.concat(), &["classify", "--model", "m"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""));
    let answer = answer.says("line 1: the mention column `who` is missing");
    let answer = answer.says("line 2: characters 0 to 3 of its text are `Ann`, not `Bob`");
    let answer = answer.says("line 3: characters 8 to 30 are not in its text");
    let answer = answer.says("line 4: the mention column `from` is not a whole number");
    answer.says("line 5: the mention column `who` is not a text");

    folder.write("table.csv", "text,name\nAnn met Bob.,Bob\n");
    let answer = folder.newsdesk(&["classify", "--model", "m", "table.csv"]);
    answer.refused("Failed to find the column `who` in `table.csv`").hint("`name`");
    folder.newsdesk(&["classify", "--model", "m", "--mention-field", "name", "table.csv"]).done();
    let answer = folder.newsdesk(&["classify", "--model", TINY, "--mention-field", "name", "table.csv"]);
    answer.refused("Failed to ask about `name`: the model").hint("train one");
}
