//! The interface of all writers, and the values of added columns.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::DataError;
use crate::row::{Row, Table};

/// The number of pairs of names up to which comparing all of them is faster than hashing.
const MAX_COMPARED: usize = 256;

/// The value of an added column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A number. It is written with at most six decimals. A number that is not finite is written as null.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// No value: `null` in JSON, an empty field in CSV and TSV.
    Null,
}

/// How a CSV or TSV output is written, where this is not left to its input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableStyle {
    /// Whether it begins with a byte order mark, by which spreadsheets recognise UTF-8.
    pub byte_order_mark: bool,
    /// The byte between two fields of a CSV output. By default that of the input, or a comma.
    pub delimiter: Option<u8>,
}

/// Writes rows in one format.
pub trait RowWriter {
    /// Sets the style of a CSV or TSV output, before anything is written. Other formats ignore the call.
    fn set_style(&mut self, style: TableStyle) {
        let _ = style;
    }

    /// Declares the columns before the first row: those of the input, if they are known, and the added ones with
    /// example values.
    ///
    /// A table then has a header even if it has no rows. Formats without a header ignore the call.
    ///
    /// # Errors
    /// If the header cannot be written, the format does not support the type of a column, or an added column has the name
    /// of an input column.
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), DataError> {
        let _ = (table, added);
        Ok(())
    }

    /// Writes a row and its added columns.
    ///
    /// # Errors
    /// If the row does not fit the columns of the output (see [`DataError::as_reject`]), or cannot be written.
    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError>;

    /// Flushes all rows to the operating system and ends the open compressed member, so that the output can be read up
    /// to here.
    ///
    /// More rows may follow. An interrupted output can be continued from such a point.
    ///
    /// # Errors
    /// If the rows cannot be written.
    fn finish(&mut self) -> Result<(), DataError>;

    /// Returns whether [`RowWriter::finish`] would write all rows so far. Otherwise some wait for more rows.
    fn may_finish(&self) -> bool {
        true
    }

    /// Ends the output. No row may follow. Some formats cannot be read before this call.
    ///
    /// # Errors
    /// If the rest of the output cannot be written.
    fn end(&mut self) -> Result<(), DataError> {
        self.finish()
    }

    /// Returns the columns of the written header, for formats that have one.
    fn columns(&self) -> Option<&[String]> {
        None
    }

    /// Called when the input pauses. Rows written so far should become visible soon.
    ///
    /// # Errors
    /// If the rows cannot be written.
    fn pause(&mut self) -> Result<(), DataError> {
        self.finish()
    }
}

/// Checks that no added column has the name of an input column, which would be lost.
///
/// # Errors
/// [`DataError::TakenName`].
pub(super) fn check_names<'c>(
    columns: impl ExactSizeIterator<Item = &'c str> + Clone,
    added: &[(String, Value)],
) -> Result<(), DataError> {
    let taken = if columns.len() * added.len() <= MAX_COMPARED {
        added.iter().find(|(name, _)| columns.clone().any(|column| column == name))
    } else {
        let columns: HashSet<&str> = columns.collect();
        added.iter().find(|(name, _)| columns.contains(name.as_str()))
    };
    taken.map_or(Ok(()), |(name, _)| Err(DataError::TakenName { column: name.clone() }))
}

/// Checks the names of a row's columns as [`check_names`] does.
///
/// # Errors
/// [`DataError::TakenName`].
pub(super) fn check_row(row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
    check_names(row.columns.iter().map(|(name, _)| &**name), added)
}

impl Value {
    /// Returns the value as text, or `None` for null.
    pub fn raw_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Number(value) => format_number(*value).map(Cow::Owned),
            Value::Integer(value) => Some(Cow::Owned(value.to_string())),
            Value::Null => None,
        }
    }
}

/// Formats a number with at most six decimals and no trailing zeros: `0.9731`, `3`. Returns `None` if it is not finite.
fn format_number(value: f64) -> Option<String> {
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
    fn numbers_have_no_trailing_zeros() {
        assert_eq!(format_number(f64::from(0.9731_f32)).as_deref(), Some("0.9731"));
        assert_eq!(format_number(1.0).as_deref(), Some("1"));
        assert_eq!(format_number(0.0).as_deref(), Some("0"));
        assert_eq!(format_number(-1e-9).as_deref(), Some("0"));
        assert_eq!(format_number(1200.0).as_deref(), Some("1200"));
        assert_eq!(format_number(0.1234567).as_deref(), Some("0.123457"));
        assert_eq!(format_number(f64::NAN), None);
        assert_eq!(format_number(f64::INFINITY), None);
    }
}
