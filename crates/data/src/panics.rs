//! Turns panics of format libraries into errors.

use newsdesk_files::panics::caught;

/// A library panicked.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the contents of the file are inconsistent")]
pub(crate) struct Panicked;

/// Runs a step of reading in a library that panics on some damaged files.
///
/// # Errors
/// If the step panics.
pub(crate) fn catch<T>(read: impl FnOnce() -> T) -> Result<T, Panicked> {
    // The message is about the code of the library, and says nothing about the file.
    caught(read).map_err(|_| Panicked)
}
