//! Fields nested in objects and structs: texts, titles, labels and keys.

use crate::support::training::{BUSINESS, SPORT, text_of};
use crate::support::{Folder, column, json_lines};
use serde_json::json;

/// Writes articles whose text, title and label are nested: `nested.jsonl`, and the same as Parquet.
fn write(folder: &Folder) {
    let row = |i: usize| {
        let (words, desk) = if i.is_multiple_of(2) { (&SPORT, "sport") } else { (&BUSINESS, "business") };
        json!({"meta": {"id": i, "desk": desk}, "article": {"head": "News", "body": text_of(words, i)}})
    };
    folder.write("nested.jsonl", json_lines((0..60).map(row)));
    let flat = |i: usize| {
        let row = row(i);
        json!({"title": row["article"]["head"], "text": row["article"]["body"], "desk": row["meta"]["desk"]})
    };
    folder.write("flat.jsonl", json_lines((0..60).map(flat)));
}

#[test]
fn nested_fields_are_read_like_columns() {
    let folder = Folder::new();
    write(&folder);
    let fields = ["--text-field", "article.body", "--title-field", "article.head"];
    let with = |arguments: &[&str]| folder.newsdesk(&[arguments, &fields].concat());
    let flat = folder.classify(&["flat.jsonl"]).done().rows();
    let nested = folder.classify(&[&["nested.jsonl"], &fields[..]].concat()).done().rows();
    assert_eq!(column(&nested, "label"), column(&flat, "label"));
    assert_eq!(nested[3]["article"]["head"], "News");

    let labels = ["--label-field", "meta.desk"];
    let labelled = |arguments: &[&str]| with(&[arguments, &labels].concat());
    let stats = labelled(&["data", "stats", "nested.jsonl", "--json", "--no-tokens"]).done().json();
    let split = &stats["sets"][0]["splits"][0];
    assert_eq!((&split["with_title"], &split["heads"][0]["rows"]), (&json!(60), &json!(60)));
    labelled(&["data", "check", "nested.jsonl", "--no-tokens"]).prints("rows: 60");
    labelled(&["data", "split", "nested.jsonl", "-o", "splits"]).done();
    with(&["data", "convert", "nested.jsonl", "-o", "copy.jsonl"]).done();
    assert_eq!(folder.text("copy.jsonl"), folder.text("nested.jsonl"));
    let train = ["train", "--arch", "linear", "--buckets", "4096", "--epochs", "2", "--head", "desk", "--data"];
    labelled(&[&train[..], &["nested.jsonl", "-o", "m"]].concat()).done();
    folder.newsdesk(&[&train[..], &["flat.jsonl", "-o", "n", "--label-field", "desk"]].concat()).done();
    assert_eq!(folder.bytes("m/model.safetensors"), folder.bytes("n/model.safetensors"));
    labelled(&["eval", "m", "--data", "nested.jsonl", "--by", "meta.desk"]).done().prints("sport");

    let missing = folder.classify(&["nested.jsonl", "--text-field", "article.text", "--max-rejects", "0"]);
    assert_eq!(missing.code, Some(2));
    missing.says("cannot find the column `article.text` in `nested.jsonl`").says("`article.head`, `article.body`");
    let label = with(&["data", "check", "nested.jsonl", "--label-field", "meta.label", "--no-tokens"]);
    label.refused("nested.jsonl").says("`meta.desk`");
}
