//! Rows of a corpus, and the articles in them.
//!
//! A row keeps every input column exactly as it was read, so that a writer can write the columns unchanged.

mod article;
mod cell;
mod nested;
mod position;
mod table;
mod typed;

use std::borrow::Cow;
use std::sync::Arc;

use crate::hash::StableHash;

pub use article::{Article, TargetEntity};
pub use cell::Cell;
pub(crate) use nested::splits;
pub use position::Position;
pub use table::{Dialect, Table, TableForm};
pub use typed::TypedCell;
pub(crate) use typed::{add_typed_names, arrow_io_error, is_text, is_text_or_list, nested_type};

/// One row of a corpus.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where the row is in the corpus.
    pub position: Position,
    /// Every input column with its name, in the order of the input.
    pub columns: Vec<(Arc<str>, Cell)>,
    /// The part of the row that a model reads.
    pub article: Article,
    /// The line that the row was read from, for formats in which it can be written unchanged.
    pub raw_line: Option<RawLine>,
    /// Whether HTML was removed from the title or the text of the article. The columns are unchanged.
    pub was_html: bool,
}

/// A line of an input file, without its line break.
#[derive(Debug, Clone)]
pub enum RawLine {
    /// A JSON object.
    Json(Box<str>),
    /// A record with this delimiter between its fields.
    Delimited(Box<str>, u8),
}

impl Row {
    /// Returns `hash` extended by the names and values of all columns as they were read.
    pub fn hash(&self, hash: StableHash) -> StableHash {
        self.columns.iter().fold(hash, |hash, (name, cell)| {
            // Neither byte occurs in UTF-8, so they separate names from values without ambiguity.
            hash.with(name.as_bytes()).with(b"\xff").with(cell.raw_text().as_bytes()).with(b"\xfe")
        })
    }

    /// Returns an estimate of the memory that the row's contents use, in bytes.
    pub fn size(&self) -> usize {
        self.article.text.len() + self.columns.iter().map(|(_, cell)| cell.size()).sum::<usize>()
    }

    /// Returns the value of the column with exactly this name.
    pub fn column(&self, name: &str) -> Option<&Cell> {
        self.columns.iter().find(|(column, _)| &**column == name).map(|(_, cell)| cell)
    }

    /// Returns the value of a field: the column with exactly this name, or the value with this path in a column.
    pub fn field(&self, name: &str) -> Option<Cow<'_, Cell>> {
        if let Some(cell) = self.column(name) {
            return Some(Cow::Borrowed(cell));
        }
        let mut nested = splits(name).filter_map(|(column, path)| self.column(column)?.nested(path));
        nested.next().map(Cow::Owned)
    }

    /// Returns the names of all columns, and of values nested in them, for messages.
    pub(crate) fn column_names(&self) -> Vec<String> {
        column_names(&self.columns)
    }
}

/// Returns the names of columns, and of values nested in them, for messages.
pub(crate) fn column_names(columns: &[(Arc<str>, Cell)]) -> Vec<String> {
    let mut nested = Vec::new();
    columns.iter().for_each(|(name, cell)| cell.add_nested_names(name, &mut nested));
    columns.iter().map(|(name, _)| name.to_string()).chain(nested).collect()
}
