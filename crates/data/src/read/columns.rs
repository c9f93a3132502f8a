//! All columns that the rows of several sources have, for tables, whose header comes before the first row.

use std::collections::HashSet;
use std::sync::Arc;

use super::{ReadError, ReadOptions, read};
use crate::error::DataError;
use crate::source::Source;

/// The columns of all sources, each once, in the order in which they come. Of a table its header tells; JSON Lines and
/// texts are read through. What cannot be used is passed over here, and comes up when the rows are read.
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
                // The rows before the break are still worth converting.
                Err(ReadError::Fatal(_)) => break,
            }
        }
    }
    Ok(columns)
}
