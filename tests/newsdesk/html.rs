//! HTML in columns: removed for the model, kept in the output, and recorded with the run.

use crate::support::training::desks;
use crate::support::{Folder, TINY, articles, column, json_lines};
use serde_json::{Value, json};

const HTML: [&str; 4] = [
    "<p>The coach of the <b>team</b> said so.</p><p>It was the last match &amp; the best.</p>",
    "After the tour, the mayor said: a &lt; b and c &gt; d.",
    "a < b and c > d, R&D",
    "The rule &#8217;s last plan",
];
const PLAIN: [&str; 4] = [
    "The coach of the team said so.\nIt was the last match & the best.",
    "After the tour, the mayor said: a < b and c > d.",
    "a < b and c > d, R&D",
    "The rule \u{2019}s last plan",
];

fn labels(rows: &[Value]) -> Vec<(Value, Value)> {
    rows.iter().map(|row| (row["label"].clone(), row["label_score"].clone())).collect()
}

#[test]
fn the_model_reads_plain_text_and_the_output_has_the_html() {
    let folder = Folder::new();
    folder.write("html.jsonl", articles(HTML)).write("plain.jsonl", articles(PLAIN));
    let plain = folder.classify(&["plain.jsonl", "--html", "keep"]).done().rows();
    folder.newsdesk(&["data", "convert", "html.jsonl", "-o", "html.parquet"]).done();
    folder.newsdesk(&["data", "convert", "html.jsonl", "-o", "html.csv"]).done();
    for input in ["html.jsonl", "html.parquet", "html.csv"] {
        let answer = folder.classify(&[input]).done().says("HTML was removed from 3 articles; `--html keep`");
        assert_eq!(answer.err.matches("HTML").count(), 1, "{answer}");
        assert_eq!(labels(&answer.rows()), labels(&plain), "{input}");
        assert_eq!(column(&answer.rows(), "text"), HTML, "{input}");
    }
    let quiet = folder.classify(&["html.jsonl", "--quiet"]).done();
    assert_eq!(quiet.err, "");
    let kept = folder.classify(&["html.jsonl", "--html", "keep"]).done();
    assert!(labels(&kept.rows()) != labels(&plain) && !kept.err.contains("HTML"), "{kept}");
}

#[test]
fn the_mode_is_recorded_and_compared() {
    let folder = Folder::new();
    folder.write("html.jsonl", articles(HTML));
    folder.classify(&["html.jsonl", "-o", "auto.jsonl"]).done();
    folder.classify(&["html.jsonl", "-o", "keep.jsonl", "--html", "keep"]).done();
    let [auto, keep] = ["auto", "keep"].map(|name| folder.json(&format!("{name}.jsonl.manifest.json")));
    assert_eq!((&auto["settings"]["html"], &auto["counts"]["html"]), (&Value::Null, &json!(3)));
    assert_eq!((&keep["settings"]["html"], keep["counts"].get("html")), (&json!("keep"), None));
    for output in ["auto.jsonl", "keep.jsonl"] {
        folder.newsdesk(&["verify", output, "--model", TINY]).done().prints("no differences");
    }
    let changed = folder.classify(&["html.jsonl", "-o", "auto.jsonl", "--resume", "--html", "strip"]);
    changed.refused("html: not given in the first run, `strip` now");
}

#[test]
fn data_sets_are_read_without_html() {
    let folder = Folder::new();
    let plain = desks();
    let html = plain.replace("match", "<b>match</b>").replace("price", "price&nbsp;");
    folder.write("plain.csv", plain.replace("price", "price\u{a0}")).write("html.csv", html);
    folder.newsdesk(&["data", "stats", "html.csv", "--label-field", "desk"]).done().says("HTML was removed from");
    folder.newsdesk(&["data", "check", "html.csv", "--label-field", "desk"]).says("HTML was removed from");
    let train = "train --label-field desk --arch linear --buckets 4096 --epochs 2 -o";
    let said = folder.run(&format!("{train} html --data html.csv")).done();
    assert_eq!(said.err.matches("HTML was removed from").count(), 1, "{said}");
    folder.run(&format!("{train} plain --data plain.csv")).done();
    assert_eq!(folder.bytes("html/model.safetensors"), folder.bytes("plain/model.safetensors"));
    let eval =
        |data: &str, more: &str| folder.run(&format!("eval html --data {data} --label-field desk {more}")).done();
    let scores = |data: &str| eval(data, "--json").json().to_string().replace(data, "");
    assert_eq!(scores("html.csv"), scores("plain.csv"));
    eval("html.csv", "").says("HTML was removed from");
    assert!(!eval("html.csv", "--html keep").err.contains("HTML"));
}

#[test]
fn blank_texts_are_rejected() {
    let folder = Folder::new();
    let texts = ["&nbsp;", "\u{200b}\u{200d}", "\u{ad}", "\u{feff}", ".", "<p>&#160;</p>", "\u{2026}!", "山", "x"];
    folder.write("a.jsonl", json_lines(texts.map(|text| json!({"text": text, "title": "-"}))));
    let answer = folder.classify(&["a.jsonl", "--rejects", "r.jsonl"]);
    assert_eq!(answer.code, Some(1), "{answer}");
    let cause = "the text is blank: it has only punctuation or invisible characters";
    assert_eq!(column(&folder.rows("r.jsonl"), "cause"), [cause; 7]);
    assert_eq!(column(&answer.rows(), "text"), ["山", "x"]);
}
