//! Hints for errors of `newsdesk-train`.

use newsdesk_train::TrainError;

/// Returns the hint for an error, if there is one.
pub fn hint(error: &TrainError) -> Option<String> {
    error.hint()
}
