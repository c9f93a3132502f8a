//! Refuses a source of JSON objects whose first rows all lack the text, as with a misspelt column. Tables have a header that
//! shows this; JSON objects do not.

use super::error::ReadError;
use crate::error::DataError;
use crate::remedy::{ColumnRole, Remedy};
use crate::row::Row;

/// The number of rows without a text at the beginning of a source after which it is refused.
const FIRST_ROWS: usize = 20;

/// Returns the rows, which begin with those that were read to check them. `field` is the requested text column. Reads one
/// row if that has a text, so rows of a slow pipe are not held back.
///
/// # Errors
/// If the source begins with 20 rows without a text, or is a rejects file.
pub(super) fn refuse_missing_text<I: Iterator<Item = Result<Row, ReadError>>>(
    mut rows: I,
    name: &str,
    field: Option<&str>,
) -> Result<impl Iterator<Item = Result<Row, ReadError>> + use<I>, DataError> {
    let mut first = Vec::new();
    while first.len() < FIRST_ROWS {
        let Some(row) = rows.next() else { break };
        let lacks_text = names_columns(&row).is_some();
        first.push(row);
        if !lacks_text {
            break;
        }
    }
    if let Some(Err(ReadError::Reject(reject))) = first.first()
        && let Some(Remedy::UnpackRejects { name }) = reject.remedy.as_deref()
    {
        return Err(DataError::RejectsFile { name: name.clone() });
    }
    let columns = first.last().and_then(names_columns);
    if let Some(columns) = columns.filter(|_| first.len() == FIRST_ROWS) {
        let (name, columns) = (name.to_owned(), columns.to_vec());
        return Err(match field {
            Some(column) => DataError::NoColumn { name, column: column.to_owned(), role: ColumnRole::Text, columns },
            None => DataError::NoTextColumn { name, columns },
        });
    }
    Ok(first.into_iter().chain(rows))
}

/// Returns the columns of a row that is rejected because its text column is missing.
fn names_columns(row: &Result<Row, ReadError>) -> Option<&[String]> {
    match row {
        Err(ReadError::Reject(reject)) => match reject.remedy.as_deref() {
            Some(Remedy::NameTextColumn { columns }) => Some(columns),
            _ => None,
        },
        _ => None,
    }
}
