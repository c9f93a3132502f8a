//! Decides which input columns a run writes, and how its added columns are called.

use crate::column_names::{ColumnNames, ColumnNotes};
use crate::columns::PredictionColumns;
use crate::error::RunError;
use crate::reader::{Header, RunOptions};
use crate::state::RunState;
use newsdesk_data::ColumnSelection;
use std::collections::HashSet;

/// The columns of a run's output.
pub(crate) struct ColumnChoice {
    /// The added columns, with their names.
    pub columns: PredictionColumns,
    /// The input columns that are written.
    pub selection: ColumnSelection,
    /// What is reported to the user.
    pub notes: ColumnNotes,
}

impl ColumnChoice {
    /// Decides by the columns of the input, and records the names in the state. A resumed run keeps the names that its
    /// state has. `other` are the added columns that belong to no head, by their usual names.
    ///
    /// # Errors
    /// If the input does not have a selected column, or has columns with all names that an added column may get.
    pub fn new(
        columns: &PredictionColumns,
        options: &RunOptions,
        header: &Header,
        other: &[&str],
        state: &mut RunState,
    ) -> Result<Self, RunError> {
        let named =
            options.columns.as_ref().map(|names| names.iter().map(|name| found(name, header)).collect::<Vec<_>>());
        let selected = named.as_deref().map_or_else(ColumnSelection::default, ColumnSelection::only);
        // Runs of older versions overwrote columns without being told to.
        let is_older = state.rows > 0 && state.names.is_none();
        let overwrite = options.overwrite_columns || is_older;
        let mut notes = ColumnNotes::default();
        let names = match state.names.take() {
            Some(names) => names,
            None => {
                notes.not_seen = not_seen(named.unwrap_or_default(), header)?;
                let written = header.columns.iter().map(|name| &**name).filter(|name| selected.contains(name));
                let taken = if overwrite { HashSet::new() } else { written.collect() };
                let unwritten = unwritten(options, header, &selected);
                ColumnNames { unwritten, ..columns.choose_names(&taken, other)? }
            }
        };
        let columns = columns.clone().with_names(&names);
        notes.renamed = columns.renamed(&names);
        state.names = Some(names);
        let mut choice = Self { columns, selection: selected, notes };
        if overwrite {
            let of_heads = choice.columns.example().into_iter().map(|(name, _)| name);
            let added: Vec<String> = of_heads.chain(other.iter().map(|name| choice.columns.other_name(name))).collect();
            let is_replaced = |name: &&String| header.columns.iter().any(|column| **column == ***name);
            choice.notes.replaced = added.iter().filter(is_replaced).cloned().collect();
            choice.selection = choice.selection.without(added);
        }
        Ok(choice)
    }
}

/// Returns a selected name as the input has it: exactly, or else without white space around it.
fn found(name: &str, header: &Header) -> String {
    let is_exact = header.columns.iter().any(|column| **column == *name);
    if is_exact { name.to_owned() } else { name.trim().to_owned() }
}

/// Returns the selected columns that the input does not have so far, if they may still follow.
///
/// # Errors
/// If they cannot follow.
fn not_seen(named: Vec<String>, header: &Header) -> Result<Vec<String>, RunError> {
    let is_unknown = |column: &String| !header.columns.iter().any(|known| **known == **column);
    let unknown: Vec<String> = named.into_iter().filter(is_unknown).collect();
    if unknown.is_empty() || header.is_partial {
        return Ok(unknown);
    }
    let known = header.columns.iter().map(|name| name.to_string()).collect();
    Err(RunError::UnknownColumns { columns: unknown, known })
}

/// Returns the columns that the model reads and that are not written.
fn unwritten(options: &RunOptions, header: &Header, selected: &ColumnSelection) -> Vec<String> {
    let columns: Vec<&str> = header.columns.iter().map(|name| &**name).collect();
    let read = options.read.article_columns_of(&columns);
    read.into_iter().filter(|name| !selected.contains(name)).map(str::to_owned).collect()
}
