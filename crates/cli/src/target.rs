//! Columns of the target in target-dependent sentiment: from the command line, or from the model's manifest.

use crate::arguments::TargetColumns;
use crate::failure::Usage;
use anyhow::Result;
use newsdesk_data::TargetFields;
use newsdesk_model::folder::{Manifest, TargetRecord};

/// Returns the columns that the command line names.
pub fn given(columns: &TargetColumns) -> Option<TargetFields> {
    let field = columns.target_field.clone()?;
    Some(TargetFields { field, start: columns.target_start.clone(), end: columns.target_end.clone() })
}

/// Returns the columns for the articles of a model: from the command line, or else those that it was trained with.
///
/// # Errors
/// If the command line names columns, and the model was trained without targets: it does not know the marks around them.
pub fn for_model(columns: &TargetColumns, manifest: &Manifest) -> Result<Option<TargetFields>> {
    match (given(columns), &manifest.target) {
        (Some(fields), None) => {
            let message = format!(
                "cannot use the target column `{}`: the model `{}` was trained without targets",
                fields.field, manifest.name
            );
            Err(Usage::new(message, "leave `--target-field` out, or train a model with it").into())
        }
        (Some(fields), Some(_)) => Ok(Some(fields)),
        (None, record) => Ok(record.as_ref().map(|record| {
            let TargetRecord { field, start, end } = record.clone();
            TargetFields { field, start, end }
        })),
    }
}

/// Returns what a model's manifest stores of the columns that it was trained with.
pub fn record(fields: &TargetFields) -> TargetRecord {
    let TargetFields { field, start, end } = fields.clone();
    TargetRecord { field, start, end }
}
