//! Where blocks of rows are written.

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

use crate::error::DataError;
use crate::row::arrow_io_error;

/// Writes blocks of rows in one format.
pub(in super::super) trait Sink {
    /// Receives the columns, before the first block.
    fn start(&mut self, schema: &SchemaRef) -> Result<(), DataError>;
    /// Writes a block.
    fn write_block(&mut self, block: &RecordBatch) -> Result<(), DataError>;
    /// Flushes all blocks.
    fn flush(&mut self) -> Result<(), DataError>;
    /// Ends the output. No block may follow.
    fn end(&mut self) -> Result<(), DataError>;
}

/// Converts an Arrow error into a write error.
pub(super) fn write_error(error: ArrowError) -> DataError {
    DataError::Write { source: arrow_io_error(error) }
}
