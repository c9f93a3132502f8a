//! The command line itself: help, version, completions, old names of options, invalid options, closed pipes.

use crate::support::{Answer, Folder, TINY};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

/// Replaced options: the command, the old name and the present name.
const REPLACED: [(&str, &str, &str); 38] = [
    ("classify", "--precision", "--dtype"),
    ("eval", "--precision", "--dtype"),
    ("calibrate", "--precision", "--dtype"),
    ("bench", "--precisions", "--dtypes"),
    ("classify", "--windows", "--max-windows"),
    ("eval", "--windows", "--max-windows"),
    ("bench", "--windows", "--max-windows"),
    ("train", "--window", "--max-length"),
    ("data check", "--window", "--max-length"),
    ("train", "--length", "--max-train-length"),
    ("train", "--clip", "--max-grad-norm"),
    ("train", "--focal", "--focal-gamma"),
    ("train", "--warmup", "--warmup-ratio"),
    ("train", "--schedule", "--lr-scheduler"),
    ("train", "--head-rate-factor", "--head-lr-multiplier"),
    ("train", "--layer-decay", "--layer-lr-decay"),
    ("train", "--micro-batch", "--micro-batch-size"),
    ("train", "--checkpoint-every", "--save-steps"),
    ("classify", "--save-every", "--checkpoint-interval"),
    ("bench", "--against", "--baseline"),
    ("bench", "--singles", "--latency-articles"),
    ("models average", "--shares", "--weights"),
    ("models certify", "--max-loss", "--max-accuracy-drop"),
    ("verify", "--rows", "--sample-size"),
    ("diff", "--rows", "--changed-rows"),
    ("agree", "--rows", "--disagreements"),
    ("classify", "--mention-field", "--target-field"),
    ("classify", "--mention-start", "--target-start"),
    ("classify", "--mention-end", "--target-end"),
    ("train", "--mention-field", "--target-field"),
    ("train", "--mention-start", "--target-start"),
    ("train", "--mention-end", "--target-end"),
    ("eval", "--mention-field", "--target-field"),
    ("bench", "--mention-field", "--target-field"),
    ("agree", "--mention-field", "--target-field"),
    ("calibrate", "--mention-field", "--target-field"),
    ("models certify", "--mention-field", "--target-field"),
    ("data stats", "--mention-field", "--target-field"),
];

/// Old options of `train` and `models average` whose values are converted; they have no alias.
const CONVERTED: [&str; 2] = ["--stride", "--full-precision"];

/// Names below `Commands:` in a help text.
fn commands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

/// All commands with their `--help`, subcommands included.
fn all_help(folder: &Folder) -> Vec<(String, String)> {
    let help = |command: &str| {
        let arguments = command.split_whitespace().chain(["--help"]).collect::<Vec<_>>();
        folder.newsdesk(&arguments).done().out
    };
    let mut all = vec![(String::new(), help(""))];
    let mut next = 0;
    while let Some((command, text)) = all.get(next).cloned() {
        all.extend(commands(&text).iter().map(|name| {
            let command = format!("{command} {name}");
            let text = help(&command);
            (command, text)
        }));
        next += 1;
    }
    all
}

/// Names of options in a text, with their dashes.
fn options(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_lowercase() && c != '-').filter(|word| word.starts_with("--")).collect()
}

#[test]
fn help_lists_every_command() {
    let folder = Folder::new();
    let help = folder.newsdesk(&["--help"]).done();
    // Each command has a file for its arguments.
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/arguments");
    let files = std::fs::read_dir(sources).unwrap().map(|entry| entry.unwrap().path());
    let names = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let expected: BTreeSet<String> = names.filter(|name| !["mod", "shared"].contains(&name.as_str())).collect();
    assert!(expected.len() >= 11, "{expected:?}");
    assert_eq!(commands(&help.out).into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    assert_eq!(help.err, "");
}

#[test]
fn every_option_is_described() {
    let folder = Folder::new();
    for (command, text) in all_help(&folder) {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let is_option = |line: &str| line.trim_start().starts_with('-') && line.starts_with(' ');
        for (i, line) in lines.iter().enumerate().filter(|(_, line)| is_option(line)) {
            let has_text = lines.get(i + 1).is_some_and(|next| next.starts_with("          ") && !is_option(next));
            // Commands without long texts are printed with the text on the same line.
            let on_line = line.trim_start().contains("  ") && !line.trim_end().ends_with('>');
            assert!(has_text || on_line, "newsdesk{command}: `{}` has no text", line.trim());
        }
    }
}

#[test]
fn old_names_of_options_are_accepted_but_not_shown() {
    let folder = Folder::new();
    for (command, old, new) in REPLACED {
        let arguments: Vec<&str> = command.split_whitespace().chain([old]).collect();
        folder.newsdesk(&arguments).refused(&format!("a value is required for '{new} <"));
    }
    let replaced: BTreeSet<&str> = REPLACED.iter().map(|(_, old, _)| *old).collect();
    let old: BTreeSet<&str> = replaced.iter().copied().chain(CONVERTED).collect();
    for (command, text) in all_help(&folder) {
        let shown: Vec<_> = options(&text).intersection(&old).copied().collect();
        assert!(shown.is_empty(), "newsdesk{command} --help shows {shown:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.newsdesk(&["completions", shell]).done().out;
        let shown: Vec<_> = options(&script).intersection(&old).copied().collect();
        assert!(shown.is_empty(), "the script for {shell} shows {shown:?}");
    }
}

#[test]
fn old_and_new_names_of_options_have_the_same_effect() {
    let folder = Folder::new();
    let run = |line: &str| folder.newsdesk(&line.split_whitespace().collect::<Vec<_>>()).done();
    let row = |i: usize| match i % 2 {
        0 => format!(
            "{{\"id\":{i},\"text\":\"coach goal team {i}. match season\",\"label\":\"sport\",\"who\":\"team\"}}\n"
        ),
        _ => format!(
            "{{\"id\":{i},\"text\":\"price plan company {i}. pay rule\",\"label\":\"business\",\"who\":\"\"}}\n"
        ),
    };
    folder.write("rows.jsonl", (0..40).map(row).collect::<String>());
    folder.write("starts.jsonl", "{\"text\":\"the team of the team\",\"who\":\"team\",\"from\":16,\"to\":20}\n");
    folder.copy_tiny("tiny");

    let same = "--data rows.jsonl --base tiny --epochs 2 --batch-size 8 --learning-rate 1e-3 --threads 1 --quiet -o";
    run(&format!(
        "train --window 48 --stride 40 --length 32 --clip 0.5 --focal 1 --warmup 0.1 --schedule cosine --head-rate-factor 5 \
         --layer-decay 0.9 --micro-batch 4 --checkpoint-every 3 --class-weights auto --full-precision --mention-field who {same} old"
    ));
    run(&format!(
        "train --max-length 48 --overlap 8 --max-train-length 32 --max-grad-norm 0.5 --focal-gamma 1 --warmup-ratio 0.1 \
         --lr-scheduler cosine --head-lr-multiplier 5 --layer-lr-decay 0.9 --micro-batch-size 4 --save-steps 3 \
         --class-weights balanced --save-dtype f32 --target-field who {same} new"
    ));
    assert!(folder.bytes("old/model.safetensors") == folder.bytes("new/model.safetensors"), "the weights differ");
    let manifest = |name: &str| folder.text(&format!("{name}/newsdesk.toml")).replace(&format!("\"{name}\""), "NAME");
    assert_eq!(manifest("old"), manifest("new"));
    let run = |line: &str| folder.newsdesk(&line.split_whitespace().collect::<Vec<_>>()).done().out;
    assert_eq!(
        run(
            "classify --model new starts.jsonl --precision f32 --windows 1 --save-every 0 --mention-field who --mention-start from --mention-end to"
        ),
        run(
            "classify --model new starts.jsonl --dtype f32 --max-windows 1 --checkpoint-interval 0 --target-field who --target-start from --target-end to"
        )
    );
    assert_eq!(
        run("eval new --data rows.jsonl --precision f32 --windows 1 --json --quiet"),
        run("eval new --data rows.jsonl --dtype f32 --max-windows 1 --json --quiet")
    );
    assert_eq!(
        run("models average old new --shares 1 3 --full-precision -o a"),
        run("models average old new --weights 1 3 --save-dtype f32 -o b")
    );
    assert!(folder.bytes("a/model.safetensors") == folder.bytes("b/model.safetensors"), "the averages differ");
    run("models average old new --weights 1 3 -o c");
    let size = |name: &str| folder.bytes(&format!("{name}/model.safetensors")).len();
    assert!(2 * size("a") > 3 * size("c"), "f32 takes {} bytes, f16 {}", size("a"), size("c"));
    assert_eq!(
        run("data check rows.jsonl --window 8 --allow-warnings --model tiny --json"),
        run("data check rows.jsonl --max-length 8 --allow-warnings --model tiny --json")
    );
}

#[test]
fn converted_options_exclude_their_successors() {
    let folder = Folder::new();
    let train = |flags: &[&str]| folder.newsdesk(&[&["train", "--data", "a.csv", "-o", "m"], flags].concat());
    train(&["--stride", "8", "--overlap", "8"]).refused("'--stride <N>' cannot be used with '--overlap <N>'");
    train(&["--full-precision", "--save-dtype", "f16"]).refused("'--full-precision' cannot be used with");
    folder.write("a.csv", "text,label\nthe coach,sport\nthe mayor,world\n");
    train(&["--base", TINY, "--validation", "a.csv", "--stride", "40", "--max-length", "39"])
        .refused("cannot use `--stride 40`: a window has only 39 tokens")
        .hint("use `--overlap N`");
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
fn unknown_commands_and_options_are_refused_with_a_suggestion() {
    let folder = Folder::new();
    folder.newsdesk(&["clasify"]).refused("unrecognized subcommand 'clasify'").hint("`newsdesk classify`");
    folder
        .classify(&["a.txt", "--scoers"])
        .refused("unexpected argument '--scoers'")
        .hint("`--scores`, which is similar");
    let missing = folder.newsdesk(&["eval", TINY]).refused("required arguments were not provided: --data <DATASET>");
    missing.hint("newsdesk eval my-model --data test.csv");
    folder
        .classify(&["a.txt", "--scores", "--top-k", "2"])
        .refused("'--scores' cannot be used with")
        .hint("leave out one");
    folder.write("articles.csv", "text\nGoal!\n");
    folder.newsdesk(&["articles.csv"]).refused("'articles.csv'").hint("`newsdesk classify articles.csv`");
    folder.newsdesk(&["eval", "a", "b"]).refused("unexpected argument 'b'").hint("newsdesk bench MODEL MODEL");
    folder.classify(&["a.txt", "--text-column", "body"]).refused("'--text-column'").hint("use `--text-field`");
    folder
        .classify(&["Oil rises 3 %"])
        .refused("cannot find `Oil rises 3 %`")
        .hint("`newsdesk classify --text \"Oil rises 3 %\"`");
    folder.classify(&["no file.csv"]).refused("cannot find `no file.csv`").hint("give a file");
    folder.classify(&[TINY, "articles.csv"]).refused("it is the folder of a model").hint("`newsdesk classify --model");
    let swallowed = folder.newsdesk(&["eval", "--data", "articles.csv", TINY]);
    swallowed.refused("it is the folder of a model").hint("before `--data`");
    let split = folder.newsdesk(&["eval", TINY, "--data", "articles.csv", "--split", "test"]);
    split.says("warning: `--split` does not apply to `articles.csv`");
    let nothing = folder.newsdesk(&[]);
    assert!(nothing.code == Some(2) && nothing.err.contains("Usage: newsdesk"), "{nothing}");
}

#[test]
fn unavailable_devices_and_invalid_numbers_are_refused() {
    let folder = Folder::new();
    folder.write("a.txt", "Goal!");
    let refused = |flags: &[&str], error: &str| folder.classify(&[&["a.txt"], flags].concat()).refused(error);
    if !cfg!(feature = "cuda") {
        refused(&["--device", "cuda"], "device `cuda:0`: this build has no").hint("--device cpu");
    }
    if !cfg!(feature = "metal") {
        refused(&["--device", "metal"], "device `metal`: this build has no").hint("--device cpu");
    }
    refused(&["--device", "nonsense"], "`nonsense` is none of auto, cpu, cuda, cuda:N, metal");
    refused(&["--device", "cuda:x"], "`x` is not the index of a GPU");
    refused(&["--threads", "0"], "'--threads <N>': 0 is not in 1..").hint("give a whole number of at least 1");
    refused(&["--max-windows", "0"], "'--max-windows <N>': 0 is not in 1..");
    refused(&["--top-k", "0"], "'--top-k <K>': 0 is not in 1..");
    folder.newsdesk(&["eval", TINY, "--data", "a.txt", "--threads", "x"]).refused("invalid digit found in string");
}

/// Runs a command and closes its output after the first line, as `newsdesk ... | head -1` does.
fn head(folder: &Folder, arguments: &[&str]) -> (String, Answer) {
    let mut child =
        folder.command(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (line, Answer::new(arguments, child.wait_with_output().unwrap()))
}

/// Runs a command in a shell that redirects its standard streams.
#[cfg(unix)]
fn redirected(folder: &Folder, arguments: &[&str], redirection: &str) -> Answer {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("exec \"$@\" {redirection}"), "sh", env!("CARGO_BIN_EXE_newsdesk")]).args(arguments);
    Answer::new(arguments, shell.current_dir(folder.path("")).env("NO_COLOR", "1").output().unwrap())
}

#[cfg(unix)]
#[test]
fn results_are_not_lost_in_a_closed_standard_output() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Goal!\",\"label\":\"sport\"}\n");
    let classify = ["classify", "--model", TINY, "a.jsonl"];
    for command in [
        &classify[..],
        &["eval", TINY, "--data", "a.jsonl", "--json"],
        &["data", "stats", "a.jsonl"],
        &["data", "convert", "a.jsonl", "--to", "csv", "-o", "-"],
        &["models", "info", TINY],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ] {
        let closed = redirected(&folder, command, ">&-");
        closed.refused("cannot write to standard output: it is closed").hint("`/dev/null`");
    }
    // Results that go to a file are not lost.
    redirected(&folder, &[&classify[..], &["-o", "out.jsonl"]].concat(), ">&-").done();
    redirected(&folder, &[&classify[..], &["-o", "quiet.jsonl"]].concat(), "2>&-").done();
    assert_eq!(folder.rows("out.jsonl").len(), 1);
    redirected(&folder, &["classify", "--model", TINY], "<&-")
        .refused("cannot open `standard input`")
        .says("it is closed");
}

/// Standard output on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_an_error() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Goal!\",\"label\":\"sport\"}\n");
    for command in [
        &["classify", "--model", TINY, "a.jsonl"][..],
        &["classify", "--model", TINY, "a.jsonl", "--output-format", "table"],
        &["eval", TINY, "--data", "a.jsonl"],
        &["data", "check", "a.jsonl"],
        &["models", "info", TINY, "--json"],
        &["completions", "bash"],
        &["--help"],
        &["help", "train"],
    ] {
        let full = redirected(&folder, command, ">/dev/full").refused("cannot write ");
        assert!(full.err.contains("No space left on device"), "{full}");
    }
}

#[cfg(unix)]
#[test]
fn control_characters_from_outside_do_not_reach_the_terminal() {
    let folder = Folder::new();
    folder.write("a\u{1b}[31m.jsonl", "{\"text\":\"Goal!\",\"label\":\"\\u001b[2Jsport\",\"note\":\"\\u001b[2J\"}\n");
    let is_clean = |answer: &Answer| !(answer.out.clone() + &answer.err).contains('\u{1b}');
    let missing = folder.classify(&["b\u{1b}.jsonl"]).refused("cannot find `b\\u{1b}.jsonl`");
    let table = ["a\u{1b}[31m.jsonl", "--output-format", "table", "--prefix", "\u{7}p_"];
    let table = folder.classify(&table).done().prints("\\u{7}p_label");
    let stats = folder.newsdesk(&["data", "stats", "a\u{1b}[31m.jsonl"]).prints("\\u{1b}[2Jsport");
    let wrote = folder.classify(&["a\u{1b}[31m.jsonl", "-o", "\u{1b}o.jsonl"]).done().says("wrote \\u{1b}o.jsonl");
    for answer in [missing, table, stats, wrote] {
        assert!(is_clean(&answer), "{answer:?}");
    }
    // Data keeps its bytes.
    assert!(folder.text("\u{1b}o.jsonl").contains("\\u001b[2J"));
}

#[test]
fn a_closed_output_pipe_ends_the_run_without_an_error() {
    let folder = Folder::new();
    // More than a pipe holds, so that the run writes to the closed pipe.
    let row = format!("{{\"text\":\"Goal!\",\"note\":\"{}\"}}\n", "x".repeat(2000));
    folder.write("news.jsonl", row.repeat(600));
    for format in ["jsonl", "csv"] {
        let (line, answer) = head(&folder, &["classify", "--model", TINY, "news.jsonl", "--output-format", format]);
        assert!(line.contains("label"), "{line}");
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{answer}");
    }
}
