//! CSV and TSV: a header made of the input's, or the first row's, columns and the added ones, then one record a row.
//!
//! What comes from such a table goes out as it was written, in its dialect, with the added fields behind its own.
//!
//! JSON strings are written as what they say, `null` as nothing, other JSON values as their raw text. A later row
//! may lack columns, which stay empty; a column that the header does not have is an error, since it would be lost.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{RowWriter, Value, replaces};
use crate::article::{Cell, Line, Row};
use crate::error::DataError;
use crate::open::BYTE_ORDER_MARK;
use crate::table::{Dialect, Table, TableForm};

/// Most rows of a table are shorter; longer ones make it grow.
const BUFFER: usize = 1024;

pub(super) struct Delimited {
    out: Box<dyn Write + Send>,
    delimiter: u8,
    crlf: bool,
    /// The columns of the output, once they are known.
    header: Option<Vec<String>>,
    /// Whether the header stands there since we wrote it, and not since an earlier start: it settles how rows are written.
    began: bool,
    /// How many of them, the first ones, are those of the input in its order; rows are then put out as they were.
    as_read: Option<usize>,
}

impl Delimited {
    pub fn new(out: Box<dyn Write + Send>, delimiter: u8, header: Option<Vec<String>>) -> Delimited {
        Delimited { out, delimiter, crlf: false, header, began: false, as_read: None }
    }

    /// Takes on the ways of an input. TAB-separated values stay what their name says.
    fn take_on(&mut self, dialect: &Dialect) -> bool {
        if (self.delimiter == b'\t') != (dialect.delimiter == b'\t') {
            return false;
        }
        (self.delimiter, self.crlf) = (dialect.delimiter, dialect.crlf);
        true
    }

    fn record<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) -> Result<(), DataError> {
        let line = self.fields(fields)?;
        self.line(&line)
    }

    /// Fields with delimiters between them, in quotes where they need them.
    fn fields<'a>(&self, fields: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, DataError> {
        let mut csv = csv::WriterBuilder::new().delimiter(self.delimiter).buffer_capacity(BUFFER).from_writer(vec![]);
        csv.write_record(fields).map_err(failed)?;
        let mut line = csv.into_inner().map_err(|error| DataError::Write { source: error.into_error() })?;
        line.pop();
        Ok(line)
    }

    /// Adds fields to a line that has some.
    fn append<'a>(&self, line: &mut Vec<u8>, fields: impl IntoIterator<Item = &'a str>) -> Result<(), DataError> {
        let mut fields = fields.into_iter().peekable();
        if fields.peek().is_some() {
            line.push(self.delimiter);
            // A field that stands before them keeps an empty one alone from being put in quotes.
            let all = self.fields(std::iter::once("").chain(fields))?;
            line.extend_from_slice(&all[1..]);
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), DataError> {
        let line_break: &[u8] = if self.crlf { b"\r\n" } else { b"\n" };
        let written = self.out.write_all(line).and_then(|()| self.out.write_all(line_break));
        written.map_err(|source| DataError::Write { source })
    }

    /// The row as it was read, if its columns are the first ones of the header.
    fn line_of<'r>(&self, row: &'r Row) -> Option<&'r str> {
        match (&row.line, &self.header, self.as_read) {
            (Some(Line::Delimited(line, delimiter)), Some(header), Some(count))
                if *delimiter == self.delimiter
                    && count == row.columns.len()
                    && row.columns.iter().zip(header).all(|((name, _), column)| **name == **column) =>
            {
                Some(line)
            }
            _ => None,
        }
    }
}

impl RowWriter for Delimited {
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), DataError> {
        let Some(table) = table.filter(|_| !self.began) else { return Ok(()) };
        let is_added = |column: &str| added.iter().any(|(name, _)| *name == *column);
        let is_replaced = table.columns.iter().any(|column| is_added(column));
        let dialect = match &table.form {
            TableForm::Delimited(dialect) if self.take_on(dialect) => Some(dialect),
            _ => None,
        };
        if dialect.is_some() && !is_replaced {
            self.as_read = Some(table.columns.len());
        }
        if self.header.is_some() {
            return Ok(());
        }
        let kept = table.columns.iter().filter(|name| !is_added(name)).map(|name| name.to_string());
        let header: Vec<String> = kept.chain(added.iter().map(|(name, _)| name.clone())).collect();
        if dialect.is_some_and(|dialect| dialect.byte_order_mark) {
            self.out.write_all(BYTE_ORDER_MARK).map_err(|source| DataError::Write { source })?;
        }
        match dialect {
            Some(dialect) if !is_replaced => {
                let mut line = dialect.header.clone().into_bytes();
                self.append(&mut line, added.iter().map(|(name, _)| name.as_str()))?;
                self.line(&line)?;
            }
            _ => self.record(header.iter().map(String::as_str))?,
        }
        self.began = true;
        self.header = Some(header);
        Ok(())
    }

    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        if let Some(line) = self.line_of(row).filter(|_| !replaces(row, added)) {
            let values: Vec<Cow<'_, str>> = added.iter().map(|(_, value)| value_text(value)).collect();
            let mut line = line.as_bytes().to_vec();
            self.append(&mut line, values.iter().map(|value| &**value))?;
            return self.line(&line);
        }
        let kept = row.columns.iter().filter(|(name, _)| !added.iter().any(|(added, _)| **added == **name));
        let mut values: Vec<(&str, Cow<'_, str>)> = kept.map(|(name, cell)| (&**name, cell_text(cell))).collect();
        values.extend(added.iter().map(|(name, value)| (name.as_str(), value_text(value))));

        if self.header.is_none() {
            let header: Vec<String> = values.iter().map(|(name, _)| name.to_string()).collect();
            self.record(header.iter().map(String::as_str))?;
            self.began = true;
            self.header = Some(header);
        }
        let header = self.header.as_deref().unwrap_or_default();
        // Rows mostly have the columns of the header in its order: look there first.
        let place = |at: usize, name: &str| match header.get(at) {
            Some(column) if column == name => Some(at),
            _ => header.iter().position(|column| column == name),
        };
        let mut record = vec![""; header.len()];
        for (at, (name, value)) in values.iter().enumerate() {
            let Some(at) = place(at, name) else {
                return Err(DataError::NewColumn { position: row.position.clone(), column: name.to_string() });
            };
            record[at] = value;
        }
        let line = self.fields(record)?;
        self.line(&line)
    }

    fn columns(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    fn finish(&mut self) -> Result<(), DataError> {
        self.out.flush().map_err(|source| DataError::Write { source })
    }
}

fn cell_text(cell: &Cell) -> Cow<'_, str> {
    match cell {
        cell if cell.is_null() => Cow::Borrowed(""),
        Cell::Typed(typed) if typed.as_text().is_none() => {
            let json = cell.written();
            // Points in time and the like are texts in JSON.
            serde_json::from_str::<String>(&json).map_or(json, Cow::Owned)
        }
        cell => cell.as_text().unwrap_or_else(|| cell.written()),
    }
}

fn value_text(value: &Value) -> Cow<'_, str> {
    value.written().unwrap_or_default()
}

fn failed(error: csv::Error) -> DataError {
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        other => io::Error::other(format!("{other:?}")),
    };
    DataError::Write { source }
}
