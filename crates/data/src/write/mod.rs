//! Rows go out again: every input column as it came in, then the columns that were added.
//!
//! An input column that has the name of an added one gives way to it: labelling a corpus a second time replaces the
//! labels of the first, at the place of the added columns.

mod delimited;
mod jsonl;
mod output;
mod typed;

use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::article::Row;
use crate::error::DataError;
use crate::format::Format;
use crate::table::Table;

pub(crate) use jsonl::row_as_json;
pub use output::{append, continue_at, create, is_compressed};

/// The value of an added column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A number, written with at most six decimals; one that is not finite is written as nothing.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// Nothing: `null` in JSON, an empty field in a table.
    Null,
}

/// Writes rows in one format.
pub trait RowWriter {
    /// Says, before the first row, which columns rows will have, where that is known, and which will be added, each with an
    /// example of its values. A table then has its header even if no row follows. Nothing happens in formats without one.
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), DataError> {
        let _ = (table, added);
        Ok(())
    }

    /// Writes a row and the columns added to it.
    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError>;

    /// Hands everything written so far to the system and ends the compressed member, so that the output is whole.
    /// Rows may still follow, which makes every such point one to go on from.
    fn finish(&mut self) -> Result<(), DataError>;

    /// Whether all rows so far are written by [`RowWriter::finish`]; otherwise some wait for more to come.
    fn may_finish(&self) -> bool {
        true
    }

    /// Ends the output: no row follows. Some formats are of no use without it.
    fn end(&mut self) -> Result<(), DataError> {
        self.finish()
    }

    /// The columns of the header that stands in the output, in formats that have one.
    fn columns(&self) -> Option<&[String]> {
        None
    }

    /// Called when the input makes a pause: what was written should become visible, now or soon.
    fn pause(&mut self) -> Result<(), DataError> {
        self.finish()
    }
}

/// A writer of this format.
pub fn writer(format: Format, out: Box<dyn Write + Send>) -> Result<Box<dyn RowWriter + Send>, DataError> {
    writer_after(format, out, None)
}

/// A writer that goes on with an output whose header, if it is a table, stands there already.
pub fn writer_after(
    format: Format,
    out: Box<dyn Write + Send>,
    header: Option<Vec<String>>,
) -> Result<Box<dyn RowWriter + Send>, DataError> {
    match format {
        Format::Text | Format::Html => Err(DataError::TextOutput),
        Format::JsonLines => Ok(Box::new(jsonl::JsonLines::new(out))),
        Format::Csv => Ok(Box::new(delimited::Delimited::new(out, b',', header))),
        Format::Tsv => Ok(Box::new(delimited::Delimited::new(out, b'\t', header))),
        Format::Arrow => Ok(Box::new(typed::Typed::new(typed::Stream::new(out, false)?))),
        Format::Parquet => Ok(Box::new(typed::Typed::new(typed::Parquet::new(out)))),
    }
}

/// A writer into a file that grows until [`settle`] makes it the output called `named`, and the handle of the file. Its first `length`
/// bytes stand, what comes after them is cut off; `header` is that of a table of texts which stands there.
///
/// # Errors
/// If the file cannot be opened, or is shorter than that.
pub fn partial_writer(
    format: Format,
    path: &Path,
    named: &Path,
    length: u64,
    header: Option<Vec<String>>,
) -> Result<(Box<dyn RowWriter + Send>, File), DataError> {
    if !format.is_in_blocks() {
        let (out, file) = continue_at(path, named, length)?;
        return Ok((writer_after(format, out, header)?, file));
    }
    let schema = if length > 0 { typed::schema_of(path)? } else { None };
    let (out, file) = continue_at(path, named, length)?;
    let stream = typed::Stream::new(out, format == Format::Parquet)?;
    let rows = match schema {
        None => typed::Typed::new(stream),
        Some(schema) => typed::Typed::after(stream.after(&schema)?, schema),
    };
    Ok((Box::new(rows), file))
}

/// Makes the output out of the file that a [`partial_writer`] ended.
///
/// # Errors
/// If it cannot be written. The file is then still there.
pub fn settle(format: Format, path: &Path, named: &Path) -> Result<(), DataError> {
    match format {
        Format::Parquet => typed::settle(path, named),
        _ => std::fs::rename(path, named).map_err(|source| DataError::Create { path: named.to_owned(), source }),
    }
}

/// Whether an added column has the name of one of the row's, which gives way to it.
fn replaces(row: &Row, added: &[(String, Value)]) -> bool {
    added.iter().any(|(name, _)| row.column(name).is_some())
}

impl Value {
    /// What stands for it in a text; nothing where there is nothing.
    pub fn written(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Number(value) => number(*value).map(Cow::Owned),
            Value::Integer(value) => Some(Cow::Owned(value.to_string())),
            Value::Null => None,
        }
    }
}

/// A number with at most six decimals, and no more than it needs: `0.9731`, `3`. `None` where it is not finite.
fn number(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let digits = format!("{value:.6}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    Some(if digits == "-0" { "0" } else { digits }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(f64::from(0.9731_f32)).as_deref(), Some("0.9731"));
        assert_eq!(number(1.0).as_deref(), Some("1"));
        assert_eq!(number(0.0).as_deref(), Some("0"));
        assert_eq!(number(-1e-9).as_deref(), Some("0"));
        assert_eq!(number(1200.0).as_deref(), Some("1200"));
        assert_eq!(number(0.1234567).as_deref(), Some("0.123457"));
        assert_eq!(number(f64::NAN), None);
        assert_eq!(number(f64::INFINITY), None);
    }
}
