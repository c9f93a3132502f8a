//! `newsdesk verify` labels rows of an output again, and `newsdesk diff` compares two outputs.

use crate::support::{Folder, TINY, articles, texts};
use serde_json::json;

/// Returns a folder with articles in `news.jsonl`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(400)));
    folder
}

#[test]
fn unchanged_outputs_of_every_format_are_verified() {
    let folder = folder();
    for (ending, more) in [
        ("jsonl", vec![]),
        ("csv", vec!["--scores"]),
        ("tsv.gz", vec!["--top-k", "2", "--prefix", "nd_"]),
        ("parquet", vec!["--min-score", "0.5", "--near-duplicates"]),
        ("arrows", vec!["--max-windows", "1", "--dtype", "int8"]),
    ] {
        let output = format!("out.{ending}");
        folder.classify(&[&["news.jsonl", "-o", output.as_str()][..], &more].concat()).done();
        let answer = folder.newsdesk(&["verify", &output, "--model", TINY, "--sample-size", "50"]).done();
        assert_eq!(answer.out, "50 of 400 rows labelled again: no differences\n", "{ending}");
        let all = folder.newsdesk(&["verify", &output, "--model", TINY, "--sample-size", "1000", "--json"]).done();
        let found = all.json();
        assert_eq!((&found["checked"], &found["differ"]), (&400.into(), &0.into()));
    }
}

#[test]
fn verify_finds_changed_missing_and_damaged_rows() {
    let folder = folder();
    folder.classify(&["news.jsonl", "-o", "out.jsonl"]).done();
    let whole = folder.text("out.jsonl");
    let verify = |more: &[&str]| {
        folder.newsdesk(&[&["verify", "out.jsonl", "--model", TINY, "--sample-size", "400"], more].concat())
    };
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
        answer.code == Some(1) && answer.out.starts_with("`out.jsonl` has 399 rows, but the run wrote 400"),
        "{answer}"
    );
    folder.write("out.jsonl", format!("{whole}torn"));
    let answer = verify(&["--json"]);
    assert_eq!((answer.code, &answer.json()["unreadable"]), (Some(1), &1.into()), "{answer}");
}

#[test]
fn verify_finds_changes_outside_the_predictions() {
    let folder = folder();
    for ending in ["jsonl", "parquet"] {
        let output = format!("out.{ending}");
        folder.classify(&["news.jsonl", "-o", &output]).done();
        let mut bytes = folder.bytes(&output);
        // In the text of a row that the sample does not have, or in compressed data.
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        folder.write(&output, bytes);
        let answer = folder.newsdesk(&["verify", &output, "--model", TINY, "--sample-size", "1"]);
        assert_eq!(answer.code, Some(1), "{answer}");
        answer.prints(&format!("`{output}` was changed: its bytes are not those that the run wrote"));
    }
    // Manifests of older versions have no hash.
    folder.classify(&["news.jsonl", "-o", "old.jsonl"]).done();
    let mut manifest = folder.json("old.jsonl.manifest.json");
    manifest.as_object_mut().unwrap().remove("output").unwrap();
    folder.write("old.jsonl.manifest.json", manifest.to_string());
    folder.write("old.jsonl", folder.text("old.jsonl").replacen("coach", "Coach", 1));
    let answer = folder.newsdesk(&["verify", "old.jsonl", "--model", TINY, "--sample-size", "1", "--json"]);
    assert_eq!(answer.json()["changed"], serde_json::Value::Null, "{answer}");
}

#[test]
fn outputs_without_manifest_model_or_file_are_refused() {
    let folder = folder();
    folder.classify(&["news.jsonl", "-o", "out.jsonl"]).done();
    folder
        .newsdesk(&["verify", "news.jsonl"])
        .refused("`news.jsonl.manifest.json` does not exist")
        .hint("classify -o FILE");
    folder.newsdesk(&["verify", "out.jsonl"]).refused("the model `tiny` with weights").hint("--model");
    std::fs::remove_file(folder.path("out.jsonl")).unwrap();
    folder.newsdesk(&["verify", "out.jsonl", "--model", TINY]).refused("cannot open `out.jsonl`");
}

#[test]
fn verify_and_diff_read_text_and_title_as_the_run_did() {
    let folder = Folder::new();
    folder
        .write("a.jsonl", "{\"text\":\"\",\"kicker\":\"Goal for Rovers\"}\n{\"text\":\"Oil\",\"kicker\":\"Prices\"}\n");
    folder.classify(&["a.jsonl", "--title-field", "kicker", "-o", "out.jsonl"]).done();
    folder.newsdesk(&["verify", "out.jsonl", "--model", TINY]).done();
    let answer = folder.newsdesk(&["diff", "out.jsonl", "out.jsonl"]).done();
    assert_eq!(answer.out, "label: 0 of 2 changed (0.00 %), mean absolute score change 0.0000\n");
    // Rows with the text in different columns.
    folder.write("b.jsonl", "{\"body\":\"Goal!\"}\n{\"text\":\"Oil\"}\n");
    folder.classify(&["b.jsonl", "-o", "b.parquet"]).done();
    let answer = folder.newsdesk(&["verify", "b.parquet", "--model", TINY]).done();
    assert!(answer.out.starts_with("1 row cannot be checked: no text and no title\n"), "{answer}");
    // The rows before the damage are verified.
    folder.classify(&["a.jsonl", "--title-field", "kicker", "-o", "out.jsonl.gz"]).done();
    let bytes = folder.bytes("out.jsonl.gz");
    folder.write("out.jsonl.gz", &bytes[..bytes.len() - 9]);
    let answer = folder.newsdesk(&["verify", "out.jsonl.gz", "--model", TINY]);
    assert!(answer.code == Some(1) && answer.err.contains("cannot read `out.jsonl.gz`"), "{answer}");
}

#[test]
fn diff_counts_changes_by_label_and_writes_changed_rows() {
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
    folder
        .newsdesk(&["diff", "a.jsonl", "none.jsonl"])
        .refused("cannot open `none.jsonl`")
        .hint("newsdesk classify -o FILE");
    folder.write("empty.jsonl", "");
    folder.newsdesk(&["diff", "empty.jsonl", "empty.jsonl"]).done().prints("no rows in either output");
    for (other, more) in [("b.jsonl", &[][..]), ("b.parquet", &[]), ("b.parquet", &["--key", "id"])] {
        let answer = folder
            .newsdesk(&[&["diff", "a.jsonl", other, "--overwrite", "--changed-rows", "changed.csv"], more].concat());
        assert_eq!(answer.code, Some(1), "{answer}");
        let expected = [
            "topic: 2 of 5 changed (40.00 %), mean absolute score change 0.0000",
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
    let found = folder.newsdesk(&["diff", "a.jsonl", "b.jsonl", "--json", "--columns", "topic"]).json();
    assert_eq!(found["columns"][0]["labels"]["arts"], json!([1, 3]));
}

#[test]
fn diff_lists_settings_that_differ() {
    let folder = folder();
    folder.classify(&["news.jsonl", "-o", "a.jsonl"]).done();
    folder.classify(&["news.jsonl", "-o", "b.csv", "--min-score", "0.99"]).done();
    let answer = folder.newsdesk(&["diff", "a.jsonl", "b.csv"]);
    assert_eq!(answer.code, Some(1), "{answer}");
    assert!(answer.out.contains("min scores: [null] before, [0.99] after"), "{answer}");
    assert!(
        answer.out.contains(" of 400 changed (") && answer.out.contains("mean absolute score change 0.0000"),
        "{answer}"
    );
    assert!(folder.rows("a.jsonl").len() == 400 && answer.out.contains("unsure"), "{answer}");
}

#[test]
fn diff_refuses_outputs_that_cannot_be_compared() {
    let folder = Folder::new();
    let row = |id: &str, text: &str| format!("{{\"id\":\"{id}\",\"text\":\"{text}\",\"t\":\"x\",\"t_score\":1}}\n");
    folder
        .write("a.jsonl", row("1", "One.") + &row("2", "Two."))
        .write("b.jsonl", row("2", "Two.") + &row("1", "One."));
    folder.write("c.jsonl", row("1", "One.") + &row("1", "Two.")).write("d.jsonl", "{\"text\":\"One.\"}\n");
    let diff = |arguments: &[&str]| folder.newsdesk(&[&["diff"], arguments].concat());
    diff(&["a.jsonl", "b.jsonl"]).refused("row 1 is not the same article in both").hint("`--key COLUMN`");
    diff(&["a.jsonl", "b.jsonl", "--key", "id"]).done();
    diff(&["c.jsonl", "a.jsonl", "--key", "id"])
        .refused("cannot compare by `id`: two rows have the value `1`")
        .hint("unique value");
    diff(&["a.jsonl", "d.jsonl"]).refused("cannot find predictions in both outputs").hint("--columns");
    diff(&["a.jsonl", "b.jsonl", "--key", "nr"]).refused("cannot find the column `nr`").hint("--key");
    diff(&["a.jsonl", "b.jsonl", "--key", "id", "--columns", "u"]).refused("cannot find the column `u`").hint("`t`");
    // The file of changed rows cannot be one of the inputs, and it is not overwritten if an input is missing.
    let before = folder.text("a.jsonl");
    diff(&["a.jsonl", "b.jsonl", "--changed-rows", "a.jsonl"]).refused("it is one of the inputs");
    folder.write("kept.jsonl", "kept");
    diff(&["a.jsonl", "b.jsonl", "--changed-rows", "kept.jsonl"]).refused("already exists").hint("`--overwrite`");
    let missing = diff(&["missing.jsonl", "b.jsonl", "--overwrite", "--changed-rows", "kept.jsonl"]);
    missing.refused("cannot open `missing.jsonl`");
    assert_eq!((folder.text("a.jsonl"), folder.text("kept.jsonl")), (before, "kept".into()));
    folder.write("e.jsonl", row("1", "One."));
    let answer = diff(&["a.jsonl", "e.jsonl"]);
    assert!(answer.code == Some(1) && answer.out.contains("only in the first output: 1 row"), "{answer}");
}

#[test]
fn verify_refuses_the_output_of_an_unfinished_run() {
    let folder = folder();
    folder.write("out.jsonl.journal", "");
    folder
        .newsdesk(&["verify", "out.jsonl", "--model", TINY])
        .refused("cannot verify `out.jsonl`: its run is not complete")
        .hint("`--resume`");
}

/// Returns rows with an identifier and the text nested in `article.body`.
fn nested_articles() -> String {
    let row = |(id, text): (usize, String)| json!({"id": id, "article": {"body": text}}).to_string() + "\n";
    texts(30).into_iter().enumerate().map(row).collect()
}

#[test]
fn outputs_without_a_nested_text_are_compared() {
    let folder = Folder::new();
    folder.write("news.jsonl", nested_articles());
    let labelled = |output: &str, more: &[&str]| {
        let fixed = ["news.jsonl", "--text-field", "article.body", "--columns", "id", "-o", output];
        folder.classify(&[&fixed[..], more].concat()).done();
    };
    for ending in ["jsonl", "csv", "parquet"] {
        let (before, after) = (format!("a.{ending}"), format!("b.{ending}"));
        labelled(&before, &[]);
        labelled(&after, &["--min-score", "0.3"]);
        let in_order = folder.newsdesk(&["diff", &before, &after]);
        assert!(in_order.code != Some(2) && in_order.out.contains(" of 30 changed"), "{in_order}");
        let verified = folder.newsdesk(&["verify", &before, "--model", TINY]);
        verified.refused("the model read `article`, which the output does not have");
        // Copies have no manifests.
        for (from, to) in [(&before, format!("c.{ending}")), (&after, format!("d.{ending}"))] {
            folder.write(&to, folder.bytes(from));
        }
        let (before, after) = (format!("c.{ending}"), format!("d.{ending}"));
        let by_key = folder.newsdesk(&["diff", &before, &after, "--key", "id"]);
        assert!(by_key.code != Some(2) && by_key.out.contains(" of 30 changed"), "{by_key}");
    }
}

#[test]
fn texts_nested_in_the_json_of_a_csv_file_are_read() {
    let folder = Folder::new();
    folder.write("news.jsonl", nested_articles());
    let fields = ["--text-field", "article.body"];
    folder.classify(&[&["news.jsonl", "-o", "a.csv"][..], &fields].concat()).done();
    folder.newsdesk(&["verify", "a.csv", "--model", TINY]).done().prints("no differences");
    folder.newsdesk(&["diff", "a.csv", "a.csv", "--key", "id"]).done();
    let misspelt = folder.classify(&["a.csv", "--text-field", "article.boddy"]);
    misspelt.refused("cannot find the column `article.boddy`");
}

#[test]
fn outputs_of_interrupted_runs_are_not_compared() {
    let folder = folder();
    folder.classify(&["news.jsonl", "-o", "a.jsonl"]).done();
    folder.write("b.jsonl.journal", "");
    folder.newsdesk(&["diff", "a.jsonl", "b.jsonl"]).refused("cannot compare `b.jsonl`: its run is not complete");
}
