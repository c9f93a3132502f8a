//! Rows go out again: every input column as it came in, then the columns that were added.
//!
//! An input column that has the name of an added one gives way to it: labelling a corpus a second time replaces the
//! labels of the first, at the place of the added columns.

mod delimited;
mod jsonl;
mod output;

use std::io::Write;
use std::sync::Arc;

use crate::article::Row;
use crate::error::DataError;
use crate::format::Format;

pub(crate) use jsonl::row_as_json;
pub use output::{append, continue_at, create, is_compressed};

/// The value of an added column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A number, written with at most six decimals; one that is not finite is written as nothing.
    Number(f64),
    /// Nothing: `null` in JSON, an empty field in a table.
    Null,
}

/// Writes rows in one format.
pub trait RowWriter {
    /// Says which columns rows will have and which will be added, where that is known before the first row. A table
    /// then has its header even if no row follows. Nothing happens in formats without a header.
    fn header(&mut self, columns: &[Arc<str>], added: &[String]) -> Result<(), DataError> {
        let _ = (columns, added);
        Ok(())
    }

    /// Writes a row and the columns added to it.
    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError>;

    /// Hands everything written so far to the system and ends the compressed member, so that the output is whole.
    /// To be called at the end; rows may still follow, which makes every such point one to go on from.
    fn finish(&mut self) -> Result<(), DataError>;

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
        Format::Text => Err(DataError::TextOutput),
        Format::JsonLines => Ok(Box::new(jsonl::JsonLines::new(out))),
        Format::Csv => Ok(Box::new(delimited::Delimited::new(out, b',', header))),
        Format::Tsv => Ok(Box::new(delimited::Delimited::new(out, b'\t', header))),
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
