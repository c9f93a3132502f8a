//! How a user's own labelled files are read.

use std::sync::Arc;

use super::labels::LabelSet;
use crate::read::ReadOptions;
use crate::row::Row;

/// The usual names of a label column. The name of the head comes before them.
const LABEL_NAMES: [&str; 7] = ["label", "labels", "category", "class", "topic", "section", "sentiment"];

/// How a user's own labelled files are read. They have one head.
#[derive(Debug, Clone, Default)]
pub struct LabelledFileOptions {
    /// How articles are found in the files.
    pub read: ReadOptions,
    /// The name of the head that the labels belong to.
    pub head: String,
    /// The column of the label. By default the one with the name of the head, or else the first of `label`, `labels`,
    /// `category`, `class`, `topic`, `section`, `sentiment`.
    pub label_field: Option<String>,
    /// The labels that may occur. By default those that do occur, sorted by name.
    pub labels: Option<Arc<LabelSet>>,
    /// Maps each label of the files to the labels of `labels` that it may mean, in order. An empty list excludes the
    /// rows of a label. The map is used if a label of the files is not in `labels`. A row with several labels gets all
    /// labels that they map to.
    pub map: Option<Vec<(String, Vec<String>)>>,
    /// The text between the labels of a row that has several. With a separator, as with JSON lists, the head is
    /// multi-label.
    pub separator: Option<String>,
}

impl LabelledFileOptions {
    /// Returns the name of the label column of a row, as the row writes it.
    pub(super) fn label_column(&self, row: &Row) -> Option<String> {
        let similar = |name: &str| row.columns.iter().find(|(column, _)| column.trim().eq_ignore_ascii_case(name));
        let column = match &self.label_field {
            Some(name) if row.field(name).is_some() => return Some(name.clone()),
            Some(name) => similar(name),
            None => std::iter::once(self.head.as_str()).chain(LABEL_NAMES).find_map(similar),
        };
        column.map(|(name, _)| name.to_string())
    }
}
