//! The columns of several sources together. A table needs them for its header, before the first row.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::ReadError;
use super::options::ReadOptions;
use super::reader::read;
use crate::error::DataError;
use crate::open::Source;

/// Returns the columns of all sources, each once, in the order in which they occur.
///
/// Of a table only the header is read. JSON Lines and texts are read to the end. Rejects and broken streams are ignored
/// here; they are reported when the rows are read for good.
///
/// # Errors
/// If a source cannot be opened, or its header cannot be read.
pub fn all_columns(sources: &[Source], options: &ReadOptions) -> Result<Vec<Arc<str>>, DataError> {
    let (mut columns, mut known) = (Vec::new(), HashSet::new());
    let mut add = |name: &Arc<str>| {
        if !known.contains(name) {
            known.insert(Arc::clone(name));
            columns.push(Arc::clone(name));
        }
    };
    for source in sources {
        let rows = read(source, options)?;
        if let Some(table) = rows.table() {
            table.columns.iter().for_each(&mut add);
            continue;
        }
        for row in rows {
            match row {
                Ok(row) => row.columns.iter().for_each(|(name, _)| add(name)),
                Err(ReadError::Reject(_)) => {}
                // The rows before the break can still be converted.
                Err(ReadError::Fatal(_)) => break,
            }
        }
    }
    Ok(columns)
}
