//! Opens writers, and completes their files.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::output::continue_at_with;
use super::row_writer::RowWriter;
use super::{delimited, jsonl, typed};
use crate::error::DataError;
use crate::format::Format;

/// Returns a writer of this format.
///
/// # Errors
/// If rows cannot be written in the format.
pub fn writer(format: Format, out: Box<dyn Write + Send>) -> Result<Box<dyn RowWriter + Send>, DataError> {
    writer_after(format, out, None)
}

/// Returns a writer that continues an output. `header` contains the columns of a CSV or TSV header that is already
/// written.
///
/// # Errors
/// If rows cannot be written in the format.
pub fn writer_after(
    format: Format,
    out: Box<dyn Write + Send>,
    header: Option<Vec<String>>,
) -> Result<Box<dyn RowWriter + Send>, DataError> {
    match format {
        Format::Text | Format::Html | Format::Json | Format::Excel => Err(DataError::UnwritableFormat { format }),
        Format::JsonLines => Ok(Box::new(jsonl::JsonLines::new(out))),
        Format::Csv => Ok(Box::new(delimited::Delimited::new(out, b',', header))),
        Format::Tsv => Ok(Box::new(delimited::Delimited::new(out, b'\t', header))),
        Format::Arrow => Ok(Box::new(typed::Typed::new(typed::Stream::new(out, false)?))),
        Format::Parquet => Ok(Box::new(typed::Typed::new(typed::Parquet::new(out)))),
    }
}

/// Opens the partial file `path` of an output that will be called `named`, and returns a writer and the handle of the
/// file.
///
/// The first `length` bytes of the file are kept, and the rest is cut off. `header` contains the columns of a CSV or
/// TSV header that is already written. [`finish_file`] turns the partial file into the output.
///
/// # Errors
/// If the file cannot be opened, or is shorter than `length` bytes.
pub fn partial_writer(
    format: Format,
    path: &Path,
    named: &Path,
    length: u64,
    header: Option<Vec<String>>,
) -> Result<(Box<dyn RowWriter + Send>, File), DataError> {
    partial_writer_with(format, path, named, length, header, &|file| Box::new(file))
}

/// Opens a [`partial_writer`] whose bytes go through `wrap`, for callers that observe the writes or make them fail.
///
/// # Errors
/// As [`partial_writer`].
pub fn partial_writer_with(
    format: Format,
    path: &Path,
    named: &Path,
    length: u64,
    header: Option<Vec<String>>,
    wrap: &dyn Fn(File) -> Box<dyn Write + Send>,
) -> Result<(Box<dyn RowWriter + Send>, File), DataError> {
    if !format.is_columnar() {
        let (out, file) = continue_at_with(path, named, length, wrap)?;
        return Ok((writer_after(format, out, header)?, file));
    }
    let schema = if length > 0 { typed::schema_of(path)? } else { None };
    let (out, file) = continue_at_with(path, named, length, wrap)?;
    let stream = typed::Stream::new(out, format == Format::Parquet)?;
    let rows = match schema {
        None => typed::Typed::new(stream),
        Some(schema) => typed::Typed::after(stream.after(&schema)?, schema),
    };
    Ok((Box::new(rows), file))
}

/// Turns the partial file of a [`partial_writer`] that was ended into the output `named`.
///
/// # Errors
/// If the output cannot be written. The partial file is then kept.
pub fn finish_file(format: Format, path: &Path, named: &Path) -> Result<(), DataError> {
    match format {
        Format::Parquet => typed::finish_file(path, named),
        _ => newsdesk_files::finish(path, named).map_err(|source| DataError::Create { path: named.to_owned(), source }),
    }
}
