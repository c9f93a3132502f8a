//! Reads a text file as one article without a title.

use std::io::Read;
use std::sync::Arc;

use super::error::{ReadError, SAMPLE, broken, not_utf8, reject};
use crate::open::Stream;
use crate::remedy::Remedy;
use crate::row::{Article, Cell, Position, Row};

/// Returns the position and the bytes of a whole file.
///
/// # Errors
/// If the file cannot be read, is longer than `limit` bytes, or is not text.
pub(super) fn whole_file(stream: Stream, name: &Arc<str>, limit: usize) -> Result<(Position, Vec<u8>), ReadError> {
    let position = Position { source: Arc::clone(name), row: 1, line: 1, offset: stream.offset };
    let mut bytes = Vec::new();
    stream.reader.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|source| broken(name, 0, source))?;

    let sample = &bytes[..bytes.len().min(SAMPLE)];
    if bytes.len() > limit {
        let cause = format!("the text is longer than {limit} bytes");
        return Err(reject(position, cause, Remedy::CheckLength, sample));
    }
    if sample.contains(&0) {
        return Err(reject(position, "the file is binary", Remedy::UseReadableFormat, sample));
    }
    Ok((position, bytes))
}

/// Returns the only row of the file, with the columns `file` and `text`.
///
/// # Errors
/// If the file cannot be read, or is not valid text.
pub(super) fn row(stream: Stream, name: Arc<str>, limit: usize) -> Result<Row, ReadError> {
    let (position, bytes) = whole_file(stream, &name, limit)?;
    let text =
        String::from_utf8(bytes).map_err(|error| not_utf8(position.clone(), &error.utf8_error(), error.as_bytes()))?;
    let article = Article { title: None, text, target_entity: None };
    let columns =
        vec![(Arc::from("file"), Cell::Text(name.to_string())), (Arc::from("text"), Cell::Text(article.text.clone()))];
    Ok(Row { position, columns, article, raw_line: None, was_html: false })
}
