//! Options that a command does not have, or that exclude each other.

use super::context::{Typed, dashed_name, option, text};
use super::peers::{OPTIONS, WITHOUT_OPTION};
use clap::error::ContextKind;
use clap::{Command, Error};

/// Returns the hint for an unknown option.
pub fn unknown(invalid: &str, typed: &Typed) -> String {
    if invalid.chars().nth(1).is_some_and(|second| second.is_ascii_digit()) {
        return "give a number of at least 0, or `./` in front of a file name that begins with a dash".into();
    }
    let name = plain_name(invalid, typed);
    let hint = own_spelling(&name, typed)
        .or_else(|| by_other_name(&name, typed))
        .or_else(|| without_option(&name, typed))
        .or_else(|| after_the_command(&name, typed))
        .or_else(|| of_other_commands(&name, typed))
        .or_else(|| similar(&name, typed).map(|similar| format!("use `--{similar}`, which is similar")));
    match hint {
        None if typed.is_program() => {
            format!("write a command first, as in `newsdesk classify articles.csv`; `{} --help` lists them", typed.path)
        }
        Some(hint) => format!("{hint}; `{} --help` lists all options", typed.path),
        None => format!("choose from the options that `{} --help` lists", typed.path),
    }
}

/// Returns the name of an option without dashes and value, in lower case and with dashes between words.
///
/// clap reads `-model` as five short options, and reports the first of them.
fn plain_name(invalid: &str, typed: &Typed) -> String {
    let is_word = |argument: &&String| {
        !argument.starts_with("--") && argument.starts_with(invalid) && argument.chars().count() > 2
    };
    let whole = match invalid.starts_with("--") {
        true => invalid,
        false => typed.arguments.iter().find(is_word).map_or(invalid, String::as_str),
    };
    dashed_name(whole).trim_start_matches('-').to_lowercase().replace('_', "-")
}

/// Returns the hint if the command has the option, but it was spelled with underscores, capitals or one dash.
fn own_spelling(name: &str, typed: &Typed) -> Option<String> {
    typed.option(name)?.get_long().map(|long| format!("use `--{long}`"))
}

/// Returns the hint if other tools have an option of this name, and the command has one for the same purpose.
fn by_other_name(name: &str, typed: &Typed) -> Option<String> {
    let of_entry = |(names, ours): &(&[&str], &[&str])| {
        let ours = ours.iter().find(|ours| typed.option(dashed_name(ours)).is_some())?;
        names.contains(&name).then(|| format!("use `--{ours}`"))
    };
    OPTIONS.iter().find_map(of_entry)
}

/// Returns the hint if the command needs no option for what other tools have one for.
fn without_option(name: &str, typed: &Typed) -> Option<String> {
    let command = typed.command.get_name();
    let entry = WITHOUT_OPTION
        .iter()
        .find(|(names, commands, _)| names.contains(&name) && (commands.is_empty() || commands.contains(&command)));
    entry.map(|(.., hint)| (*hint).to_owned())
}

/// Returns the command's visible option of which a name is the beginning, or which differs from it by few typing mistakes.
fn similar<'a>(name: &str, typed: &Typed<'a>) -> Option<&'a str> {
    let visible = typed.command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(clap::Arg::get_long);
    let visible: Vec<&str> = visible.collect();
    let mut longer = visible.iter().filter(|long| name.len() >= 3 && long.starts_with(name));
    if let (Some(only), None) = (longer.next(), longer.next()) {
        return Some(only);
    }
    let max_mistakes = (name.chars().count() / 5).max(1);
    let mistakes = visible.into_iter().map(|long| (strsim::damerau_levenshtein(name, long), long));
    mistakes.filter(|(mistakes, _)| *mistakes <= max_mistakes).min().map(|(_, long)| long)
}

/// Returns the hint if an option of a command stands before the command.
fn after_the_command(name: &str, typed: &Typed) -> Option<String> {
    let command = commands_with(name, typed.all).into_iter().next().filter(|_| typed.is_program())?;
    Some(format!("write options after the command, as in `newsdesk {command} --{name}`"))
}

fn of_other_commands(name: &str, typed: &Typed) -> Option<String> {
    let commands = commands_with(name, typed.all);
    let quoted: Vec<String> = commands.iter().map(|command| format!("`newsdesk {command}`")).collect();
    let (last, others) = quoted.split_last()?;
    let list = if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
    Some(format!("leave it out: `--{name}` is an option of {list}"))
}

/// Returns the names of the commands that have an option.
fn commands_with(name: &str, all: &Command) -> Vec<String> {
    let mut found = vec![];
    for command in all.get_subcommands() {
        found.extend(option(command, name).map(|_| command.get_name().to_owned()));
        for inner in command.get_subcommands() {
            found.extend(option(inner, name).map(|_| format!("{} {}", command.get_name(), inner.get_name())));
        }
    }
    found
}

/// Returns the hint for options that exclude each other, or for one that is given twice.
pub fn conflict(error: &Error, invalid: &str) -> String {
    let one = dashed_name(invalid);
    match text(error, ContextKind::PriorArg) {
        Some(other) if [one, dashed_name(&other)].contains(&"--text") && [one, dashed_name(&other)].contains(&"") => {
            "put a text with spaces in quotes, as in `--text \"Oil rises\"`; give either a text or files".into()
        }
        Some(other) if dashed_name(&other) != one => format!("leave out one of `{one}` and `{}`", dashed_name(&other)),
        _ => format!("give `{one}` only once"),
    }
}
