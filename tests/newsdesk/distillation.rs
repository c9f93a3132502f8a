//! `newsdesk train --teacher`: a model learns what another one thinks.

use crate::support::{Answer, Folder, LABELS, TINY, column, texts};
use serde_json::{Value, json};

/// Articles with labels that say nothing, but that each label occurs.
fn unhelpful(articles: usize) -> String {
    let row = |(i, text): (usize, String)| format!("{}\n", json!({"text": text, "label": LABELS[i % 5]}));
    texts(articles).into_iter().enumerate().map(row).collect()
}

const USUAL: &str =
    "--data rows.jsonl --learning-rate 1e-3 --batch-size 8 --seed 2 --window 64 --stride 48 --length 64";

fn train(folder: &Folder, output: &str, more: &[&str]) -> Answer {
    let usual: Vec<&str> = USUAL.split(' ').collect();
    folder.newsdesk(&[&["train", "--base", TINY, "-o", output], &usual[..], more].concat())
}

/// How many answers of a model are the same as those of the tiny model.
fn same_answers(folder: &Folder, model: &str) -> usize {
    let answers = |model: &str| {
        let arguments = ["classify", "--model", model, "rows.jsonl", "--prefix", "m_", "--windows", "1"];
        folder.newsdesk(&arguments).done().rows()
    };
    let (one, other) = (answers(model), answers(TINY));
    column(&one, "m_label").iter().zip(column(&other, "m_label")).filter(|(one, other)| *one == other).count()
}

#[test]
fn a_student_comes_to_think_as_its_teacher() {
    let folder = Folder::new();
    folder.write("rows.jsonl", unhelpful(200));
    let teach = ["--teacher", TINY, "--teacher-weight", "1", "--teacher-temperature", "1", "--epochs", "4"];
    let answer = train(&folder, "taught", &teach).done();
    answer.says("teachers have read 183 of 183 articles");
    train(&folder, "alone", &["--epochs", "4"]).done();
    let (taught, alone) = (same_answers(&folder, "taught"), same_answers(&folder, "alone"));
    assert!(taught >= 170 && alone < 120, "{taught} answers of 200 are the teacher's, {alone} without one");

    let info: Value =
        serde_json::from_str(&folder.newsdesk(&["models", "info", "taught", "--json"]).done().out).unwrap();
    let training = &info["manifest"]["training"];
    assert!(training["teachers"][0].as_str().unwrap().starts_with("tiny ("), "{training}");
    let distillation = json!({"weight": 1.0, "temperature": 1.0, "fills": true});
    assert_eq!(training["settings"]["distillation"], distillation);
    let shown = folder.newsdesk(&["models", "info", "taught"]).done().out;
    assert!(shown.contains("taught by tiny (") && shown.contains("distillation {"), "{shown}");
    assert!(!folder.text("alone/newsdesk.toml").contains("distillation"));

    // The card lists what differs from the defaults, and a command that can be given.
    let card = folder.text("taught/README.md");
    for row in ["| teacher-weight | 1 | 0.5 |\n", "| teacher-temperature | 1 | 2 |\n", "| batch-size | 8 | 32 |\n"] {
        assert!(card.contains(row), "no {row} in {card}");
    }
    assert!(!card.contains("| freeze |") && card.contains("  --teacher tiny \\\n"), "{card}");
    let command = card.split("places of files:\n\n```\n").nth(1).unwrap().split("\n```").next().unwrap();
    let typed = command.replace("\\\n", " ").replace(" tiny ", &format!(" {TINY} "));
    let typed: Vec<&str> = typed.split_whitespace().skip(1).collect();
    folder.newsdesk(&typed).done();
    assert!(folder.bytes("MODEL/model.safetensors") == folder.bytes("taught/model.safetensors"));
}

#[test]
fn the_share_decides() {
    let folder = Folder::new();
    folder.write("rows.jsonl", unhelpful(60));
    let weights = |name: &str, more: &[&str]| {
        train(&folder, name, &[&["--epochs", "1", "--quiet"], more].concat()).done();
        folder.bytes(&format!("{name}/model.safetensors"))
    };
    let alone = weights("alone", &[]);
    assert!(weights("nothing", &["--teacher", TINY, "--teacher-weight", "0"]) == alone, "nothing learned is something");
    let half = weights("half", &["--teacher", TINY]);
    assert!(half != alone);
    // The mean of a teacher and itself is that teacher.
    assert!(weights("twice", &["--teacher", TINY, TINY]) == half, "a teacher that speaks twice says another thing");
    assert!(weights("threads", &["--teacher", TINY, "--threads", "1"]) == half, "threads change the model");
    assert!(weights("hot", &["--teacher", TINY, "--teacher-temperature", "5"]) != half);
}

const NEWS: &str = r#"name = "NAME"
title = "News"
origin = "written for this test"
licence = "free"
folder = "news"
[files]
train = "NAME.jsonl"
validation = "NAME.jsonl"
[heads.HEAD]
field = "label"
labels = "sentiment"
"#;

#[test]
fn teachers_speak_of_rows_without_labels_unless_told_otherwise() {
    let folder = Folder::new();
    let moods = ["negative", "neutral", "positive"];
    let row = |(i, text): (usize, String)| format!("{}\n", json!({"text": text, "label": moods[i % 3]}));
    let rows: String = texts(60).into_iter().enumerate().map(row).collect();
    for (name, head) in [("one", "sentiment"), ("other", "tone")] {
        folder.write(&format!("{name}.toml"), NEWS.replace("NAME", name).replace("HEAD", head));
        folder.write(&format!("sets/news/{name}.jsonl"), &rows);
    }
    let usual = "--data-root sets --batch-size 8 --epochs 1 --window 64 --stride 48 --length 64 --quiet";
    let run = |data: &[&str], output: &str, more: &[&str]| {
        let start = ["train", "--base", TINY, "-o", output, "--data"];
        folder.newsdesk(&[&start[..], data, &usual.split(' ').collect::<Vec<_>>(), more].concat()).done();
        folder.bytes(&format!("{output}/model.safetensors"))
    };
    run(&["one.toml"], "teacher", &[]);
    let both = ["one.toml", "other.toml"];
    let (alone, filled) = (run(&both, "alone", &[]), run(&both, "filled", &["--teacher", "teacher"]));
    let labelled = run(&both, "labelled", &["--teacher", "teacher", "--teacher-labelled-only"]);
    assert!(alone != filled && filled != labelled && alone != labelled);
    // Where all rows have labels it is the same.
    let one = |output: &str, more: &[&str]| run(&["one.toml"], output, &[&["--teacher", "teacher"], more].concat());
    assert!(one("a", &[]) == one("b", &["--teacher-labelled-only"]));
}

#[test]
fn an_interrupted_run_goes_on_with_the_same_teacher_only() {
    let folder = Folder::new();
    folder.write("rows.jsonl", unhelpful(200));
    folder.copy_tiny("teacher");
    let teach = ["--teacher", "teacher", "--epochs", "2", "--checkpoint-every", "5"];
    train(&folder, "whole", &teach).done();
    let usual: Vec<&str> = USUAL.split(' ').collect();
    let arguments = [&["train", "--base", TINY, "-o", "cut"], &usual[..], &teach].concat();
    let mut child = folder.command(&arguments).stderr(std::process::Stdio::null()).spawn().unwrap();
    while !folder.path("cut/checkpoint/state.json").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended without a checkpoint");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = |teacher: &str, more: &[&str]| {
        let again = ["--teacher", teacher, "--epochs", "2", "--checkpoint-every", "5", "--resume"];
        train(&folder, "cut", &[&again[..], more].concat())
    };
    let other = "Failed to continue from `cut/checkpoint`";
    resume("whole", &[]).refused(other);
    resume("teacher", &["--teacher-weight", "0.4"]).refused(other);
    resume("teacher", &[]).done().says("going on after");
    assert!(folder.bytes("cut/model.safetensors") == folder.bytes("whole/model.safetensors"), "the models differ");
}

#[test]
fn teachers_that_cannot_be() {
    let folder = Folder::new();
    folder.write("rows.jsonl", unhelpful(60));
    let refused = |more: &[&str], error: &str| train(&folder, "m", more).refused(error);
    refused(&["--teacher", "nowhere"], "`nowhere`").hint("");
    refused(&["--teacher", TINY, "--head", "desk"], "the teacher `tiny`: it has no head `desk`")
        .hint("its heads are label");
    refused(&["--teacher", TINY, "--teacher-weight", "1.5"], "`teacher-weight`: 1.5 is not within 0..=1");
    refused(&["--teacher", TINY, "--teacher-temperature", "0"], "`teacher-temperature`: 0 is not above zero");
    assert_eq!(train(&folder, "m", &["--teacher-weight", "0.5"]).code, Some(2));
    assert_eq!(train(&folder, "m", &["--teacher-labelled-only"]).code, Some(2));
    folder.write("rows.jsonl", unhelpful(60).replace("\"arts\"", "\"weather\""));
    refused(&["--teacher", TINY], "its head `label` has no label `weather`").hint("its labels are arts; business");
    folder.write("rows.jsonl", unhelpful(60).replace("\"arts\"", "\"sport\""));
    refused(&["--teacher", TINY], "its head `label` has a label `arts`, which no row has");
    folder.write("rows.jsonl", unhelpful(60).replace("\"arts\"", "[\"arts\"]"));
    refused(&["--teacher", TINY], "its head `label` is a softmax head");
}
