//! Which columns `newsdesk classify` writes: no input column is lost, and `--columns` selects some of them.

use crate::support::{Folder, LABELS, TINY, articles, column, json_lines, texts};
use serde_json::{Value, json};

/// Returns a folder with labelled articles in `mine.jsonl`. The labels are in a column with the name of the model's head.
fn labelled() -> Folder {
    let folder = Folder::new();
    folder.write(
        "mine.jsonl",
        "{\"id\":1,\"label\":\"mine\",\"text\":\"goal\"}\n{\"id\":2,\"label\":\"yours\",\"text\":\"oil\"}\n",
    );
    folder
}

/// Returns the names of a row's columns.
fn names(row: &Value) -> Vec<&str> {
    row.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn an_input_column_with_the_name_of_an_added_one_is_kept() {
    let folder = labelled();
    for ending in ["csv", "parquet"] {
        folder.run(&format!("data convert mine.jsonl -o mine.{ending}")).done();
    }
    for (input, output) in [
        ("mine.jsonl", "out.jsonl"),
        ("mine.jsonl", "out.csv"),
        ("mine.csv", "out.tsv"),
        ("mine.csv", "out.arrows"),
        ("mine.parquet", "out.parquet"),
    ] {
        let answer = folder.classify(&[input, "-o", output, "--scores"]).done();
        let notes = answer.starting("note:");
        assert!(notes.len() == 1 && notes[0].contains("`label_predicted`, `label_predicted_score`"), "{answer}");
        let rows = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "jsonl"]).done().rows();
        assert_eq!(column(&rows, "label"), ["mine", "yours"], "{output}");
        assert!(LABELS.contains(&column(&rows, "label_predicted")[0]), "{output}");
        assert!(!rows[0]["label_predicted_score_world"].is_null() && rows[0]["label_score"].is_null(), "{output}");
        assert_eq!(folder.json(&format!("{output}.manifest.json"))["columns"]["heads"]["label"], "label_predicted");
        let verified = folder.newsdesk(&["verify", output, "--model", TINY]).done();
        verified.prints("2 of 2 rows labelled again: no differences");
    }
    // The note is left out, but the manifest has the names.
    let quiet = folder.classify(&["mine.jsonl", "-o", "quiet.jsonl", "--quiet"]).done();
    assert_eq!(quiet.err, "");
    assert_eq!(folder.json("quiet.jsonl.manifest.json")["columns"]["heads"]["label"], "label_predicted");
    // Standard input.
    let piped = folder.classify_reading(folder.bytes("mine.jsonl"), &["-"]).done();
    assert_eq!((column(&piped.rows(), "label"), piped.starting("note:").len()), (vec!["mine", "yours"], 1));
    // A prefix avoids the clash.
    let prefixed = folder.classify(&["mine.jsonl", "--prefix", "nd_"]).done();
    assert_eq!(
        (prefixed.err.as_str(), names(&prefixed.rows()[0])),
        ("", vec!["id", "label", "text", "nd_label", "nd_label_score"])
    );
}

#[test]
fn an_input_column_is_replaced_on_request() {
    let folder = labelled();
    for output in ["out.jsonl", "out.csv", "out.parquet"] {
        let answer = folder.classify(&["mine.jsonl", "--overwrite-columns", "-o", output]).done();
        answer.says("note: these columns of the input are replaced: `label`\n");
        let rows = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "jsonl"]).done().rows();
        assert_eq!(names(&rows[0]), ["id", "text", "label", "label_score"], "{output}");
        assert!(LABELS.contains(&column(&rows, "label")[0]));
        folder.newsdesk(&["verify", output, "--model", TINY]).done();
    }
}

#[test]
fn names_are_free_in_all_inputs() {
    let folder = labelled();
    folder.write("a.csv", "text\ngoal\n").write("b.csv", "text,label_score\noil,0.5\n");
    let rows = folder.classify(&["a.csv", "b.csv"]).done().rows();
    assert!(rows.iter().all(|row| row["label_predicted"].is_string()), "{rows:?}");
    assert_eq!(rows[1]["label_score"], "0.5");
    // JSON Lines are looked into as well.
    let late: String = (0..400).map(|i| format!("{{\"text\":\"goal {i}\"}}\n")).collect();
    folder.write("late.jsonl", late + "{\"text\":\"oil\",\"label\":\"gold\"}\n");
    let rows = folder.classify(&["late.jsonl"]).done().rows();
    assert_eq!((rows.len(), &rows[400]["label"]), (401, &json!("gold")));
}

#[test]
fn a_late_row_that_would_lose_a_column_is_rejected() {
    let folder = Folder::new();
    let early: String = (0..600).map(|i| format!("{{\"text\":\"goal {i}\"}}\n")).collect();
    folder.write("late.jsonl", early + "{\"text\":\"oil\",\"label\":\"gold\"}\n");
    for output in ["out.jsonl", "out.csv", "out.parquet"] {
        folder
            .classify(&["late.jsonl", "-o", output])
            .rejected(&["line 601: the column `label` has the name of an added column"])
            .hint("`--prefix TEXT` keeps both");
        let reject = folder.json(&format!("{output}.rejects.jsonl"));
        assert_eq!(reject["raw"], "{\"text\":\"oil\",\"label\":\"gold\"}");
    }
}

#[test]
fn output_of_an_earlier_run_is_labelled_again() {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(20)));
    folder.classify(&["news.jsonl", "-o", "one.jsonl", "--near-duplicates", "--max-windows", "1"]).done();
    let again = folder.classify(&["one.jsonl", "-o", "two.jsonl", "--near-duplicates"]).done();
    assert!(again.err.contains("`duplicate_group_added`") && again.starting("note:").len() == 2, "{again}");
    let (one, two) = (folder.rows("one.jsonl"), folder.rows("two.jsonl"));
    assert_eq!(
        names(&two[0]),
        [
            "id",
            "text",
            "label",
            "label_score",
            "duplicate_group",
            "label_predicted",
            "label_predicted_score",
            "duplicate_group_added"
        ]
    );
    assert_eq!(column(&one, "label"), column(&two, "label"));
    // The columns of one head are compared, whatever their names.
    let found = folder.newsdesk(&["diff", "one.jsonl", "two.jsonl", "--json"]).json();
    assert_eq!(
        (&found["columns"][0]["column"], &found["columns"][0]["rows"]),
        (&json!("label -> label_predicted"), &json!(20))
    );
    assert_eq!(found["columns"].as_array().unwrap().len(), 1);
    // There is no third name. Nothing is written, and an earlier output stays.
    let before = folder.text("two.jsonl");
    folder
        .classify(&["two.jsonl", "-o", "three.jsonl"])
        .refused("cannot name the columns of head `label`: the input has the columns `label` and `label_predicted`")
        .hint("`--prefix TEXT`");
    assert_eq!(
        folder.entries(""),
        ["news.jsonl", "one.jsonl", "one.jsonl.manifest.json", "two.jsonl", "two.jsonl.manifest.json"]
    );
    assert_eq!(folder.text("two.jsonl"), before);
    folder.classify_reading(before, &["-"]).refused("cannot name the columns of head `label`");
}

#[test]
fn a_resumed_run_keeps_its_names_and_columns() {
    let folder = Folder::new();
    let row = |id: usize, text: &String| json!({"id": id, "label": "gold", "note": "x".repeat(300), "text": text});
    folder.write("news.jsonl", json_lines(texts(3000).iter().enumerate().map(|(id, text)| row(id, text))));
    let usual = ["news.jsonl", "--columns", "label,id,note", "--threads", "1", "--checkpoint-interval", "0"];
    for ending in ["jsonl", "csv"] {
        let (whole, killed) = (format!("whole.{ending}"), format!("killed.{ending}"));
        folder.classify(&[&usual[..], &["-o", &whole]].concat()).done();
        let arguments = [&["classify", "--model", TINY], &usual[..], &["-o", &killed]].concat();
        folder.kill_when_written(&format!("{killed}.partial"), 300_000, &arguments);
        let other = [&["news.jsonl", "--threads", "1", "-o", &killed, "--resume"][..], &["--columns", "id"]].concat();
        folder.classify(&other).refused("columns: [\"label\",\"id\",\"note\"] in the first run, [\"id\"] now");
        let resumed = folder.classify(&[&usual[..], &["-o", &killed, "--resume"]].concat()).done();
        resumed.says("resuming after");
        assert!(folder.bytes(&whole) == folder.bytes(&killed), "{ending}");
        let [one, other] = [&whole, &killed].map(|name| folder.json(&format!("{name}.manifest.json")));
        assert_eq!(one["columns"], other["columns"]);
        assert_eq!(
            (&one["columns"]["heads"]["label"], &one["columns"]["unwritten"]),
            (&json!("label_predicted"), &json!(["text"]))
        );
    }
}

#[test]
fn only_selected_columns_are_written_in_their_order() {
    let folder = labelled();
    let write = |columns: &str, more: &[&str]| folder.classify(&[&["mine.jsonl", "--columns", columns], more].concat());
    let out = write("text,id", &["--to", "csv"]).done().out;
    assert!(out.starts_with("text,id,label,label_score\ngoal,1,"), "{out}");
    // The gold label is not among them, so the added columns have their usual names.
    assert_eq!(write("id", &[]).done().err, "");
    assert_eq!(names(&write("", &[]).done().rows()[0]), ["label", "label_score"]);
    write("id,desk,section", &[])
        .refused("cannot select the columns `desk`, `section`: the input does not have them")
        .hint("it has `id`, `label`, `text`");
    write("id,id", &[]).refused("`id` is named twice");
    // A stream may show the column later.
    let lines = "{\"text\":\"goal\"}\n{\"text\":\"oil\",\"day\":\"Monday\"}\n";
    let piped = folder.classify_reading(lines, &["-", "--columns", "day", "--to", "csv"]).done();
    assert!(piped.err.contains("none of these columns: `day`"), "{piped}");
    assert!(piped.out.starts_with("day,label,label_score\n,") && piped.out.contains("\nMonday,"), "{piped}");
    folder.classify_reading("text\ngoal\n", &["-", "--from", "csv", "--columns", "day"]).refused("the column `day`");
}

#[test]
fn outputs_without_the_text_are_compared_but_not_verified() {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(30)));
    for (output, more) in
        [("all.csv", vec![]), ("id.csv", vec!["--columns", "id"]), ("text.csv", vec!["--columns", "text"])]
    {
        folder.classify(&[&["news.jsonl", "-o", output][..], &more].concat()).done();
    }
    folder
        .newsdesk(&["verify", "id.csv", "--model", TINY])
        .refused("cannot verify `id.csv`: the model read `text`, which the output does not have")
        .hint("`--columns`");
    folder.newsdesk(&["verify", "text.csv", "--model", TINY]).done();
    for arguments in [&["all.csv", "id.csv"][..], &["id.csv", "id.csv"], &["id.csv", "all.csv", "--key", "id"]] {
        let answer = folder.newsdesk(&[&["diff"], arguments].concat()).done();
        answer.prints("label: 0 of 30 changed");
    }
    folder.newsdesk(&["diff", "all.csv", "id.csv"]).done().says("matched by their order alone");
}
