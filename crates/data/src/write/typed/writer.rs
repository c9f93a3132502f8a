//! Writes rows as a typed table, in blocks.
//!
//! Columns of typed inputs keep their types, and their values are copied from batch to batch. For other inputs,
//! [`Layout`] chooses the types of the columns from the values of the first block.

use std::io;
use std::sync::Arc;

use arrow_schema::SchemaRef;

use super::super::row_writer::{RowWriter, Value, check_names, check_row};
use super::block::Block;
use super::layout::{Layout, typed_cell};
use super::sink::{Sink, write_error};
use crate::error::DataError;
use crate::row::{Cell, Row, Table, TableForm};

/// The number of rows of a block, unless they are large.
const ROWS: usize = 512;
/// The approximate maximum size of a block in bytes.
const BYTES: usize = 8 * 1024 * 1024;

/// The maximum number of columns. Each takes memory of its own while a file is written. Inputs have at most 16,384
/// columns; the added ones come to that.
const MAX_COLUMNS: usize = 20_000;

/// Writes rows as a typed table.
pub(in super::super) struct Typed<S> {
    sink: S,
    /// The columns, once they are known.
    layout: Option<Layout>,
    /// Rows of the first block, whose types are not chosen yet.
    first: Vec<UntypedRow>,
    block: Block,
    /// The approximate size of the waiting rows in bytes.
    bytes: usize,
    /// The added columns, with example values.
    added: Vec<(String, Value)>,
    /// A table of which only the names of the columns are known. They are the columns of an output without rows.
    named: Option<Table>,
}

/// A row whose columns have no types yet.
struct UntypedRow {
    columns: Vec<(Arc<str>, Cell)>,
    added: Vec<Value>,
}

impl<S: Sink> Typed<S> {
    pub fn new(sink: S) -> Typed<S> {
        let (first, block, added) = (Vec::new(), Block::default(), Vec::new());
        Typed { sink, layout: None, first, block, bytes: 0, added, named: None }
    }

    /// Continues a table that already has these columns.
    pub fn after(sink: S, schema: SchemaRef) -> Typed<S> {
        Typed { layout: Some(Layout::of_schema(schema)), ..Typed::new(sink) }
    }

    fn start(&mut self, layout: Layout) -> Result<(), DataError> {
        let columns = layout.schema().fields().len();
        if columns > MAX_COLUMNS {
            return Err(DataError::TooManyOutputColumns { columns, limit: MAX_COLUMNS });
        }
        self.sink.start(layout.schema())?;
        self.layout = Some(layout);
        Ok(())
    }

    /// Chooses the types of the columns from the waiting rows.
    fn choose_types(&mut self) -> Result<(), DataError> {
        if self.layout.is_some() {
            return Ok(());
        }
        let first = std::mem::take(&mut self.first);
        if let Some(table) = self.named.take().filter(|_| first.is_empty()) {
            return self.start(Layout::of_table(&table, &self.added));
        }
        self.start(Layout::of_rows(first.iter().map(|row| row.columns.as_slice()), &self.added))?;
        let Some(layout) = &mut self.layout else { return Ok(()) };
        for row in first {
            match layout.fit(&row.columns) {
                Ok(fitted) => self.block.add(fitted, row.added),
                // The types were chosen so that these rows fit.
                Err(_) => {
                    return Err(DataError::Write { source: io::Error::other("a row does not fit its own columns") });
                }
            }
        }
        Ok(())
    }

    /// Writes the waiting rows as a block.
    fn write_block(&mut self) -> Result<(), DataError> {
        self.choose_types()?;
        self.bytes = 0;
        match &self.layout {
            Some(layout) if !self.block.is_empty() => {
                let block = std::mem::take(&mut self.block).build(layout).map_err(write_error)?;
                self.sink.write_block(&block)
            }
            _ => Ok(()),
        }
    }
}

impl<S: Sink> RowWriter for Typed<S> {
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), DataError> {
        self.added = added.to_vec();
        if let Some(layout) = &mut self.layout {
            layout.set_added(added.len());
        }
        match table {
            // The values of the first rows decide the types.
            Some(table) if matches!(table.form, TableForm::Named) && self.first.is_empty() => {
                check_names(table.columns.iter().map(|name| &**name), added)?;
                self.named = self.named.take().or_else(|| Some(table.clone()));
                Ok(())
            }
            Some(table) if self.layout.is_none() && self.first.is_empty() => {
                check_names(table.columns.iter().map(|name| &**name), added)?;
                self.start(Layout::of_table(table, added))
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        if self.added.is_empty() {
            self.added = added.to_vec();
        }
        let values = added.iter().map(|(_, value)| value.clone()).collect();
        if let (None, Some(cell)) = (&self.layout, typed_cell(&row.columns)) {
            match self.first.is_empty() {
                true => {
                    let schema = cell.location().0.schema_ref();
                    self.start(Layout::of_typed_row(schema, &row.columns, &self.added))?;
                }
                false => self.choose_types()?,
            }
        }
        match &mut self.layout {
            None => {
                check_row(row, added)?;
                self.first.push(UntypedRow { columns: row.columns.clone(), added: values });
            }
            Some(layout) => {
                let fitted = layout.fit(&row.columns).map_err(|misfit| misfit.into_error(row))?;
                self.block.add(fitted, values);
            }
        }
        self.bytes += row.size();
        if self.block.len() + self.first.len() >= ROWS || self.bytes >= BYTES { self.write_block() } else { Ok(()) }
    }

    /// Before the types are chosen, nothing is written. The first rows wait for more.
    fn finish(&mut self) -> Result<(), DataError> {
        if self.layout.is_some() {
            self.write_block()?;
        }
        self.sink.flush()
    }

    fn may_finish(&self) -> bool {
        self.layout.is_some() || self.first.is_empty()
    }

    fn end(&mut self) -> Result<(), DataError> {
        self.write_block()?;
        self.sink.end()
    }

    /// Does nothing. What is written must depend on the rows alone, not on the time.
    fn pause(&mut self) -> Result<(), DataError> {
        Ok(())
    }
}
