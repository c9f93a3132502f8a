//! JSON Lines: one object a line. Those that were read go out byte by byte, with the added members behind their own.

use std::io::{self, Write};

use super::{RowWriter, Value, replaces};
use crate::article::{Cell, Line, Row};
use crate::error::DataError;

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
        let failed = |source| DataError::Write { source };
        self.line.clear();
        match &row.line {
            Some(Line::Json(line)) if !replaces(row, added) => appended(&mut self.line, line, added),
            _ => object(&mut self.line, row, added),
        }
        .map_err(failed)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line).map_err(failed)
    }

    fn finish(&mut self) -> Result<(), DataError> {
        self.out.flush().map_err(|source| DataError::Write { source })
    }
}

/// A row as one JSON object, to show it where its bytes are gone.
pub(crate) fn row_as_json(row: &Row) -> String {
    let mut line = Vec::new();
    // Writing into memory does not fail.
    let _ = object(&mut line, row, &[]);
    String::from_utf8_lossy(&line).into_owned()
}

/// The object as it was written, with members behind its own.
fn appended(line: &mut Vec<u8>, object: &str, added: &[(String, Value)]) -> io::Result<()> {
    let object = object.trim_end();
    line.extend_from_slice(object.strip_suffix('}').unwrap_or(object).as_bytes());
    members(line, added)?;
    line.push(b'}');
    Ok(())
}

fn object(line: &mut Vec<u8>, row: &Row, added: &[(String, Value)]) -> io::Result<()> {
    line.push(b'{');
    for (name, cell) in &row.columns {
        if added.iter().any(|(added, _)| **added == **name) {
            continue;
        }
        member(line, name)?;
        match cell {
            Cell::Text(text) => string(line, text)?,
            cell => line.extend_from_slice(cell.written().as_bytes()),
        }
    }
    members(line, added)?;
    line.push(b'}');
    Ok(())
}

fn members(line: &mut Vec<u8>, added: &[(String, Value)]) -> io::Result<()> {
    for (name, value) in added {
        member(line, name)?;
        match value {
            Value::Text(text) => string(line, text)?,
            value => line.extend_from_slice(value.written().as_deref().unwrap_or("null").as_bytes()),
        }
    }
    Ok(())
}

fn member(line: &mut Vec<u8>, name: &str) -> io::Result<()> {
    if line.len() > 1 {
        line.push(b',');
    }
    string(line, name)?;
    line.push(b':');
    Ok(())
}

fn string(line: &mut Vec<u8>, text: &str) -> io::Result<()> {
    serde_json::to_writer(line, text).map_err(io::Error::from)
}
