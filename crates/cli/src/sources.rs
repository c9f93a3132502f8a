//! The inputs that arguments name.

use crate::failure::Usage;
use crate::process;
use anyhow::Result;
use newsdesk_data::Source;

/// Returns the sources that arguments name, as [`newsdesk_data::expand`] does.
///
/// # Errors
/// If there is none, or one of them is standard input and that is closed.
pub fn expand(arguments: &[String]) -> Result<Vec<Source>> {
    let sources = newsdesk_data::expand(arguments)?;
    if sources.contains(&Source::Stdin) && process::input_was_closed() {
        let message = "cannot open `standard input`: it is closed";
        return Err(Usage::new(message, "pipe articles to standard input, or name files").into());
    }
    Ok(sources)
}
