//! Files beside the model.

use crate::error::{Result, TrainError};
use newsdesk_files::write_atomic;
use std::path::Path;

/// Writes a file atomically: readers see the old contents or the new ones.
///
/// # Errors
/// [`TrainError::File`] if it cannot be written.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic(path, bytes).map_err(file_error("write", path))
}

/// Returns a function that adds verb and path to an I/O error.
pub(crate) fn file_error(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
    let path = path.to_path_buf();
    move |source| TrainError::File { verb, path, source }
}
