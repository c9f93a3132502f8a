//! `--options FILE`: turns the options in a TOML file into arguments, and puts them in front of the typed ones.
//!
//! clap then checks both by the same rules. Values from the file could also be set as clap's defaults, but a default does not
//! count as given: it satisfies no `requires` and violates no `conflicts_with`.

use crate::failure::Usage;
use anyhow::Result;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command};
use newsdesk_files::read::{MAX_HAND_WRITTEN, bounded_text};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Long name and id of the option that names the file.
const OPTION: &str = "options";

/// Adds the options of the file, if the arguments name one. `all` describes the command line of all commands.
///
/// A typed option takes precedence over the same option in the file, and over options in the file that conflict with it.
///
/// # Errors
/// If the file cannot be read, or has an option that the command does not have, or a value that is no option value.
pub fn expand(mut arguments: Vec<OsString>, all: &Command) -> Result<Vec<OsString>> {
    // Only asks what is typed: `main` parses the expanded arguments again, and reports the errors that are ignored here.
    let matches = all.clone().ignore_errors(true).try_get_matches_from(&arguments);
    let Some((name, typed)) = matches.as_ref().ok().and_then(|matches| matches.subcommand()) else {
        return Ok(arguments);
    };
    let path = typed.try_get_one::<PathBuf>(OPTION).ok().flatten();
    let (Some(path), Some(command)) = (path, all.find_subcommand(name)) else { return Ok(arguments) };
    let is_typed = |arg: &Arg| typed.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let mut added = vec![];
    for (key, value) in &read(path)? {
        let arg = find(command, key, path)?;
        let is_overruled =
            is_typed(arg) || command.get_arguments().any(|other| is_typed(other) && conflict(command, arg, other));
        if !is_overruled {
            added.extend(as_typed(arg, key, value, path)?);
        }
    }
    // Behind the program and the command.
    arguments.splice(2..2, added);
    Ok(arguments)
}

/// Reads the file.
fn read(path: &Path) -> Result<Table> {
    let text = bounded_text(path, MAX_HAND_WRITTEN)
        .map_err(|error| failed(path, &error.to_string(), "use a TOML file with lines such as epochs = 3"))?;
    toml::from_str(&text).map_err(|error| {
        let hint = "write an option's long name without dashes, ` = `, and its value: epochs = 3";
        failed(path, error.to_string().trim_end(), hint).into()
    })
}

/// Returns the option with this long name, or this old name.
fn find<'a>(command: &'a Command, key: &str, path: &Path) -> Result<&'a Arg> {
    let options = || command.get_arguments().filter(|arg| !["help", OPTION].map(Some).contains(&arg.get_long()));
    let has_name =
        |arg: &&Arg| arg.get_long() == Some(key) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&key));
    options().find(has_name).ok_or_else(|| {
        let known = options().filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_long).collect::<Vec<_>>();
        failed(path, &format!("there is no option `{key}`"), &format!("use one of {}", known.join(", "))).into()
    })
}

/// Returns whether two options cannot be given together.
fn conflict(command: &Command, one: &Arg, other: &Arg) -> bool {
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|excluded| excluded.get_id() == other.get_id())
    };
    excludes(one, other) || excludes(other, one)
}

/// Returns an option of the file as it would be typed.
fn as_typed(arg: &Arg, key: &str, value: &Value, path: &Path) -> Result<Vec<OsString>> {
    let invalid = |cause: &str| {
        let hint = "use texts, numbers, true or false, lists of texts or numbers, or NAME = NUMBER in a table";
        failed(path, &format!("`{key}` {cause}"), hint)
    };
    let with_value = |value: &str| OsString::from(format!("--{key}={value}"));
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    match value {
        Value::Boolean(on) if is_switch => Ok(if *on { vec![format!("--{key}").into()] } else { vec![] }),
        _ if is_switch => Err(invalid("is neither true nor false").into()),
        Value::Array(values) => {
            let one = |value| text(value).ok_or_else(|| invalid("is a list of values that are no texts or numbers"));
            values.iter().map(|value| Ok(with_value(&one(value)?))).collect()
        }
        Value::Table(values) => {
            let one = |value| text(value).ok_or_else(|| invalid("is a table of values that are no texts or numbers"));
            values.iter().map(|(name, value)| Ok(with_value(&format!("{name}={}", one(value)?)))).collect()
        }
        value => Ok(vec![with_value(&text(value).ok_or_else(|| invalid("is no value of an option"))?)]),
    }
}

/// Returns the text of a single value.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

fn failed(path: &Path, cause: &str, hint: &str) -> Usage {
    Usage::new(format!("cannot read the options of `{}`: {cause}", path.display()), hint)
}
