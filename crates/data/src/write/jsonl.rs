//! Writes JSON Lines. Objects that were read as JSON Lines are written byte by byte, with the added fields at their
//! end.

use std::io::{self, Write};

use super::row_writer::{RowWriter, Value, check_row};
use crate::error::DataError;
use crate::row::{Cell, RawLine, Row};

pub(super) struct JsonLines {
    out: Box<dyn Write + Send>,
    line: Vec<u8>,
}

impl JsonLines {
    pub fn new(out: Box<dyn Write + Send>) -> JsonLines {
        JsonLines { out, line: Vec::new() }
    }
}

impl RowWriter for JsonLines {
    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        check_row(row, added)?;
        let failed = |source| DataError::Write { source };
        self.line.clear();
        match &row.raw_line {
            Some(RawLine::Json(line)) => extend_object(&mut self.line, line, added),
            _ => write_object(&mut self.line, row, added),
        }
        .map_err(failed)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line).map_err(failed)
    }

    fn finish(&mut self) -> Result<(), DataError> {
        self.out.flush().map_err(|source| DataError::Write { source })
    }
}

/// Returns a row as one JSON object. Rejects of formats without lines contain it.
pub(crate) fn row_to_json(row: &Row) -> String {
    let mut line = Vec::new();
    // Writing into memory does not fail.
    let _ = write_object(&mut line, row, &[]);
    String::from_utf8_lossy(&line).into_owned()
}

/// Writes an object as it was read, with the added fields at its end.
fn extend_object(line: &mut Vec<u8>, object: &str, added: &[(String, Value)]) -> io::Result<()> {
    let object = object.trim_end();
    line.extend_from_slice(object.strip_suffix('}').unwrap_or(object).as_bytes());
    write_fields(line, added)?;
    line.push(b'}');
    Ok(())
}

fn write_object(line: &mut Vec<u8>, row: &Row, added: &[(String, Value)]) -> io::Result<()> {
    line.push(b'{');
    for (name, cell) in &row.columns {
        write_name(line, name)?;
        match cell {
            Cell::Text(text) => write_string(line, text)?,
            cell => line.extend_from_slice(cell.raw_text().as_bytes()),
        }
    }
    write_fields(line, added)?;
    line.push(b'}');
    Ok(())
}

fn write_fields(line: &mut Vec<u8>, added: &[(String, Value)]) -> io::Result<()> {
    for (name, value) in added {
        write_name(line, name)?;
        match value {
            Value::Text(text) => write_string(line, text)?,
            value => line.extend_from_slice(value.raw_text().as_deref().unwrap_or("null").as_bytes()),
        }
    }
    Ok(())
}

fn write_name(line: &mut Vec<u8>, name: &str) -> io::Result<()> {
    if line.len() > 1 {
        line.push(b',');
    }
    write_string(line, name)?;
    line.push(b':');
    Ok(())
}

fn write_string(line: &mut Vec<u8>, text: &str) -> io::Result<()> {
    serde_json::to_writer(line, text).map_err(io::Error::from)
}
