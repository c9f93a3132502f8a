//! Hints for errors of `newsdesk-eval`.

use newsdesk_eval::EvalError;

/// Returns the hint for an error, if there is one.
pub fn hint(error: &EvalError) -> Option<String> {
    error.hint()
}
