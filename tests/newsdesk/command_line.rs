//! The command line itself: help, version, completions, options that cannot be, pipes that close.

use crate::support::{Answer, Folder, TINY};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn help_names_every_command_and_option() {
    let folder = Folder::new();
    let help = folder.newsdesk(&["--help"]).done().out;
    for command in ["classify", "train", "eval", "calibrate", "data", "models", "completions"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command} is not in:\n{help}");
    }
    let help = folder.newsdesk(&["classify", "--help"]).done().out;
    for option in ["--output", "--model", "--scores", "--top-k", "--windows", "--rejects", "--threads", "--device"] {
        assert!(help.contains(option), "{option} is not in:\n{help}");
    }
    assert_eq!(folder.newsdesk(&["train", "--help"]).done().err, "");
}

#[test]
fn version() {
    let version = Folder::new().newsdesk(&["--version"]).done().out;
    assert_eq!(version, format!("newsdesk {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_are_scripts_of_their_shell() {
    let folder = Folder::new();
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef newsdesk"), ("fish", "complete -c newsdesk")] {
        let script = folder.newsdesk(&["completions", shell]).done().out;
        assert!(script.contains(sign) && script.contains("classify") && script.contains("top-k"), "{shell}: {script}");
    }
    folder.newsdesk(&["completions", "cobol"]).refused("invalid value 'cobol'");
}

#[test]
fn nonsense_ends_with_code_2_and_help() {
    let folder = Folder::new();
    folder.newsdesk(&["clasify"]).refused("unrecognized subcommand 'clasify'").says("'classify'");
    folder.classify(&["a.txt", "--scoers"]).refused("unexpected argument '--scoers'").says("'--scores'");
    folder.newsdesk(&["eval", TINY]).refused("required arguments were not provided").says("--data <SET>");
    folder.classify(&["a.txt", "--scores", "--top-k", "2"]).refused("'--scores' cannot be used with");
    let nothing = folder.newsdesk(&[]);
    assert!(nothing.code == Some(2) && nothing.err.contains("Usage: newsdesk"), "{nothing}");
}

#[test]
fn devices_and_threads_that_are_not_there() {
    let folder = Folder::new();
    folder.write("a.txt", "Goal!");
    let refused = |flags: &[&str], error: &str| folder.classify(&[&["a.txt"], flags].concat()).refused(error);
    if !cfg!(feature = "cuda") {
        refused(&["--device", "cuda"], "Failed to open device `cuda:0`: this build has no").hint("--device cpu");
    }
    if !cfg!(feature = "metal") {
        refused(&["--device", "metal"], "Failed to open device `metal`: this build has no").hint("--device cpu");
    }
    refused(&["--device", "nonsense"], "`nonsense` is none of auto, cpu, cuda, cuda:N, metal");
    refused(&["--device", "cuda:x"], "`x` is not the number of a GPU");
    refused(&["--threads", "0"], "'--threads <N>': 0 is not in 1..");
    refused(&["--windows", "0"], "'--windows <N>': 0 is not in 1..");
    refused(&["--top-k", "0"], "'--top-k <K>': 0 is not in 1..");
    folder.newsdesk(&["eval", TINY, "--data", "a.txt", "--threads", "x"]).refused("invalid digit found in string");
}

/// As `newsdesk ... | head -1` does.
fn head(folder: &Folder, arguments: &[&str]) -> (String, Answer) {
    let mut child =
        folder.command(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (line, Answer::new(arguments, child.wait_with_output().unwrap()))
}

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
    let folder = Folder::new();
    // More than a pipe holds, so that the run meets the closed end.
    let row = format!("{{\"text\":\"Goal!\",\"note\":\"{}\"}}\n", "x".repeat(2000));
    folder.write("news.jsonl", row.repeat(600));
    for format in ["jsonl", "csv"] {
        let (line, answer) = head(&folder, &["classify", "--model", TINY, "news.jsonl", "--output-format", format]);
        assert!(line.contains("label"), "{line}");
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{answer}");
    }
}
