//! How errors reach the user: `error:`, the causes, and one `hint:`.

use crate::remedies::hint;
use anyhow::Error;
use std::io::{ErrorKind, Write};

/// An error of the command line itself, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Usage {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Usage {
    /// An error with a hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Writes an error to standard error.
pub fn report(error: &Error) {
    let mut lines = vec![format!("error: {error}")];
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Transparent wrappers repeat their source.
        if !lines.last().is_some_and(|last| last.ends_with(&cause)) {
            lines.push(format!("  caused by: {cause}"));
        }
    }
    lines.extend(hint(error).map(|hint| format!("hint: {hint}")));
    say(&lines.join("\n"));
}

/// Writes a line to standard error. If nobody listens there is nothing left to do about it.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The same error, told in full rather than taken as the end of the reader's interest.
pub fn not_a_broken_pipe(error: Error) -> Error {
    if is_broken_pipe(&error) { anyhow::anyhow!("{error:#}") } else { error }
}

/// Whether the reader of our output has gone, as `head` does.
pub fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|e| e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe))
}
