//! The columns of a source as far as its beginning shows them. A run chooses the names of its added columns by them.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::ReadError;
use super::options::ReadOptions;
use super::reader::read;
use crate::error::DataError;
use crate::open::Source;

/// Returns the columns of a table, or those of the first `rows` rows of another format, each once.
///
/// # Errors
/// If the source cannot be opened, or its header cannot be read.
pub fn first_columns(source: &Source, options: &ReadOptions, rows: usize) -> Result<Vec<Arc<str>>, DataError> {
    let reader = read(source, options)?;
    if let Some(table) = reader.table() {
        return Ok(table.columns.clone());
    }
    let (mut columns, mut known) = (Vec::new(), HashSet::new());
    for row in reader.take(rows) {
        match row {
            Ok(row) => {
                for (name, _) in &row.columns {
                    if !known.contains(name) {
                        known.insert(Arc::clone(name));
                        columns.push(Arc::clone(name));
                    }
                }
            }
            Err(ReadError::Reject(_)) => {}
            // It is reported when the rows are read for good.
            Err(ReadError::Fatal(_)) => break,
        }
    }
    Ok(columns)
}
