//! Notes about sources that are read: nothing is wrong, but a user should know.

use std::fmt;
use std::sync::Arc;

/// A note about a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A workbook has several sheets with contents, and only one of them is read.
    OneSheetOfSeveral {
        /// The file.
        name: String,
        /// The sheet that is read.
        sheet: String,
        /// The other sheets.
        others: Vec<String>,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::OneSheetOfSeveral { name, sheet, others } => {
                write!(out, "only the sheet `{sheet}` of `{name}` is read, not `{}`", others.join("`, `"))
            }
        }
    }
}

/// Receives notes. By default they are dropped.
#[derive(Clone, Default)]
pub struct Notes(Option<Arc<dyn Fn(Note) + Send + Sync>>);

impl Notes {
    /// Returns a receiver that hands notes to a function. A source that is opened twice gives its notes twice.
    pub fn new(receive: impl Fn(Note) + Send + Sync + 'static) -> Notes {
        Notes(Some(Arc::new(receive)))
    }

    pub(crate) fn add(&self, note: Note) {
        if let Some(receive) = &self.0 {
            receive(note);
        }
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Notes")
    }
}
