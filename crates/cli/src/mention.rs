//! What articles are asked about: columns from the command line, from a recipe or from the model.

use crate::arguments::MentionColumns;
use crate::failure::Usage;
use anyhow::Result;
use newsdesk_data::MentionFields;
use newsdesk_model::folder::{Manifest, MentionRecord};

/// The columns that the command line names.
pub fn given(columns: &MentionColumns) -> Option<MentionFields> {
    let field = columns.mention_field.clone()?;
    Some(MentionFields { field, start: columns.mention_start.clone(), end: columns.mention_end.clone() })
}

/// The columns for a model's articles: those of the command line, else those that it was trained with.
///
/// # Errors
/// If columns are named for a model that was not trained with any: the marks would mean nothing to it.
pub fn for_model(columns: &MentionColumns, manifest: &Manifest) -> Result<Option<MentionFields>> {
    match (given(columns), &manifest.mention) {
        (Some(fields), None) => {
            let message = format!(
                "Failed to ask about `{}`: the model `{}` looks at whole articles",
                fields.field, manifest.name
            );
            Err(Usage::new(message, "train one with `newsdesk train --mention-field`, or leave the option out").into())
        }
        (Some(fields), Some(_)) => Ok(Some(fields)),
        (None, record) => Ok(record.as_ref().map(|record| {
            let MentionRecord { field, start, end } = record.clone();
            MentionFields { field, start, end }
        })),
    }
}

/// What a model's manifest keeps of the columns that it was trained with.
pub fn record(fields: &MentionFields) -> MentionRecord {
    let MentionFields { field, start, end } = fields.clone();
    MentionRecord { field, start, end }
}
