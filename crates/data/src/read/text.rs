//! A text file: the whole of it is one article, without a title.

use std::io::Read;
use std::sync::Arc;

use super::{ReadError, SAMPLE, broken, not_utf8, reject};
use crate::article::{Article, Cell, Position, Row};
use crate::open::Stream;

/// The bytes of a whole file, which must be some kind of text, and where it stands.
pub(super) fn whole(stream: Stream, name: &Arc<str>, limit: usize) -> Result<(Position, Vec<u8>), ReadError> {
    let position = Position { source: Arc::clone(name), row: 1, line: 1, offset: stream.offset };
    let mut bytes = Vec::new();
    stream.reader.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|source| broken(name, 0, source))?;

    let sample = &bytes[..bytes.len().min(SAMPLE)];
    if bytes.len() > limit {
        return Err(reject(
            position,
            format!("the text is longer than {limit} bytes"),
            Some("an article is never that long"),
            sample,
        ));
    }
    if sample.contains(&0) {
        let hint = "text files, HTML, JSON Lines, CSV, TSV, Arrow and Parquet can be read";
        return Err(reject(position, "the file is binary", Some(hint), sample));
    }
    Ok((position, bytes))
}

/// The one row of the file, with the columns `file` and `text`.
pub(super) fn row(stream: Stream, name: Arc<str>, limit: usize) -> Result<Row, ReadError> {
    let (position, bytes) = whole(stream, &name, limit)?;
    let text =
        String::from_utf8(bytes).map_err(|error| not_utf8(position.clone(), &error.utf8_error(), error.as_bytes()))?;
    let article = Article { title: None, text, mention: None };
    if article.is_blank() {
        return Err(reject(position, super::BLANK, Some("the file holds no article"), article.text.as_bytes()));
    }
    let columns =
        vec![(Arc::from("file"), Cell::Text(name.to_string())), (Arc::from("text"), Cell::Text(article.text.clone()))];
    Ok(Row { position, columns, article, line: None })
}
