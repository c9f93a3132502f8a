//! Which input columns are written.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::Schema;
use serde_json::value::RawValue;

use crate::row::{Cell, Dialect, RawLine, Row, Table, TableForm};

/// Which input columns are written, and in which order. By default all are written, in their order.
#[derive(Debug, Clone, Default)]
pub struct ColumnSelection {
    only: Option<Vec<Arc<str>>>,
    without: HashSet<String>,
}

/// The columns of a row before some of them were left out.
pub struct AllColumns {
    columns: Vec<(Arc<str>, Cell)>,
    raw_line: Option<RawLine>,
}

impl ColumnSelection {
    /// Returns the selection of these columns, in this order. A row that lacks one of them gets a null value.
    pub fn only(columns: &[String]) -> ColumnSelection {
        let only = columns.iter().map(|column| column.as_str().into()).collect();
        ColumnSelection { only: Some(only), without: HashSet::new() }
    }

    /// Leaves these columns out as well.
    pub fn without(mut self, columns: impl IntoIterator<Item = String>) -> ColumnSelection {
        self.without.extend(columns);
        self
    }

    /// Returns whether a column is written if a row has it.
    pub fn contains(&self, column: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| **name == *column))
            && !self.without.contains(column)
    }

    /// Returns the part of a table that is written.
    pub fn table(&self, table: Table) -> Table {
        if self.is_complete(table.columns.iter()) {
            return table;
        }
        let columns = match &self.only {
            Some(only) => only.iter().filter(|name| !self.without.contains(&***name)).cloned().collect(),
            None => table.columns.iter().filter(|name| self.contains(name)).cloned().collect::<Vec<_>>(),
        };
        let form = match table.form {
            TableForm::Named => TableForm::Named,
            TableForm::Delimited(dialect) => TableForm::Delimited(Dialect { header: None, ..dialect }),
            TableForm::Typed(schema) => {
                let field = |name: &Arc<str>| schema.fields().iter().find(|field| *field.name() == **name).cloned();
                let fields: Vec<_> = columns.iter().filter_map(field).collect();
                TableForm::Typed(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
            }
        };
        Table { columns, form }
    }

    /// Leaves columns of a row out. Returns the columns that it had, or `None` if nothing changes.
    pub fn apply(&self, row: &mut Row) -> Option<AllColumns> {
        if self.is_complete(row.columns.iter().map(|(name, _)| name)) {
            return None;
        }
        let selected = match &self.only {
            Some(only) => {
                let cell = |(index, name): (usize, &Arc<str>)| {
                    // Most rows have the selected columns at the beginning, or not far from it.
                    let from_here = row.columns.iter().skip(index).chain(row.columns.iter().take(index));
                    let cell = from_here.into_iter().find(|(column, _)| column == name).map(|(_, cell)| cell.clone());
                    (Arc::clone(name), cell.unwrap_or_else(null))
                };
                only.iter().enumerate().filter(|(_, name)| !self.without.contains(&***name)).map(cell).collect()
            }
            None => row.columns.iter().filter(|(name, _)| self.contains(name)).cloned().collect(),
        };
        let columns = std::mem::replace(&mut row.columns, selected);
        Some(AllColumns { columns, raw_line: row.raw_line.take() })
    }

    /// Returns whether all of these columns are written in their order.
    fn is_complete<'c>(&self, mut columns: impl ExactSizeIterator<Item = &'c Arc<str>>) -> bool {
        match &self.only {
            Some(only) => {
                only.len() == columns.len()
                    && columns.zip(only).all(|(column, name)| column == name && !self.without.contains(&**name))
            }
            None => self.without.is_empty() || columns.all(|name| !self.without.contains(&**name)),
        }
    }
}

impl AllColumns {
    /// Gives a row its columns back.
    pub fn restore(self, row: &mut Row) {
        (row.columns, row.raw_line) = (self.columns, self.raw_line);
    }
}

fn null() -> Cell {
    Cell::Json(RawValue::NULL.to_owned())
}
