//! `newsdesk verify` and `newsdesk diff`: whether an output still is what it was, and what is different in another one.

use crate::support::{Folder, TINY, articles, rows, texts};
use serde_json::Value;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(400)));
    folder
}

#[test]
fn an_output_is_verified_in_every_format() {
    let folder = folder();
    for (ending, more) in [
        ("jsonl", vec![]),
        ("csv", vec!["--scores"]),
        ("tsv.gz", vec!["--top-k", "2", "--prefix", "nd_"]),
        ("parquet", vec!["--min-score", "0.5", "--near-duplicates"]),
        ("arrows", vec!["--windows", "1", "--precision", "int8"]),
    ] {
        let output = format!("out.{ending}");
        folder.classify(&[&["news.jsonl", "-o", output.as_str()][..], &more].concat()).done();
        let answer = folder.newsdesk(&["verify", &output, "--model", TINY, "--rows", "50"]).done();
        assert_eq!(answer.out, "50 of 400 rows labelled again: none differs\n", "{ending}");
        let all = folder.newsdesk(&["verify", &output, "--model", TINY, "--rows", "1000", "--json"]).done();
        let found: Value = serde_json::from_str(&all.out).unwrap();
        assert_eq!((&found["checked"], &found["differ"]), (&400.into(), &0.into()));
    }
}

#[test]
fn what_was_changed_afterwards_is_found() {
    let folder = folder();
    folder.classify(&["news.jsonl", "-o", "out.jsonl"]).done();
    let whole = folder.text("out.jsonl");
    let verify =
        |more: &[&str]| folder.newsdesk(&[&["verify", "out.jsonl", "--model", TINY, "--rows", "400"], more].concat());
    let mut lines: Vec<&str> = whole.lines().collect();
    let changed = lines[6].replace("\"label_score\":0.", "\"label_score\":9.").replace("\"label\":\"", "\"label\":\"x");
    lines[6] = &changed;
    folder.write("out.jsonl", lines.join("\n"));
    let answer = verify(&[]);
    assert_eq!(answer.code, Some(1), "{answer}");
    assert!(
        answer.out.contains("row 7: `label` is \"x") && answer.out.contains("row 7: `label_score` is 9."),
        "{answer}"
    );
    assert!(answer.out.ends_with("400 of 400 rows labelled again: 1 differ\n"), "{answer}");
    folder.write("out.jsonl", whole.lines().take(399).collect::<Vec<_>>().join("\n"));
    let answer = verify(&[]);
    assert!(
        answer.code == Some(1) && answer.out.starts_with("`out.jsonl` has 399 rows, and 400 were written"),
        "{answer}"
    );
    folder.write("out.jsonl", format!("{whole}torn"));
    let answer = verify(&["--json"]);
    let found: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((answer.code, &found["unreadable"]), (Some(1), &1.into()));
}

#[test]
fn outputs_that_cannot_be_verified() {
    let folder = folder();
    folder.classify(&["news.jsonl", "-o", "out.jsonl"]).done();
    folder.newsdesk(&["verify", "news.jsonl"]).refused("there is no manifest beside it").hint("FILE.manifest.json");
    folder.newsdesk(&["verify", "out.jsonl"]).refused("it was labelled by the model `tiny`").hint("--model");
    std::fs::remove_file(folder.path("out.jsonl")).unwrap();
    folder.newsdesk(&["verify", "out.jsonl", "--model", TINY]).refused("Failed to open `out.jsonl`");
}

#[test]
fn outputs_are_read_as_their_runs_read_the_articles() {
    let folder = Folder::new();
    folder
        .write("a.jsonl", "{\"text\":\"\",\"kicker\":\"Goal for Rovers\"}\n{\"text\":\"Oil\",\"kicker\":\"Prices\"}\n");
    folder.classify(&["a.jsonl", "--title-field", "kicker", "-o", "out.jsonl"]).done();
    folder.newsdesk(&["verify", "out.jsonl", "--model", TINY]).done();
    let answer = folder.newsdesk(&["diff", "out.jsonl", "out.jsonl"]).done();
    assert_eq!(answer.out, "label: 0 of 2 changed (0.00 %), scores by 0.0000 on average\n");
    // A text that stands in another column than that of other rows.
    folder.write("b.jsonl", "{\"body\":\"Goal!\"}\n{\"text\":\"Oil\"}\n");
    folder.classify(&["b.jsonl", "-o", "b.parquet"]).done();
    let answer = folder.newsdesk(&["verify", "b.parquet", "--model", TINY]).done();
    assert!(answer.out.starts_with("1 rows have their text in another column"), "{answer}");
    // A file that breaks off is no reason to say nothing of its beginning.
    folder.classify(&["a.jsonl", "--title-field", "kicker", "-o", "out.jsonl.gz"]).done();
    let bytes = folder.bytes("out.jsonl.gz");
    folder.write("out.jsonl.gz", &bytes[..bytes.len() - 9]);
    let answer = folder.newsdesk(&["verify", "out.jsonl.gz", "--model", TINY]);
    assert!(answer.code == Some(1) && answer.err.contains("Failed to read `out.jsonl.gz`"), "{answer}");
}

#[test]
fn changes_are_told_by_label() {
    let folder = Folder::new();
    let lines = |labels: &[&str]| -> String {
        let row = |(id, label): (usize, &&str)| {
            format!(
                "{{\"id\":{id},\"text\":\"Article {id}.\",\"topic\":\"{label}\",\"topic_score\":0.{}}}\n",
                5 + id % 3
            )
        };
        labels.iter().enumerate().map(row).collect()
    };
    folder.write("a.jsonl", lines(&["sport", "sport", "arts", "war", "war"]));
    folder.write("b.jsonl", lines(&["sport", "arts", "arts", "arts", "war"]));
    folder.newsdesk(&["data", "convert", "b.jsonl", "-o", "b.parquet"]).done();
    folder.newsdesk(&["diff", "a.jsonl", "a.jsonl"]).done();
    for (other, more) in [("b.jsonl", &[][..]), ("b.parquet", &[]), ("b.parquet", &["--key", "id"])] {
        let answer = folder.newsdesk(&[&["diff", "a.jsonl", other, "--rows", "changed.csv"], more].concat());
        assert_eq!(answer.code, Some(1), "{answer}");
        let expected = [
            "topic: 2 of 5 changed (40.00 %), scores by 0.0000 on average",
            " label  before  after  change",
            " arts        1      3      +2",
            " sport       2      1      -1",
            " war         2      1      -1",
            " before  after  rows",
            " sport   arts      1",
            " war     arts      1",
        ];
        let found: Vec<&str> = answer.out.lines().map(str::trim_end).collect();
        assert_eq!(found, expected, "{answer}");
        let changed = folder.text("changed.csv");
        assert_eq!(changed.lines().count(), 3, "{changed}");
        assert!(
            changed.starts_with("id,text,topic,topic_score,topic_before\n1,Article 1.,arts,0.6,sport\n"),
            "{changed}"
        );
    }
    let json = folder.newsdesk(&["diff", "a.jsonl", "b.jsonl", "--json", "--columns", "topic"]).out;
    let found: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found["columns"][0]["labels"]["arts"], serde_json::json!([1, 3]));
}

#[test]
fn runs_that_differ_in_their_settings_say_so() {
    let folder = folder();
    folder.classify(&["news.jsonl", "-o", "a.jsonl"]).done();
    folder.classify(&["news.jsonl", "-o", "b.csv", "--min-score", "0.99"]).done();
    let answer = folder.newsdesk(&["diff", "a.jsonl", "b.csv"]);
    assert_eq!(answer.code, Some(1), "{answer}");
    assert!(answer.out.contains("min scores was [null] and is [0.99]"), "{answer}");
    assert!(answer.out.contains(" of 400 changed (") && answer.out.contains("scores by 0.0000 on average"), "{answer}");
    assert!(rows(&folder.text("a.jsonl")).len() == 400 && answer.out.contains("unsure"), "{answer}");
}

#[test]
fn outputs_that_cannot_be_compared() {
    let folder = Folder::new();
    let row = |id: &str, text: &str| format!("{{\"id\":\"{id}\",\"text\":\"{text}\",\"t\":\"x\",\"t_score\":1}}\n");
    folder
        .write("a.jsonl", row("1", "One.") + &row("2", "Two."))
        .write("b.jsonl", row("2", "Two.") + &row("1", "One."));
    folder.write("c.jsonl", row("1", "One.") + &row("1", "Two.")).write("d.jsonl", "{\"text\":\"One.\"}\n");
    let diff = |arguments: &[&str]| folder.newsdesk(&[&["diff"], arguments].concat());
    diff(&["a.jsonl", "b.jsonl"]).refused("row 1 is another article in each").hint("`--key COLUMN`");
    diff(&["a.jsonl", "b.jsonl", "--key", "id"]).done();
    diff(&["c.jsonl", "a.jsonl", "--key", "id"])
        .refused("Failed to compare by `id`: `1` stands in it twice")
        .hint("a key");
    diff(&["a.jsonl", "d.jsonl"]).refused("Failed to find answers in both outputs").hint("--columns");
    diff(&["a.jsonl", "b.jsonl", "--key", "nr"]).refused("Failed to find the column `nr`").hint("--key");
    diff(&["a.jsonl", "b.jsonl", "--key", "id", "--columns", "u"]).refused("Failed to find the column `u`").hint("`t`");
    // The rows that changed never take the place of what is compared.
    let before = folder.text("a.jsonl");
    diff(&["a.jsonl", "b.jsonl", "--rows", "a.jsonl"]).refused("it is one of the inputs");
    folder.write("kept.jsonl", "kept");
    diff(&["missing.jsonl", "b.jsonl", "--rows", "kept.jsonl"]).refused("Failed to open `missing.jsonl`");
    assert_eq!((folder.text("a.jsonl"), folder.text("kept.jsonl")), (before, "kept".into()));
    folder.write("e.jsonl", row("1", "One."));
    let answer = diff(&["a.jsonl", "e.jsonl"]);
    assert!(answer.code == Some(1) && answer.out.contains("1 rows stand in the first output alone"), "{answer}");
}
