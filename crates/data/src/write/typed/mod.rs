//! Tables with types: rows gather in blocks, whose columns keep the types that they came with.
//!
//! Rows of typed tables go from batch to batch without being looked at. Rows of texts fill columns whose types `layout` finds in
//! the first block, by what `values` says of them.

mod block;
mod layout;
mod sink;
mod values;

use std::io;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

use super::{RowWriter, Value};
use crate::article::{Cell, Row};
use crate::error::DataError;
use crate::table::Table;
use crate::typed::of_arrow;
use block::Block;
use layout::Layout;

pub(super) use sink::{Parquet, Stream, schema_of, settle};

/// Rows of a block, unless they are large.
const ROWS: usize = 512;
/// About the most bytes of a block.
const BYTES: usize = 8 * 1024 * 1024;

/// Where blocks go.
pub(super) trait Sink {
    /// Takes the columns, before the first block.
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), DataError>;
    /// Takes a block.
    fn block(&mut self, block: &RecordBatch) -> Result<(), DataError>;
    /// Makes sure that all blocks are on their way.
    fn flush(&mut self) -> Result<(), DataError>;
    /// Nothing follows.
    fn end(&mut self) -> Result<(), DataError>;
}

/// Writes rows of any kind as a typed table.
pub(super) struct Typed<S> {
    sink: S,
    /// The columns, once they are known.
    layout: Option<Layout>,
    /// Rows that wait for the first block to be full, since it decides on the columns.
    first: Vec<First>,
    block: Block,
    /// About how many bytes wait.
    bytes: usize,
    /// The added columns, by an example of their values.
    added: Vec<(String, Value)>,
}

/// A row whose columns have no types yet.
struct First {
    columns: Vec<(Arc<str>, Cell)>,
    added: Vec<Value>,
}

impl<S: Sink> Typed<S> {
    pub fn new(sink: S) -> Typed<S> {
        Typed { sink, layout: None, first: Vec::new(), block: Block::default(), bytes: 0, added: Vec::new() }
    }

    /// Goes on with a table that has these columns already.
    pub fn after(sink: S, schema: SchemaRef) -> Typed<S> {
        Typed { layout: Some(Layout::of_schema(schema)), ..Typed::new(sink) }
    }

    fn begin(&mut self, layout: Layout) -> Result<(), DataError> {
        self.sink.begin(layout.schema())?;
        self.layout = Some(layout);
        Ok(())
    }

    /// Decides on the columns by the rows that are there.
    fn decide(&mut self) -> Result<(), DataError> {
        if self.layout.is_some() {
            return Ok(());
        }
        let first = std::mem::take(&mut self.first);
        self.begin(Layout::of_rows(first.iter().map(|row| row.columns.as_slice()), &self.added))?;
        let Some(layout) = &mut self.layout else { return Ok(()) };
        for row in first {
            match layout.fit(&row.columns) {
                Ok(fitted) => self.block.add(fitted, row.added),
                // The columns were made for these rows.
                Err(_) => {
                    return Err(DataError::Write { source: io::Error::other("a row does not fit its own columns") });
                }
            }
        }
        Ok(())
    }

    /// Sends off the rows that wait.
    fn send(&mut self) -> Result<(), DataError> {
        self.decide()?;
        self.bytes = 0;
        match &self.layout {
            Some(layout) if !self.block.is_empty() => {
                let block = std::mem::take(&mut self.block).build(layout).map_err(failed)?;
                self.sink.block(&block)
            }
            _ => Ok(()),
        }
    }
}

impl<S: Sink> RowWriter for Typed<S> {
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), DataError> {
        self.added = added.to_vec();
        if let Some(layout) = &mut self.layout {
            layout.expect_added(added.len());
        }
        match table {
            Some(table) if self.layout.is_none() && self.first.is_empty() => self.begin(Layout::of_table(table, added)),
            _ => Ok(()),
        }
    }

    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        if self.added.is_empty() {
            self.added = added.to_vec();
        }
        let values = added.iter().map(|(_, value)| value.clone()).collect();
        if let (None, Some((_, Cell::Typed(cell)))) = (&self.layout, row.columns.first()) {
            match self.first.is_empty() {
                true => self.begin(Layout::of_typed(cell.place().0.schema_ref(), &self.added))?,
                false => self.decide()?,
            }
        }
        match &mut self.layout {
            None => self.first.push(First { columns: row.columns.clone(), added: values }),
            Some(layout) => {
                let fitted = layout.fit(&row.columns).map_err(|misfit| misfit.of(row))?;
                self.block.add(fitted, values);
            }
        }
        self.bytes += row.size();
        if self.block.len() + self.first.len() >= ROWS || self.bytes >= BYTES { self.send() } else { Ok(()) }
    }

    /// Without columns nothing is written: the first rows wait for others to decide with.
    fn finish(&mut self) -> Result<(), DataError> {
        if self.layout.is_some() {
            self.send()?;
        }
        self.sink.flush()
    }

    fn may_finish(&self) -> bool {
        self.layout.is_some() || self.first.is_empty()
    }

    fn end(&mut self) -> Result<(), DataError> {
        self.send()?;
        self.sink.end()
    }

    /// Blocks do not heed the time: what is written depends on the rows alone.
    fn pause(&mut self) -> Result<(), DataError> {
        Ok(())
    }
}

fn failed(error: ArrowError) -> DataError {
    DataError::Write { source: of_arrow(error) }
}
