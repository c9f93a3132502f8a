//! Where a run's results go.

use crate::error::RunError;
use crate::state::RunState;
use newsdesk_data::{Reject, Row, RowWriter, Table, Value};
use serde::Serialize;
use std::io::{self, Write};

/// Takes what a run gives, in the order of the corpus.
pub trait Output {
    /// What is known of the rows' columns, and those that will be added, with an example of their values; called before the first
    /// row.
    ///
    /// # Errors
    /// If it cannot be written.
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), RunError>;

    /// A labelled row.
    ///
    /// # Errors
    /// If it cannot be written.
    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), RunError>;

    /// A row that could not be used.
    ///
    /// # Errors
    /// If it cannot be written.
    fn reject(&mut self, reject: &Reject) -> Result<(), RunError>;

    /// A row, or a reject, was taken care of.
    fn done(&mut self, state: &RunState) {
        let _ = state;
    }

    /// Called every [`crate::ROWS_PER_CHECKPOINT`] rows, counted from the beginning of the corpus.
    ///
    /// # Errors
    /// If what was written until here cannot be made sure of.
    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError>;

    /// All that was read is written, and nothing more comes for the moment.
    ///
    /// # Errors
    /// If it cannot be written.
    fn idle(&mut self, state: &RunState) -> Result<(), RunError>;
}

/// A line of a file of rejects.
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
        // Typed tables have neither lines nor bytes of a row.
        line: Some(reject.position.line).filter(|line| *line > 0),
        offset: Some(reject.position.offset).filter(|_| reject.position.line > 0),
        cause: &reject.cause,
        hint: reject.hint.as_deref(),
        raw: &reject.raw,
    };
    serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Results as a stream, for a pipe or a terminal: whoever waits for them sees them at once, and what is gone is gone.
pub struct StreamOutput {
    rows: Box<dyn RowWriter + Send>,
    rejects: Option<Box<dyn Write + Send>>,
}

impl StreamOutput {
    /// Rows go to `rows`, rejects, if anywhere, to `rejects` as JSON Lines.
    pub fn new(rows: Box<dyn RowWriter + Send>, rejects: Option<Box<dyn Write + Send>>) -> Self {
        Self { rows, rejects }
    }

    /// Ends the output.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), RunError> {
        self.rows.end()?;
        self.flush_rejects()
    }

    fn flush_rejects(&mut self) -> Result<(), RunError> {
        self.rejects.as_mut().map_or(Ok(()), |rejects| rejects.flush()).map_err(of_rejects)
    }
}

fn of_rejects(source: io::Error) -> RunError {
    RunError::File { verb: "write", path: "the rejects file".into(), source }
}

impl Output for StreamOutput {
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), RunError> {
        Ok(self.rows.header(table, added)?)
    }

    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), RunError> {
        Ok(self.rows.write(row, added)?)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), RunError> {
        self.rejects.as_mut().map_or(Ok(()), |rejects| write_reject(rejects, reject)).map_err(of_rejects)
    }

    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError> {
        self.idle(state)
    }

    fn idle(&mut self, _: &RunState) -> Result<(), RunError> {
        self.flush_rejects()?;
        Ok(self.rows.pause()?)
    }
}
