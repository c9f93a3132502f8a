//! Prints errors: an `error:` line, the causes, and one `hint:`.

use crate::remedies::hint;
use anyhow::Error;
use std::io::{ErrorKind, Write};

/// An error in the use of the command line, with a hint.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Usage {
    /// What failed and why, as "cannot ...: cause".
    pub message: String,
    /// What to do about it, as an imperative.
    pub hint: Option<String>,
}

impl Usage {
    /// Makes an error with a hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Prints an error with its causes and hint to standard error.
pub fn report(error: &Error) {
    let mut lines = vec![format!("error: {error}")];
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // A transparent wrapper has the same message as its source.
        if !lines.last().is_some_and(|last| last.ends_with(&cause)) {
            lines.push(format!("  caused by: {cause}"));
        }
    }
    lines.extend(hint(error).map(|hint| format!("hint: {hint}")));
    say(&lines.join("\n"));
}

/// Prints a line to standard error. A failure to print it is ignored, since there is nowhere left to report it.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Turns a broken pipe into an ordinary error. Use it for files, where a broken pipe does not mean that the reader has left.
pub fn not_a_broken_pipe(error: Error) -> Error {
    if is_broken_pipe(&error) { anyhow::anyhow!("{error:#}") } else { error }
}

/// Whether the reader of standard output has closed it, as `head` does.
pub fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|e| e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe))
}
