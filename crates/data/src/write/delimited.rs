//! Writes CSV and TSV: a header with the columns of the input (or of the first row) and the added ones, then one record
//! per row.
//!
//! Records that were read from such a table are written unchanged, in its dialect, with the added fields at their end.
//!
//! JSON strings are decoded, `null` becomes an empty field, and other JSON values are written as their raw text. A row
//! may lack columns, whose fields stay empty. A column that is not in the header is an error, because its value would
//! be lost.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

use super::row_writer::{RowWriter, TableStyle, Value, check_names, check_row};
use crate::error::DataError;
use crate::open::BYTE_ORDER_MARK;
use crate::row::{Cell, Dialect, RawLine, Row, Table, TableForm};

/// The initial capacity for a record. Most records are shorter, and a longer one makes it grow.
const BUFFER: usize = 1024;

pub(super) struct Delimited {
    out: Box<dyn Write + Send>,
    delimiter: u8,
    crlf: bool,
    style: TableStyle,
    /// The columns of the output, once they are known.
    header: Option<Vec<String>>,
    /// The index of each column, once a row has them in another order.
    index: HashMap<String, usize>,
    /// Whether this writer wrote the header, and not an earlier run. The dialect is then fixed.
    started: bool,
    /// The number of input columns, if the header starts with them in their order. Raw lines can then be written
    /// unchanged.
    raw_columns: Option<usize>,
}

impl Delimited {
    pub fn new(out: Box<dyn Write + Send>, delimiter: u8, header: Option<Vec<String>>) -> Delimited {
        Delimited {
            out,
            delimiter,
            crlf: false,
            style: TableStyle::default(),
            header,
            index: HashMap::new(),
            started: false,
            raw_columns: None,
        }
    }

    /// Adopts the dialect of an input. Returns false, and keeps its own, if only one of the two is separated by tabs, or
    /// another delimiter was asked for.
    fn adopt(&mut self, dialect: &Dialect) -> bool {
        let is_other = self.style.delimiter.is_some_and(|delimiter| delimiter != dialect.delimiter);
        if is_other || (self.delimiter == b'\t') != (dialect.delimiter == b'\t') {
            return false;
        }
        (self.delimiter, self.crlf) = (dialect.delimiter, dialect.crlf);
        true
    }

    /// Begins the output, if asked for, with a byte order mark.
    fn begin(&mut self, byte_order_mark: bool) -> Result<(), DataError> {
        let mark = if byte_order_mark || self.style.byte_order_mark { BYTE_ORDER_MARK } else { b"" };
        self.out.write_all(mark).map_err(|source| DataError::Write { source })
    }

    fn write_record<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) -> Result<(), DataError> {
        let line = self.join_fields(fields)?;
        self.write_line(&line)
    }

    /// Returns fields with delimiters between them, and with quotes where needed.
    fn join_fields<'a>(&self, fields: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, DataError> {
        let mut csv = csv::WriterBuilder::new().delimiter(self.delimiter).buffer_capacity(BUFFER).from_writer(vec![]);
        csv.write_record(fields).map_err(failed)?;
        let mut line = csv.into_inner().map_err(|error| DataError::Write { source: error.into_error() })?;
        line.pop();
        Ok(line)
    }

    /// Appends fields to a line that has fields already.
    fn append_fields<'a>(
        &self,
        line: &mut Vec<u8>,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), DataError> {
        let mut fields = fields.into_iter().peekable();
        if fields.peek().is_some() {
            line.push(self.delimiter);
            // The CSV writer quotes an empty field if it is the only one of its record, so another one is put before
            // it.
            let all = self.join_fields(std::iter::once("").chain(fields))?;
            line.extend_from_slice(&all[1..]);
        }
        Ok(())
    }

    fn write_line(&mut self, line: &[u8]) -> Result<(), DataError> {
        let line_break: &[u8] = if self.crlf { b"\r\n" } else { b"\n" };
        let written = self.out.write_all(line).and_then(|()| self.out.write_all(line_break));
        written.map_err(|source| DataError::Write { source })
    }

    /// Returns the line that the row was read from, if the header starts with its columns.
    fn raw_line<'r>(&self, row: &'r Row) -> Option<&'r str> {
        match (&row.raw_line, &self.header, self.raw_columns) {
            (Some(RawLine::Delimited(line, delimiter)), Some(header), Some(count))
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
    fn set_style(&mut self, style: TableStyle) {
        self.style = style;
        self.delimiter = style.delimiter.unwrap_or(self.delimiter);
    }

    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), DataError> {
        let Some(table) = table.filter(|_| !self.started) else { return Ok(()) };
        check_names(table.columns.iter().map(|name| &**name), added)?;
        let dialect = match &table.form {
            TableForm::Delimited(dialect) if self.adopt(dialect) => Some(dialect),
            _ => None,
        };
        let raw_header = dialect.and_then(|dialect| dialect.header.as_deref());
        if raw_header.is_some() {
            self.raw_columns = Some(table.columns.len());
        }
        if self.header.is_some() {
            return Ok(());
        }
        let kept = table.columns.iter().map(|name| name.to_string());
        let header: Vec<String> = kept.chain(added.iter().map(|(name, _)| name.clone())).collect();
        self.begin(dialect.is_some_and(|dialect| dialect.byte_order_mark))?;
        match raw_header {
            Some(raw_header) => {
                let mut line = raw_header.as_bytes().to_vec();
                self.append_fields(&mut line, added.iter().map(|(name, _)| name.as_str()))?;
                self.write_line(&line)?;
            }
            None => self.write_record(header.iter().map(String::as_str))?,
        }
        self.started = true;
        self.header = Some(header);
        Ok(())
    }

    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        check_row(row, added)?;
        if let Some(line) = self.raw_line(row) {
            let values: Vec<Cow<'_, str>> = added.iter().map(|(_, value)| value_text(value)).collect();
            let mut line = line.as_bytes().to_vec();
            self.append_fields(&mut line, values.iter().map(|value| &**value))?;
            return self.write_line(&line);
        }
        let kept = row.columns.iter();
        let mut values: Vec<(&str, Cow<'_, str>)> = kept.map(|(name, cell)| (&**name, cell_text(cell))).collect();
        values.extend(added.iter().map(|(name, value)| (name.as_str(), value_text(value))));

        if self.header.is_none() {
            let header: Vec<String> = values.iter().map(|(name, _)| name.to_string()).collect();
            self.begin(false)?;
            self.write_record(header.iter().map(String::as_str))?;
            self.started = true;
            self.header = Some(header);
        }
        let header = self.header.as_deref().unwrap_or_default();
        // Most rows have the columns of the header in its order, so the same index is tried first.
        let is_ordered = values.iter().zip(header).all(|((name, _), column)| name == column);
        if !is_ordered && self.index.is_empty() {
            self.index = header.iter().enumerate().map(|(index, column)| (column.clone(), index)).collect();
        }
        let find = |index: usize, name: &str| match header.get(index) {
            Some(column) if column == name => Some(index),
            _ => self.index.get(name).copied(),
        };
        let mut record = vec![""; header.len()];
        for (index, (name, value)) in values.iter().enumerate() {
            let Some(index) = find(index, name) else {
                return Err(DataError::NewColumn { position: row.position.clone(), column: name.to_string() });
            };
            record[index] = value;
        }
        let line = self.join_fields(record)?;
        self.write_line(&line)
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
            let json = cell.raw_text();
            // JSON writes timestamps and similar values as strings.
            serde_json::from_str::<String>(&json).map_or(json, Cow::Owned)
        }
        cell => cell.as_text().unwrap_or_else(|| cell.raw_text()),
    }
}

fn value_text(value: &Value) -> Cow<'_, str> {
    value.raw_text().unwrap_or_default()
}

fn failed(error: csv::Error) -> DataError {
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        other => io::Error::other(format!("{other:?}")),
    };
    DataError::Write { source }
}
