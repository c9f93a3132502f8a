//! `--options FILE`: what is asked for in a TOML file, put among the arguments before they are read.
//!
//! So a file knows exactly the options that the command line knows, and its values are checked by the same rules.

use crate::failure::Usage;
use anyhow::Result;
use clap::{Arg, ArgAction, Command};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The option that names the file.
const OPTION: &str = "options";

/// The arguments of a command that takes `--options`, with those of the file in front of the others. An option that is
/// given on the command line as well counts as it is given there, and one that does not go with what is given there does not
/// count.
///
/// # Errors
/// If the file cannot be read, or names an option that the command has not.
pub fn expand(mut given: Vec<OsString>, all: &Command) -> Result<Vec<OsString>> {
    let name = given.get(1).and_then(|name| name.to_str());
    let takes_file = |command: &&Command| command.get_arguments().any(|arg| arg.get_long() == Some(OPTION));
    let Some(command) = name.and_then(|name| all.find_subcommand(name)).filter(takes_file) else { return Ok(given) };
    let typed: Vec<&OsString> = given.iter().skip(2).take_while(|argument| *argument != "--").collect();
    let Some(path) = file(&typed) else { return Ok(given) };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let message = format!("Failed to read the options of `{}`: {error}", path.display());
        Usage::new(message, "`--options` names a TOML file, with lines such as epochs = 3")
    })?;
    let table: Table = toml::from_str(&text).map_err(|error| {
        let message = format!("Failed to read the options of `{}`: {}", path.display(), error.to_string().trim_end());
        Usage::new(message, "a line is an option's long name without dashes, ` = `, and its value: epochs = 3")
    })?;
    let mut added = vec![];
    for (key, value) in &table {
        let arg = find(command, key, &path)?;
        let is_typed = |arg: &Arg| typed.iter().any(|argument| names(argument, arg));
        let goes_with = |other: &Arg| !conflict(command, arg, other);
        if !is_typed(arg) && command.get_arguments().filter(|other| is_typed(other)).all(goes_with) {
            added.extend(arguments(arg, key, value, &path)?);
        }
    }
    given.splice(2..2, added);
    Ok(given)
}

/// What `--options` names among these arguments.
fn file(typed: &[&OsString]) -> Option<PathBuf> {
    typed.iter().enumerate().find_map(|(place, argument)| match argument.to_str()?.strip_prefix("--options")? {
        "" => typed.get(place + 1).map(PathBuf::from),
        rest => rest.strip_prefix('=').map(PathBuf::from),
    })
}

/// The option that a key of the file names.
fn find<'a>(command: &'a Command, key: &str, file: &Path) -> Result<&'a Arg> {
    let known = || command.get_arguments().filter_map(Arg::get_long).filter(|&long| long != OPTION && long != "help");
    let found = command.get_arguments().find(|arg| arg.get_long() == Some(key) && key != OPTION && key != "help");
    found.ok_or_else(|| {
        let message = format!("Failed to read the options of `{}`: there is no option `{key}`", file.display());
        Usage::new(message, format!("options are {}", known().collect::<Vec<_>>().join(", "))).into()
    })
}

/// Whether this argument is that option, by its long or its short name.
fn names(argument: &OsStr, arg: &Arg) -> bool {
    let Some(text) = argument.to_str() else { return false };
    let long = arg.get_long().and_then(|long| text.strip_prefix("--")?.strip_prefix(long));
    let short = arg.get_short().is_some_and(|short| {
        text.strip_prefix('-').is_some_and(|rest| !rest.starts_with('-') && rest.starts_with(short))
    });
    short || long.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

/// Whether two options cannot be given together.
fn conflict(command: &Command, one: &Arg, other: &Arg) -> bool {
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|excluded| excluded.get_id() == other.get_id())
    };
    excludes(one, other) || excludes(other, one)
}

/// An option of the file as it would be typed.
fn arguments(arg: &Arg, key: &str, value: &Value, file: &Path) -> Result<Vec<OsString>> {
    let wrong = |what: &str| {
        let message = format!("Failed to read the options of `{}`: `{key}` {what}", file.display());
        Usage::new(message, "values are texts, numbers, true or false, lists of them, or NAME = NUMBER in a table")
    };
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    match value {
        Value::Boolean(on) if is_switch => Ok(if *on { vec![format!("--{key}").into()] } else { vec![] }),
        _ if is_switch => Err(wrong("is neither true nor false").into()),
        Value::Array(values) => {
            let one = |value| plain(value).ok_or_else(|| wrong("is a list of something other than texts and numbers"));
            values.iter().map(|value| Ok(typed(key, &one(value)?))).collect()
        }
        Value::Table(values) => {
            let one = |(name, value)| {
                let value =
                    plain(value).ok_or_else(|| wrong("is a table of something other than texts and numbers"))?;
                Ok(typed(key, &format!("{name}={value}")))
            };
            values.iter().map(one).collect()
        }
        value => Ok(vec![typed(key, &plain(value).ok_or_else(|| wrong("is no value of an option"))?)]),
    }
}

fn typed(key: &str, value: &str) -> OsString {
    format!("--{key}={value}").into()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
