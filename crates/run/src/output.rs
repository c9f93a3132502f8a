//! The interface to which a run hands its results.

use crate::column_names::ColumnNotes;
use crate::error::RunError;
use crate::state::RunState;
use newsdesk_data::{Reject, Row, Table, Value};
use serde::Serialize;
use std::io::{self, Write};

/// Takes the results of a run, in the order of the corpus.
pub trait Output {
    /// Takes note of what the run does with the columns of its input. It is called before [`Output::header`].
    fn columns(&mut self, notes: &ColumnNotes) {
        let _ = notes;
    }

    /// Takes the columns of the rows, if they are known, and the columns that will be added, with an example of their values.
    /// It is called before the first row.
    ///
    /// # Errors
    /// If the header cannot be written.
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), RunError>;

    /// Writes a labelled row.
    ///
    /// # Errors
    /// If it cannot be written, or does not fit the output: see [`RunError::as_reject`].
    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), RunError>;

    /// Writes a row that cannot be used.
    ///
    /// # Errors
    /// If it cannot be written.
    fn reject(&mut self, reject: &Reject) -> Result<(), RunError>;

    /// Observes that a row or a reject is done. `state` includes it.
    fn done(&mut self, state: &RunState) {
        let _ = state;
    }

    /// Returns whether the output asks for a checkpoint before the next multiple of [`crate::ROWS_PER_CHECKPOINT`] rows.
    ///
    /// An output that wraps another one must pass the question on.
    fn is_checkpoint_due(&self) -> bool;

    /// Takes a point from which the run could be resumed: every [`crate::ROWS_PER_CHECKPOINT`] rows of the corpus, and where
    /// [`Output::is_checkpoint_due`] says so.
    ///
    /// # Errors
    /// If the rows so far cannot be written.
    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError>;

    /// Takes note that every row that was read is written, and that the input pauses.
    ///
    /// # Errors
    /// If the rows so far cannot be written.
    fn idle(&mut self, state: &RunState) -> Result<(), RunError>;
}

/// A line of a rejects file.
#[derive(Serialize)]
struct RejectLine<'a> {
    source: &'a str,
    row: u64,
    line: Option<u64>,
    offset: Option<u64>,
    cause: &'a str,
    hint: Option<&'a str>,
    raw: &'a str,
}

/// Writes a reject as a line of JSON.
pub(crate) fn write_reject(out: &mut dyn Write, reject: &Reject) -> io::Result<()> {
    let line = RejectLine {
        source: &reject.position.source,
        row: reject.position.row,
        // Rows of typed tables have neither line numbers nor byte offsets.
        line: Some(reject.position.line).filter(|line| *line > 0),
        offset: Some(reject.position.offset).filter(|_| reject.position.line > 0),
        cause: &reject.cause,
        hint: reject.hint.as_deref(),
        raw: &reject.raw,
    };
    serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
    out.write_all(b"\n")
}
