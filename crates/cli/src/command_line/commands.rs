//! Commands that do not exist, and arguments of commands that are superfluous or missing.

use super::context::{Typed, option, text, texts};
use super::peers::COMMANDS;
use crate::output::shell::quoted;
use clap::Error;
use clap::error::ContextKind;
use newsdesk_data::Format;
use std::path::Path;

/// A complete call of each command with required arguments.
const EXAMPLES: &[(&str, &str)] = &[
    ("verify", "newsdesk verify labelled.csv"),
    ("diff", "newsdesk diff before.csv after.csv"),
    ("train", "newsdesk train --data articles.csv --label-field desk -o my-model"),
    ("eval", "newsdesk eval my-model --data test.csv --label-field desk"),
    ("bench", "newsdesk bench default my-model --data test.csv --label-field desk"),
    ("agree", "newsdesk agree my-model other-model --data articles.csv"),
    ("calibrate", "newsdesk calibrate my-model --data validation.csv --label-field desk"),
    ("check", "newsdesk data check articles.csv --label-field desk"),
    ("stats", "newsdesk data stats articles.csv --label-field desk"),
    ("split", "newsdesk data split articles.csv -o parts"),
    ("convert", "newsdesk data convert articles.csv -o articles.jsonl"),
    ("certify", "newsdesk models certify my-model --data validation.csv --label-field desk"),
    ("average", "newsdesk models average seed-1 seed-2 -o my-model"),
    ("completions", "newsdesk completions bash"),
];

/// Returns the hint for a command that does not exist.
pub fn unknown(error: &Error, typed: &Typed) -> String {
    let name = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
    let list = format!("`{} --help` lists the commands", typed.path);
    if typed.is_program() && is_file(&name) {
        return format!("name a command first, as in `newsdesk classify {}`; {list}", quoted(&name));
    }
    let text_option = typed.all.find_subcommand("classify").and_then(|classify| option(classify, "text"));
    if typed.is_program() && name.contains(char::is_whitespace) && text_option.is_some() {
        return format!("label a single text with `newsdesk classify --text {}`", quoted(&name));
    }
    let other_name = COMMANDS.iter().find(|(names, _)| names.contains(&name.to_lowercase().as_str()));
    if let Some((_, ours)) = other_name.filter(|_| typed.is_program()) {
        return format!("use `newsdesk {ours}`; {list}");
    }
    match text(error, ContextKind::SuggestedSubcommand) {
        Some(similar) => format!("use `{} {similar}`; {list}", typed.path),
        None => format!("choose a command: {list}"),
    }
}

/// Returns the hint for an argument that the command has no place for.
pub fn superfluous(argument: &str, typed: &Typed) -> String {
    if is_file(argument) && typed.option("data").is_some() {
        return format!("name labelled data with `--data {}`", quoted(argument));
    }
    match typed.command.get_name() {
        "eval" => "give one model and name data with `--data`; to compare models, use `newsdesk bench MODEL MODEL --data DATASET`".into(),
        "calibrate" | "certify" | "info" => "name one model at a time".into(),
        "train" => "name data with `--data`, and a model to start from with `--base`".into(),
        "diff" => "compare two outputs at a time".into(),
        "verify" => "check one output at a time".into(),
        _ => format!("leave it out, or quote a value that contains spaces; see `{} --help`", typed.path),
    }
}

/// Returns the hint for a command without all its arguments.
pub fn incomplete(error: &Error, typed: &Typed) -> String {
    let needs_data = texts(error, ContextKind::InvalidArg).iter().any(|missing| missing.starts_with("--data"));
    // A data set in the place of the model.
    let file = typed.arguments.first().filter(|first| needs_data && is_file(first) && !Path::new(first).is_dir());
    if let Some(file) = file {
        return format!("name labelled data with `--data {}`", quoted(file));
    }
    let example = EXAMPLES.iter().find(|(name, _)| *name == typed.command.get_name());
    let needs_models = texts(error, ContextKind::InvalidArg).iter().any(|missing| missing.starts_with("<MODEL"));
    // `--data` takes all names after it.
    let after_data = typed.arguments.iter().skip_while(|argument| *argument != "--data").skip(1);
    let data_sets = after_data.take_while(|argument| !argument.starts_with('-')).count();
    if let Some((_, example)) = example.filter(|_| needs_models && data_sets > 1) {
        return format!("write the models before `--data`, as in `{example}`");
    }
    match example {
        Some((_, example)) => format!("complete the command, as in `{example}`"),
        None => format!("see `{} --help`", typed.path),
    }
}

/// Returns whether an argument names files: it exists, has the ending of a format or is a pattern.
fn is_file(argument: &str) -> bool {
    let path = Path::new(argument);
    let exists = argument.contains(['.', '/', '\\']) && path.exists();
    !argument.starts_with('-') && (exists || argument.contains('*') || Format::from_path(path).is_some())
}
