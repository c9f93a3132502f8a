//! Rows of record batches that a caller holds in memory.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};

use super::error::{MAX_ROW, ReadError};
use super::finish::Finish;
use super::options::ReadOptions;
use super::typed_columns::TypedColumns;
use crate::error::DataError;
use crate::format::Format;
use crate::row::{Row, Table};

/// Reads the rows of record batches with one schema, as the rows of an Arrow stream are read.
pub struct BatchRows {
    columns: TypedColumns,
    finish: Finish,
}

impl BatchRows {
    /// Finds the columns of the article in a schema. `name` names the batches in messages.
    ///
    /// # Errors
    /// If a requested column or the text column does not exist or does not contain text, or a name occurs twice.
    pub fn new(schema: SchemaRef, name: &str, options: &ReadOptions) -> Result<BatchRows, DataError> {
        let columns = TypedColumns::new(schema, name.into(), options, MAX_ROW)?;
        Ok(BatchRows { columns, finish: Finish::new(options, Format::Arrow) })
    }

    /// Returns the columns of the batches.
    pub fn table(&self) -> &Table {
        self.columns.table()
    }

    /// Returns the type of the strings in the text column: `Utf8`, `LargeUtf8` or `Utf8View`. It is `Utf8` where the
    /// column is a dictionary, or the text is nested in it.
    pub fn text_type(&self) -> DataType {
        let schema = match &self.columns.table().form {
            crate::row::TableForm::Typed(schema) => schema,
            _ => return DataType::Utf8,
        };
        match self.columns.text_column().map(|column| schema.field(column).data_type()) {
            Some(kind @ (DataType::LargeUtf8 | DataType::Utf8View)) => kind.clone(),
            _ => DataType::Utf8,
        }
    }

    /// Returns a row of a batch. `number` is its number in the table, counted from 1.
    ///
    /// # Errors
    /// A reject if the row has no article, or a text that is too long. There are no other errors.
    pub fn row(&self, batch: &Arc<RecordBatch>, index: usize, number: u64) -> Result<Row, ReadError> {
        self.columns.row(batch, index, number).and_then(|row| self.finish.row(row))
    }
}
