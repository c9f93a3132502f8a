//! Prints errors: an `error:` line, the causes, and one `hint:`.

pub use crate::console::say;
use crate::{process, remedies};
use anyhow::{Error, Result};
use newsdesk_data::DataError;
use newsdesk_eval::EvalError;
use newsdesk_hub::HubError;
use newsdesk_model::ModelError;
use newsdesk_run::RunError;
use newsdesk_train::TrainError;
use std::io::ErrorKind;

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

/// Returns the hint for the first error of the chain that has one, or else for an error of the system.
fn hint(error: &Error) -> Option<String> {
    let of_system = || error.chain().find_map(|cause| remedies::system::hint(cause.downcast_ref()?));
    let of_library = error.chain().find_map(|cause| {
        None.or_else(|| cause.downcast_ref::<Usage>().and_then(|e| e.hint.clone()))
            .or_else(|| cause.downcast_ref::<DataError>().and_then(remedies::data::hint))
            .or_else(|| cause.downcast_ref::<ModelError>().and_then(remedies::model::hint))
            .or_else(|| cause.downcast_ref::<EvalError>().and_then(remedies::eval::hint))
            .or_else(|| cause.downcast_ref::<TrainError>().and_then(remedies::train::hint))
            .or_else(|| cause.downcast_ref::<RunError>().and_then(remedies::run::hint))
            .or_else(|| cause.downcast_ref::<HubError>().and_then(remedies::hub::hint))
    });
    of_library.or_else(of_system)
}

/// An error in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed, and the causes, one a line.
    pub message: String,
    /// What to do about it, as an imperative.
    pub hint: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        // Libraries know the names of settings, but not those of options.
        let of_option = |cause: &(dyn std::error::Error + 'static)| remedies::train::message(cause.downcast_ref()?);
        let mut causes = error.chain().map(|cause| of_option(cause).unwrap_or_else(|| cause.to_string()));
        let mut lines = vec![causes.next().unwrap_or_default()];
        for cause in causes {
            // A transparent wrapper has the same message as its source.
            if !lines.last().is_some_and(|last| last.ends_with(&cause)) {
                lines.push(format!("  caused by: {cause}"));
            }
        }
        Self { message: lines.join("\n"), hint: hint(error) }
    }
}

/// Prints an error with its causes and hint to standard error.
pub fn report(error: &Error) {
    let Failure { message, hint } = Failure::from(error);
    let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    say(&format!("error: {message}{hint}"));
}

/// Refuses to print to a closed standard output.
///
/// # Errors
/// If standard output was closed when the process started.
pub fn refuse_closed_output() -> Result<()> {
    if !process::output_was_closed() {
        return Ok(());
    }
    let message = "cannot write to standard output: it is closed";
    Err(Usage::new(message, "redirect standard output to a file or a pipe, or to `/dev/null` to discard it").into())
}

/// Turns a broken pipe into an ordinary error. Use it for files, where a broken pipe does not mean that the reader has left.
pub fn not_a_broken_pipe(error: Error) -> Error {
    if is_broken_pipe(&error) { anyhow::anyhow!("{error:#}") } else { error }
}

/// Returns whether the reader of standard output has closed it, as `head` does.
pub fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|e| e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe))
}
