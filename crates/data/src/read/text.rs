//! Reads a text file as one article without a title.

use std::io::Read;
use std::sync::Arc;

use super::error::{ReadError, SAMPLE, broken, reject};
use crate::open::{Content, Stream, likely_encoding};
use crate::remedy::Remedy;
use crate::row::{Article, Cell, Position, Row};

/// Returns the position and the bytes of a whole file.
///
/// # Errors
/// If the file cannot be read, is longer than `limit` bytes, or is not text.
pub(super) fn whole_file(
    stream: Stream,
    name: &Arc<str>,
    content: Content,
    limit: usize,
) -> Result<(Position, Vec<u8>), ReadError> {
    let position = Position { source: Arc::clone(name), row: 1, line: 1, offset: stream.offset };
    // Of a file that is not text, the beginning is enough.
    let is_binary = matches!(content, Content::Binary(_));
    let needed = if is_binary { SAMPLE } else { limit + 1 };
    let mut bytes = Vec::new();
    stream.reader.take(needed as u64).read_to_end(&mut bytes).map_err(|source| broken(name, 0, source))?;

    let sample = &bytes[..bytes.len().min(SAMPLE)];
    match content {
        Content::Binary(Some(kind)) => {
            return Err(reject(position, format!("the file is {kind}"), Remedy::UseReadableFormat, sample));
        }
        _ if is_binary || sample.contains(&0) => {
            return Err(reject(position, "the file is binary", Remedy::UseReadableFormat, sample));
        }
        _ => {}
    }
    if bytes.len() > limit {
        let cause = format!("the text is longer than {limit} bytes");
        return Err(reject(position, cause, Remedy::CheckLength, sample));
    }
    Ok((position, bytes))
}

/// Returns the only row of the file, with the columns `file` and `text`.
///
/// # Errors
/// If the file cannot be read, or is not valid text.
pub(super) fn row(stream: Stream, name: Arc<str>, content: Content, limit: usize) -> Result<Row, ReadError> {
    let (position, bytes) = whole_file(stream, &name, content, limit)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let cause = format!("byte {} of the file is not valid UTF-8", error.utf8_error().valid_up_to());
        let likely = likely_encoding(error.as_bytes(), true).to_string();
        reject(position.clone(), cause, Remedy::UseEncoding { likely }, error.as_bytes())
    })?;
    let article = Article { title: None, text, target_entity: None };
    let columns =
        vec![(Arc::from("file"), Cell::Text(name.to_string())), (Arc::from("text"), Cell::Text(article.text.clone()))];
    Ok(Row { position, columns, article, raw_line: None, was_html: false })
}
