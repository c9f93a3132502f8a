//! CSV and TSV: a header made of the input's, or the first row's, columns and the added ones, then one record a row.
//!
//! JSON strings are written as what they say, `null` as nothing, other JSON values as their raw text. A later row
//! may lack columns, which stay empty; a column that the header does not have is an error, since it would be lost.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

use super::{RowWriter, Value, number};
use crate::article::{Cell, Row};
use crate::error::DataError;

pub(super) struct Delimited {
    csv: csv::Writer<Box<dyn Write + Send>>,
    /// The columns of the output, once they are known.
    header: Option<Vec<String>>,
}

impl Delimited {
    pub fn new(out: Box<dyn Write + Send>, delimiter: u8, header: Option<Vec<String>>) -> Delimited {
        Delimited { csv: csv::WriterBuilder::new().delimiter(delimiter).from_writer(out), header }
    }
}

impl RowWriter for Delimited {
    fn header(&mut self, columns: &[Arc<str>], added: &[String]) -> Result<(), DataError> {
        if self.header.is_none() {
            let kept = columns.iter().filter(|name| !added.iter().any(|added| **added == ***name));
            let header: Vec<String> = kept.map(|name| name.to_string()).chain(added.iter().cloned()).collect();
            self.csv.write_record(&header).map_err(failed)?;
            self.header = Some(header);
        }
        Ok(())
    }

    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        let kept = row.columns.iter().filter(|(name, _)| !added.iter().any(|(added, _)| **added == **name));
        let mut values: Vec<(&str, Cow<'_, str>)> = kept.map(|(name, cell)| (&**name, cell_text(cell))).collect();
        values.extend(added.iter().map(|(name, value)| (name.as_str(), value_text(value))));

        let header = match &self.header {
            Some(header) => header,
            None => {
                let header: Vec<String> = values.iter().map(|(name, _)| name.to_string()).collect();
                self.csv.write_record(&header).map_err(failed)?;
                self.header.insert(header)
            }
        };
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
        self.csv.write_record(&record).map_err(failed)
    }

    fn columns(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    fn finish(&mut self) -> Result<(), DataError> {
        self.csv.flush().map_err(|source| DataError::Write { source })
    }
}

fn cell_text(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Json(_) if cell.is_null() => Cow::Borrowed(""),
        Cell::Json(raw) => cell.as_text().unwrap_or(Cow::Borrowed(raw.get())),
    }
}

fn value_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Number(value) => number(*value).map_or(Cow::Borrowed(""), Cow::Owned),
        Value::Null => Cow::Borrowed(""),
    }
}

fn failed(error: csv::Error) -> DataError {
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        other => io::Error::other(format!("{other:?}")),
    };
    DataError::Write { source }
}
