//! The output of a run as a stream, for pipes and terminals.

use crate::error::RunError;
use crate::output::{Output, write_reject};
use crate::state::RunState;
use newsdesk_data::{Reject, Row, RowWriter, Table, Value};
use std::io::{self, Write};

/// The output of a run as a stream. It is flushed when the input pauses, so that a waiting reader sees all results. It cannot be
/// resumed.
pub struct StreamOutput {
    rows: Box<dyn RowWriter + Send>,
    rejects: Option<Box<dyn Write + Send>>,
}

impl StreamOutput {
    /// Returns an output that writes rows to `rows`, and rejects as JSON Lines to `rejects` if there is one.
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
        self.rejects.as_mut().map_or(Ok(()), |rejects| rejects.flush()).map_err(cannot_write_rejects)
    }
}

fn cannot_write_rejects(source: io::Error) -> RunError {
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
        self.rejects.as_mut().map_or(Ok(()), |rejects| write_reject(rejects, reject)).map_err(cannot_write_rejects)
    }

    fn is_checkpoint_due(&self) -> bool {
        false
    }

    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError> {
        self.idle(state)
    }

    fn idle(&mut self, _: &RunState) -> Result<(), RunError> {
        self.flush_rejects()?;
        Ok(self.rows.pause()?)
    }
}
