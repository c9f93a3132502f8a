//! Detects the format of a stream from its first bytes.

use super::error::MAX_HEADER;
use super::options::ReadOptions;
use super::typed;
use crate::error::DataError;
use crate::format::Format;
use crate::open::Stream;

/// Returns the format of a typed table if the stream starts with its magic bytes.
///
/// # Errors
/// If the stream cannot be read.
pub(super) fn typed_format(stream: &mut Stream, name: &str) -> Result<Option<Format>, DataError> {
    let formats =
        [(typed::PARQUET, Format::Parquet), (typed::ARROW_FILE, Format::Arrow), (typed::ARROW_STREAM, Format::Arrow)];
    let may_match = |start: &[u8]| formats.iter().any(|(magic, _)| magic.starts_with(start));
    let start = stream.peek(|start| !may_match(start)).map_err(|source| DataError::Broken {
        name: name.to_owned(),
        rows: 0,
        source,
    })?;
    Ok(formats.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, format)| *format))
}

/// Returns the format of a text stream.
///
/// It is JSON Lines if it starts with an object, HTML if it starts like a page, a table if its first line names a text
/// column among others, and plain text otherwise.
///
/// # Errors
/// If the stream cannot be read, or is one JSON array.
pub(super) fn text_format(stream: &mut Stream, name: &str, options: &ReadOptions) -> Result<Format, DataError> {
    let start = stream
        .peek(|start| {
            let trimmed = start.trim_ascii();
            let is_enough = match trimmed.first() {
                None => false,
                Some(b'{') => true,
                Some(b'[') => trimmed.len() > 1,
                Some(_) => start.last() == Some(&b'\n'),
            };
            is_enough || start.len() == MAX_HEADER
        })
        .map_err(|source| DataError::Broken { name: name.to_owned(), rows: 0, source })?;
    let mut visible = start.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    match (visible.next(), visible.next()) {
        (Some(b'{'), _) => return Ok(Format::JsonLines),
        (Some(b'['), Some(b'{')) => return Err(DataError::JsonArray { name: name.to_owned() }),
        _ => {}
    }
    let trimmed = start.trim_ascii_start();
    let starts_with = |tag: &[u8]| trimmed.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    Ok(match options.delimiter(&start) {
        _ if starts_with(b"<!doctype html") || starts_with(b"<html") => Format::Html,
        Some(b'\t') => Format::Tsv,
        Some(_) => Format::Csv,
        None => Format::Text,
    })
}
