//! Hints for errors of `newsdesk-run`.

use newsdesk_run::RunError;

/// Returns the hint for an error, if there is one.
pub fn hint(error: &RunError) -> Option<String> {
    error.hint()
}
