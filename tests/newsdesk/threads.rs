//! The number of threads: its limit, and a system that starts none.

use crate::support::{Answer, Folder, TINY, articles, json_lines, texts};
use serde_json::json;

/// Returns a folder with a labelled data set in `set.jsonl`, and a linear model in `linear`.
fn prepared() -> Folder {
    let folder = Folder::new();
    let row = |i: usize| {
        let (text, label) = [("goals win the cup", "sport"), ("shares fall", "business")][i % 2];
        json!({"text": format!("{text} on day {i}"), "label": label})
    };
    folder.write("set.jsonl", json_lines((0..120).map(row)));
    folder.run("train --arch linear --data set.jsonl -o linear --buckets 4096 --quiet").done();
    folder
}

#[test]
fn too_many_threads_are_reduced_in_every_command() {
    let folder = prepared();
    folder.write("news.jsonl", articles(texts(50)));
    let cpus = std::thread::available_parallelism().unwrap().get();
    let most = (4 * cpus).min(1024);
    let warning = format!("warning: `--threads 65535` is reduced to {most}, the maximum for {cpus} CPU");
    for line in [
        "classify news.jsonl --model TINY --threads 65535",
        "classify news.jsonl --model linear --threads 65535",
        "eval TINY --data set.jsonl --threads 65535",
        "calibrate linear --data set.jsonl --threads 65535",
        "data check set.jsonl --model TINY --threads 65535",
        "bench TINY --data set.jsonl --rounds 1 --threads 65535,60000",
        "train --arch linear --data set.jsonl -o trained-linear --buckets 4096 --threads 65535",
        "train --base TINY --data set.jsonl -o trained --epochs 1 --threads 65535",
    ] {
        let answer = folder.run(line);
        assert!(answer.code != Some(2) && answer.starting("warning: `--threads").len() == 1, "{answer}");
        answer.says(&warning);
    }
}

#[test]
fn the_maximum_itself_gives_no_warning() {
    let folder = Folder::new();
    let most = (4 * std::thread::available_parallelism().unwrap().get()).min(1024);
    let answer = folder.classify_reading("Goal!", &["-", "--threads", &most.to_string()]).done();
    assert!(answer.err.is_empty(), "{answer}");
}

/// Runs a command on a system that starts no threads: their stacks would be larger than the address space.
#[cfg(target_os = "linux")]
fn without_threads(folder: &Folder, arguments: &[&str]) -> Answer {
    let mut command = folder.command(arguments);
    let output = command.env("RUST_MIN_STACK", (1u64 << 50).to_string()).output().unwrap();
    Answer::new(arguments, output)
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_cannot_be_started_is_an_error() {
    let folder = prepared();
    folder.write("news.jsonl", articles(texts(50)));
    for model in [TINY, "linear"] {
        let answer = without_threads(&folder, &["classify", "news.jsonl", "--model", model]);
        answer.refused("cannot start a thread").hint("use a smaller `--threads`");
        let answer = without_threads(&folder, &["classify", "news.jsonl", "--model", model, "-o", "out.jsonl"]);
        answer.refused("cannot start a thread");
        folder.assert_missing("out.jsonl");
    }
    let train =
        ["train", "--arch", "linear", "--data", "set.jsonl", "-o", "out", "--buckets", "4096", "--threads", "2"];
    without_threads(&folder, &train).refused("cannot start a thread").hint("use a smaller `--threads`");
    // These work on the calling thread alone.
    folder.copy_tiny("tiny");
    for arguments in [
        &["eval", TINY, "--data", "set.jsonl", "--threads", "1"][..],
        &["train", "--base", TINY, "--data", "set.jsonl", "-o", "trained", "--epochs", "1"],
        &["calibrate", "tiny", "--data", "set.jsonl"],
    ] {
        let answer = without_threads(&folder, arguments);
        let is_error = answer.code == Some(2) && answer.err.contains("cannot start a thread");
        assert!(answer.code == Some(0) || is_error, "{answer}");
        assert!(!answer.err.contains("panicked"), "{answer}");
    }
}
