//! What was typed, and what clap found wrong with it.

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, Error};
use std::ffi::OsString;

/// The typed arguments, and the command that they name.
pub struct Typed<'a> {
    /// The program with all its commands.
    pub all: &'a Command,
    /// The command that was typed, or the program if none was.
    pub command: &'a Command,
    /// The names of the program and of the command.
    pub path: String,
    /// The arguments after the command.
    pub arguments: Vec<String>,
}

impl<'a> Typed<'a> {
    /// Finds the command in the arguments; the first of them is the program.
    pub fn new(all: &'a Command, arguments: &[OsString]) -> Self {
        let mut rest = arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).peekable();
        let (mut command, mut path) = (all, all.get_name().to_owned());
        while let Some(found) = rest.peek().and_then(|name| command.find_subcommand(name)) {
            command = found;
            path = format!("{path} {}", found.get_name());
            rest.next();
        }
        Self { all, command, path, arguments: rest.collect() }
    }

    /// Returns the command's option with this name, or this old name.
    pub fn option(&self, name: &str) -> Option<&'a Arg> {
        option(self.command, name)
    }

    /// Returns whether the program itself was typed without a command.
    pub fn is_program(&self) -> bool {
        self.command.get_name() == self.all.get_name()
    }
}

/// Returns a command's visible option with this long name, or this old name.
pub fn option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let has_name =
        |arg: &&Arg| arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name));
    command.get_arguments().filter(|arg| !arg.is_hide_set()).find(has_name)
}

/// Returns a part of an error as a text; the first one of several.
pub fn text(error: &Error, kind: ContextKind) -> Option<String> {
    texts(error, kind).into_iter().next()
}

/// Returns a part of an error as texts.
pub fn texts(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => vec![],
    }
}

/// Returns the dashed name in clap's description of an option, such as `--top-k <K>`.
pub fn dashed_name(described: &str) -> &str {
    described.split([' ', '=', '[']).next().unwrap_or(described)
}
