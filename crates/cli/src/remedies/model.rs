//! Hints for errors of `newsdesk-model`.

use newsdesk_model::ModelError;

/// Returns the hint for an error, if there is one.
pub fn hint(error: &ModelError) -> Option<String> {
    error.hint()
}
