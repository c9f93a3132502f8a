//! Why a reader returns no row, and limits that all formats share.

use std::io;
use std::sync::Arc;

use crate::error::DataError;
use crate::reject::Reject;
use crate::remedy::Remedy;
use crate::row::Position;

/// The maximum length of a row in bytes. A longer one is not an article, and must not fill the memory.
pub(super) const MAX_ROW: usize = 64 * 1024 * 1024;
/// The maximum length of a header, for the detection of a format and a delimiter.
pub(super) const MAX_HEADER: usize = 64 * 1024;
/// The number of bytes after which the rest of a row that is too long is not skipped any further.
pub(super) const MAX_SKIPPED: usize = 256 * 1024 * 1024;
/// The maximum number of columns of a table: that of Excel.
pub(super) const MAX_COLUMNS: usize = 16_384;
/// How many bytes of a row that is too long, or not text, are kept in its reject.
pub(super) const SAMPLE: usize = 1024;

/// Why there is no row.
#[derive(Debug)]
pub enum ReadError {
    /// This row cannot be used. The next one may be valid.
    Reject(Reject),
    /// The stream cannot be read further.
    Fatal(DataError),
}

/// Returns the reject of a row, with its bytes.
pub(super) fn reject(position: Position, cause: impl Into<String>, remedy: Remedy, raw: &[u8]) -> ReadError {
    ReadError::Reject(Reject::new(position, cause, Some(remedy), String::from_utf8_lossy(raw).into_owned()))
}

/// Returns the reject of a row that has neither text nor title, with its bytes.
pub(super) fn blank(position: Position, remedy: Remedy, raw: &[u8]) -> ReadError {
    ReadError::Reject(Reject::blank(position, remedy, String::from_utf8_lossy(raw).into_owned()))
}

/// Returns the reject of a row that is not valid UTF-8.
pub(super) fn not_utf8(position: Position, error: &std::str::Utf8Error, raw: &[u8]) -> ReadError {
    let cause = format!("byte {} of the row is not valid UTF-8", error.valid_up_to());
    reject(position, cause, Remedy::NameEncoding, raw)
}

/// Returns the I/O error of a row that does not end within [`MAX_SKIPPED`] bytes.
pub(super) fn endless() -> io::Error {
    io::Error::from(io::ErrorKind::FileTooLarge)
}

/// Returns the error of a stream that breaks after `rows` rows.
pub(super) fn broken(name: &Arc<str>, rows: u64, source: io::Error) -> ReadError {
    ReadError::Fatal(DataError::Broken { name: name.to_string(), rows, source })
}
