//! Where a row is in a corpus.

use std::fmt;
use std::sync::Arc;

/// Where a row is in a corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The name of the file, or `<stdin>`.
    pub source: Arc<str>,
    /// The number of the row, from 1: the line of a JSON Lines file, the record of a CSV or TSV file without its
    /// header, the row of a typed table.
    pub row: u64,
    /// The line on which the row starts, from 1. 0 in typed tables, which have no lines.
    pub line: u64,
    /// The byte at which the row starts in the decompressed stream. 0 in typed tables, which store columns apart.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Position::write(out, &self.source, self.row, self.line)
    }
}

impl Position {
    /// Writes a position as messages show it.
    pub(crate) fn write(out: &mut fmt::Formatter<'_>, source: &str, row: u64, line: u64) -> fmt::Result {
        match line {
            0 => write!(out, "`{source}`, row {row}"),
            line if line == row => write!(out, "`{source}`, line {line}"),
            line => write!(out, "`{source}`, row {row} (line {line})"),
        }
    }
}
