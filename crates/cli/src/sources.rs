//! The inputs that arguments name.

use crate::process;
use newsdesk_data::{DataError, Source};
use std::io::Error;

/// Returns the sources that arguments name, as [`newsdesk_data::expand`] does.
///
/// # Errors
/// If there is none, or one of them is standard input and that is closed.
pub fn expand(arguments: &[String]) -> Result<Vec<Source>, DataError> {
    let sources = newsdesk_data::expand(arguments)?;
    if sources.contains(&Source::Stdin) && process::input_was_closed() {
        return Err(DataError::Open { name: "standard input".into(), source: Error::other("it is closed") });
    }
    Ok(sources)
}
