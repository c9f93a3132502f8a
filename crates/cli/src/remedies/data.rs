//! Hints for errors of `newsdesk-data`.

use newsdesk_data::DataError;

/// Returns the hint for an error, if there is one.
pub fn hint(error: &DataError) -> Option<String> {
    error.hint()
}
