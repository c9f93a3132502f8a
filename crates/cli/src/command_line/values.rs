//! Values that an option does not accept.

use super::context::{Typed, dashed_name, text, texts};
use super::peers::VALUES;
use clap::Error;
use clap::error::ContextKind;
use std::error::Error as _;

/// Returns the hint for a missing value, or one that is not in the list of values.
pub fn unknown(error: &Error, invalid: &str, typed: &Typed) -> String {
    let option = dashed_name(invalid);
    if let Some(hint) = by_other_name(error, option) {
        return hint;
    }
    let known = texts(error, ContextKind::ValidValue);
    if let Some(similar) = text(error, ContextKind::SuggestedValue) {
        return format!("use `{similar}`, which is similar; all values are {}", list(&known));
    }
    if !known.is_empty() {
        return format!("use {}", list(&known));
    }
    match text(error, ContextKind::InvalidValue).is_none_or(|value| value.is_empty()) {
        true if option.is_empty() => {
            format!("leave out the empty argument, or complete it; see `{} --help`", typed.path)
        }
        true => no_value(option, typed),
        false => see(option, typed),
    }
}

/// Returns the hint for a value that cannot be parsed, or is out of range.
pub fn invalid(error: &Error, invalid: &str, typed: &Typed) -> String {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let typed_value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    if let Some(hint) = by_other_name(error, dashed_name(invalid)) {
        return hint;
    }
    if let Some((_, range)) = cause.rsplit_once(" is not in ") {
        return match range.split_once("..") {
            // The other end is often only the limit of the number's type.
            Some((low, _)) if number(&typed_value) < number(low) => format!("give a whole number of at least {low}"),
            Some((_, high)) => format!("give a whole number of at most {}", high.trim_start_matches('=')),
            None => format!("give a number in {range}"),
        };
    }
    // Causes of the standard library's parsers.
    match cause.as_str() {
        cause if cause.contains("empty string") => no_value(dashed_name(invalid), typed),
        cause if cause.contains("float") => "give a number, such as 0.5".into(),
        cause if ["digit", "integer", "too large", "too small"].iter().any(|part| cause.contains(part)) => {
            "give a whole number".into()
        }
        _ => see(dashed_name(invalid), typed),
    }
}

/// Returns the hint for a value that other tools know by another name.
fn by_other_name(error: &Error, option: &str) -> Option<String> {
    let value = text(error, ContextKind::InvalidValue)?.to_lowercase();
    let of_entry = |(options, names, _): &&(&[&str], &[&str], &str)| {
        options.contains(&option.trim_start_matches('-')) && names.contains(&value.as_str())
    };
    VALUES.iter().find(of_entry).map(|(.., ours)| format!("use {ours}"))
}

/// Returns the number in a text; zero for a text that is none, which clap reports in other words.
fn number(text: &str) -> i128 {
    text.parse().unwrap_or_default()
}

fn no_value(option: &str, typed: &Typed) -> String {
    format!("write a value after `{option}`; see `{} --help`", typed.path)
}

fn see(option: &str, typed: &Typed) -> String {
    format!("see `{option}` in `{} --help`", typed.path)
}

/// Returns names in backquotes, separated by commas.
fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
