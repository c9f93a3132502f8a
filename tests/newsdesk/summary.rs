//! `newsdesk classify --summary`: counts of labels, rejected rows and duplicates as JSON.

use crate::support::{Folder, TINY, articles, texts};
use serde_json::{Value, json};

#[test]
fn summary_counts_labels_rejects_and_duplicates() {
    let folder = Folder::new();
    let bad = "{\"text\":\"\"}\n[1]\n[23]\n";
    folder.write("news.jsonl", articles(texts(40)) + &articles([&texts(2)[1]]) + bad);
    let arguments = ["news.jsonl", "--near-duplicates", "--min-score", "0.6", "--summary", "summary.json"];
    for (output, quiet) in [(None, false), (Some("out.csv"), true)] {
        let more: Vec<&str> =
            output.iter().flat_map(|output| ["-o", output]).chain(quiet.then_some("--quiet")).collect();
        let answer = folder.classify(&[&arguments[..], &more].concat());
        assert_eq!(answer.code, Some(1), "{answer}");
        let found = folder.json("summary.json");
        assert_eq!((&found["articles"], &found["rejected"], &found["duplicates"]), (&json!(41), &json!(3), &json!(1)));
        assert!(found["near_duplicates"].as_u64().unwrap() >= 1, "{found}");
        let causes = json!({"the line is an array, not an object": 2, "the text is blank": 1});
        assert_eq!(found["reject_causes"], causes);
        let labels = found["labels"]["label"].as_object().unwrap();
        assert_eq!(labels.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 41);
        assert!(labels.contains_key("unsure") && found["cross"].is_null(), "{found}");
        assert!(found["seconds"].is_number() && found["articles_per_second"].is_number(), "{found}");
        std::fs::remove_file(folder.path("summary.json")).unwrap();
    }
    folder
        .classify(&["news.jsonl", "--summary", "missing/summary.json"])
        .refused("cannot write `missing/summary.json`");
    let before = folder.text("news.jsonl");
    for other in ["news.jsonl", "out.csv", "out.csv.rejects.jsonl"] {
        folder.classify(&["news.jsonl", "-o", "out.csv", "--summary", other]).refused("cannot write");
    }
    assert_eq!(folder.text("news.jsonl"), before);
    folder.classify(&["news.jsonl", "--summary", "-"]).refused("`-` does not mean standard output here");
}

#[test]
fn summary_of_a_resumed_run_counts_all_rows() {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(3000)) + "no object\n");
    let usual = ["news.jsonl", "--threads", "1", "--checkpoint-interval", "0"];
    folder.classify(&[&usual[..], &["-o", "whole.csv", "--summary", "whole.json"]].concat());
    let arguments = [&["classify", "--model", TINY], &usual[..], &["-o", "out.csv"]].concat();
    folder.kill_when_written("out.csv.partial", 200_000, &arguments);
    let resume = [&usual[..], &["-o", "out.csv", "--resume", "--summary", "out.json"]].concat();
    let resumed = folder.classify(&resume).says("resuming after");
    assert_eq!(resumed.code, Some(1), "{resumed}");
    let without_times = |name: &str| -> Value {
        let mut summary = folder.json(name);
        for key in ["seconds", "articles_per_second"] {
            summary.as_object_mut().unwrap().remove(key).unwrap();
        }
        summary
    };
    assert_eq!(without_times("out.json"), without_times("whole.json"));
    assert_eq!(folder.json("out.json")["articles"], 3000);
    // A complete run has its summary in the manifest.
    std::fs::remove_file(folder.path("out.json")).unwrap();
    folder.classify(&resume).says("is already complete").says("wrote out.json: summary");
    assert_eq!(without_times("out.json"), without_times("whole.json"));
    // It may replace its own summary, but no other file.
    assert_eq!(folder.classify(&resume).code, Some(1));
    folder.write("out.json", "mine");
    folder.classify(&resume).refused("cannot write `out.json`: it already exists");
    let again = [&usual[..], &["--limit", "1", "--summary", "out.json"]].concat();
    folder.classify(&again).refused("cannot write `out.json`: it already exists").hint("`--overwrite`");
    assert_eq!(folder.text("out.json"), "mine");
    folder.classify(&[&again[..], &["--overwrite"]].concat()).done().says("wrote out.json: summary");
    assert_eq!(folder.json("out.json")["articles"], 1);
}

#[test]
fn labels_of_two_heads_are_crossed() {
    let folder = Folder::new();
    folder.copy_tiny_with_heads("tone", "topic");
    let labels =
        |names: &[&str]| names.iter().map(|name| format!("{{ name = \"{name}\" }}")).collect::<Vec<_>>().join(", ");
    let head = |name: &str, names: &[&str]| {
        format!("[[head]]\nname = \"{name}\"\nactivation = \"softmax\"\nlabel = [{}]\n", labels(names))
    };
    let about = "version = 1\nname = \"m\"\npooling = \"cls\"\nwindow = { length = 64, overlap = 16 }\n";
    folder.write(
        "m/newsdesk.toml",
        format!("{about}{}{}", head("topic", &["a", "b", "c", "d", "e"]), head("tone", &["x", "y", "z"])),
    );
    folder.write("news.jsonl", articles(texts(60)));
    folder.run("classify news.jsonl --model m -o out.jsonl --summary summary.json").done();
    let cross = folder.json("summary.json")["cross"].clone();
    assert_eq!((&cross["rows"], &cross["columns"]), (&json!("topic"), &json!("tone")));
    for (topic, tones) in cross["counts"].as_object().unwrap() {
        for (tone, count) in tones.as_object().unwrap() {
            let rows = folder.rows("out.jsonl");
            let found = rows.iter().filter(|row| row["topic"] == **topic && row["tone"] == **tone).count();
            assert_eq!(count, found, "{topic}, {tone}");
        }
    }
    assert_eq!(folder.json("out.jsonl.manifest.json")["counts"]["cross"], cross);
}

/// A terminal shows the summary. `script` runs a command on a terminal of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_the_summary() {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(60)) + "no object\n");
    let on_terminal = |more: &str| {
        let classify = folder.command(&["classify", "--model", TINY, "news.jsonl", "-o", "out.jsonl"]);
        let words = std::iter::once(classify.get_program()).chain(classify.get_args());
        let line = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect::<Vec<_>>().join(" ");
        let mut script = std::process::Command::new("script");
        script.args(["-qec", &format!("{line} {more}"), "/dev/null"]).current_dir(folder.path(""));
        let output = script.stdin(std::process::Stdio::null()).output().ok()?;
        Some(String::from_utf8(output.stdout).unwrap())
    };
    // Not every machine has `script`.
    let Some(shown) = on_terminal("") else { return };
    for part in ["articles   share", "rejected: 1 row", "60 articles in "] {
        assert!(shown.contains(part), "expected `{part}`: {shown}");
    }
    std::fs::remove_file(folder.path("out.jsonl")).unwrap();
    assert!(!on_terminal("--quiet").unwrap().contains("60 articles in "));
}
