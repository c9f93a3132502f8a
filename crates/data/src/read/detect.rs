//! Detects the format of a stream from its first bytes.

use super::error::MAX_HEADER;
use super::options::ReadOptions;
use super::{excel, typed};
use crate::error::DataError;
use crate::format::Format;
use crate::open::Stream;

/// Returns the format of a typed table or a workbook if the stream starts with its magic bytes.
///
/// # Errors
/// If the stream cannot be read.
pub(super) fn typed_format(stream: &mut Stream, name: &str) -> Result<Option<Format>, DataError> {
    let formats = [
        (typed::PARQUET, Format::Parquet),
        (typed::ARROW_FILE, Format::Arrow),
        (typed::ARROW_STREAM, Format::Arrow),
        (excel::ZIP, Format::Excel),
    ];
    let may_match = |start: &[u8]| formats.iter().any(|(magic, _)| magic.starts_with(start));
    let start = stream.peek(|start| !may_match(start)).map_err(broken(name))?;
    Ok(formats.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, format)| *format))
}

/// Returns whether a stream contains nothing but white space.
///
/// # Errors
/// If the stream cannot be read.
pub(super) fn is_blank(stream: &mut Stream, name: &str) -> Result<bool, DataError> {
    let is_visible = |start: &[u8]| start.last().is_some_and(|byte| !byte.is_ascii_whitespace());
    let start = stream.peek(|start| is_visible(start) || start.len() == MAX_HEADER).map_err(broken(name))?;
    Ok(!is_visible(&start) && start.len() < MAX_HEADER)
}

/// Returns whether a stream starts with a JSON array of objects, or is an empty array.
///
/// # Errors
/// If the stream cannot be read.
pub(super) fn is_json_array(stream: &mut Stream, name: &str) -> Result<bool, DataError> {
    Ok(match first_two(stream).map_err(broken(name))? {
        [Some(b'['), Some(b'{')] => true,
        [Some(b'['), Some(b']')] => {
            // As in `first_two`, white space takes no time.
            let is_visible = |start: &[u8]| start.last().is_some_and(|byte| !byte.is_ascii_whitespace());
            let is_more = |start: &[u8]| is_visible(start) && visible(start).nth(2).is_some();
            let start = stream.peek(|start| is_more(start) || start.len() == MAX_HEADER).map_err(broken(name))?;
            !is_more(&start)
        }
        _ => false,
    })
}

/// Returns whether the first of several lines of a stream is a JSON value, so that each line is.
///
/// # Errors
/// If the stream cannot be read.
pub(super) fn has_json_lines(stream: &mut Stream, name: &str) -> Result<bool, DataError> {
    let first = first_line(stream).map_err(broken(name))?;
    let is_more =
        |start: &[u8]| start.len() > first.len() && start.last().is_some_and(|byte| !byte.is_ascii_whitespace());
    let longest = first.len() + MAX_HEADER;
    let more = stream.peek(|start| is_more(start) || start.len() == longest).map_err(broken(name))?;
    Ok(is_more(&more) && serde_json::from_slice::<serde::de::IgnoredAny>(&first).is_ok())
}

/// Returns the first two bytes of a stream that are not white space. The second one is `None` if it is not needed.
fn first_two(stream: &mut Stream) -> std::io::Result<[Option<u8>; 2]> {
    // Only the last byte decides whether more are needed, so that white space takes no time.
    let start = stream.peek(|start| {
        let last = start.last().filter(|byte| !byte.is_ascii_whitespace());
        let is_enough = last.is_some_and(|last| *last != b'[' || visible(start).nth(1).is_some());
        is_enough || start.len() == MAX_HEADER
    })?;
    let mut found = visible(&start);
    Ok([found.next(), found.next()])
}

/// Returns the beginning of a stream up to the end of its first line that is not blank.
pub(super) fn first_line(stream: &mut Stream) -> std::io::Result<Vec<u8>> {
    let is_visible = |start: &[u8]| start.last().is_some_and(|byte| !byte.is_ascii_whitespace());
    let blank = stream.peek(|start| is_visible(start) || start.len() == MAX_HEADER)?.len();
    let is_line = |start: &[u8]| start.len() >= blank && start.last() == Some(&b'\n');
    Ok(stream.peek(|start| is_line(start) || start.len() == MAX_HEADER)?.to_vec())
}

/// Returns the bytes that are not white space.
fn visible(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace())
}

fn broken(name: &str) -> impl Fn(std::io::Error) -> DataError {
    move |source| DataError::Broken { name: name.to_owned(), rows: 0, source }
}

/// Returns the format of a text stream.
///
/// It is JSON if it starts with an array of objects, JSON Lines if it starts with an object, HTML if it starts like a
/// page, a table if its first line names a text column among others, and plain text otherwise.
///
/// # Errors
/// If the stream cannot be read.
pub(super) fn text_format(stream: &mut Stream, name: &str, options: &ReadOptions) -> Result<Format, DataError> {
    if is_json_array(stream, name)? {
        return Ok(Format::Json);
    }
    if let [Some(b'{'), _] = first_two(stream).map_err(broken(name))? {
        return Ok(Format::JsonLines);
    }
    let start = first_line(stream).map_err(broken(name))?;
    let trimmed = start.trim_ascii_start();
    let starts_with = |tag: &[u8]| trimmed.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    Ok(match options.delimiter(&start) {
        _ if starts_with(b"<!doctype html") || starts_with(b"<html") => Format::Html,
        Some(b'\t') => Format::Tsv,
        Some(_) => Format::Csv,
        None => Format::Text,
    })
}
