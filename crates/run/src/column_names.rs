//! The names of the added columns of a run.
//!
//! They are part of the state of a run, so a resumed run keeps them. [`crate::naming`] chooses them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The names of the added columns of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnNames {
    /// The column of the predicted label, by head. The names of the head's other columns begin with it.
    pub heads: BTreeMap<String, String>,
    /// The columns that belong to no head, by their usual names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
    /// Input columns that the model read, and that are not written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwritten: Vec<String>,
}

/// What a run reports about the columns of its input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnNotes {
    /// Added columns that do not have their usual names.
    pub renamed: Vec<RenamedColumns>,
    /// Input columns that added ones replace.
    pub replaced: Vec<String>,
    /// Selected columns that the input has not shown so far.
    pub not_seen: Vec<String>,
}

/// Added columns that do not have their usual names, because the input has columns of these names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedColumns {
    /// The head, or `None` for a column that belongs to none.
    pub head: Option<String>,
    /// The names that the columns have.
    pub names: Vec<String>,
}
