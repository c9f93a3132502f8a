//! Rejects of rows that were read: they do not fit the output, or a caller sets them aside.

use super::jsonl::row_to_json;
use crate::error::DataError;
use crate::reject::Reject;
use crate::remedy::Remedy;
use crate::row::Row;

impl DataError {
    /// Returns the reject of a row that does not fit the columns of the output. Nothing of the row was written.
    ///
    /// Returns `None` for any other error, which concerns the output as a whole.
    pub fn as_reject(&self, row: &Row) -> Option<Reject> {
        let cause = match self {
            DataError::NewColumn { column, .. } => format!("the column `{column}` is not in the header of the output"),
            DataError::TakenName { column } => format!("the column `{column}` has the name of an added column"),
            DataError::OtherType { column, cause, .. } => format!("the column `{column}` {cause}"),
            _ => return None,
        };
        Some(Reject::new(row.position.clone(), cause, self.remedy(), row_to_json(row)))
    }
}

impl Reject {
    /// Returns the reject of a row that a caller sets aside for this cause.
    pub fn set_aside(row: &Row, cause: String, remedy: Option<Remedy>) -> Reject {
        Reject::new(row.position.clone(), cause, remedy, row_to_json(row))
    }
}
