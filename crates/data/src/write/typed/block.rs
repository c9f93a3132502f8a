//! Collects rows and builds a record batch of them.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use arrow_select::interleave::interleave;

use super::super::row_writer::Value;
use super::added::added_array;
use super::layout::{ColumnMap, FittedRow, Layout};
use super::values::Scalar;
use crate::row::is_text;

/// Rows in their order. Typed rows stay in their input batches until the block is built.
#[derive(Default)]
pub(super) struct Block {
    rows: Vec<RowSource>,
    /// The input batches of typed rows, each with the map from output columns to its columns.
    batches: Vec<(Arc<RecordBatch>, ColumnMap)>,
    scalars: Vec<Vec<Scalar>>,
    added: Vec<Vec<Value>>,
}

/// Where the values of a row are.
enum RowSource {
    /// In the input batch of the first index, at the row of the second.
    Batch(usize, usize),
    /// In the row of scalars with this index.
    Scalars(usize),
}

impl Block {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn add(&mut self, row: FittedRow, added: Vec<Value>) {
        let source = match row {
            FittedRow::Scalars(values) => {
                self.scalars.push(values);
                RowSource::Scalars(self.scalars.len() - 1)
            }
            FittedRow::Typed { batch, row, columns } => {
                if !self.batches.last().is_some_and(|(last, _)| Arc::ptr_eq(last, &batch)) {
                    self.batches.push((batch, columns));
                }
                RowSource::Batch(self.batches.len() - 1, row)
            }
        };
        self.rows.push(source);
        self.added.push(added);
    }

    /// Returns the rows as one batch.
    ///
    /// # Errors
    /// If a value cannot be converted to the type of its column.
    pub fn build(self, layout: &Layout) -> Result<RecordBatch, ArrowError> {
        let kept = layout.kept().iter().enumerate().map(|(index, field)| self.kept_column(index, field.data_type()));
        let added = layout.added().iter().enumerate().map(|(index, field)| self.added_column(index, field.data_type()));
        let columns = kept.chain(added).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        RecordBatch::try_new_with_options(Arc::clone(layout.schema()), columns, &options)
    }

    /// Returns a column that comes from the input.
    fn kept_column(&self, index: usize, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        let of_batch = |(batch, columns): &(Arc<RecordBatch>, ColumnMap)| match columns[index] {
            Some(column) if batch.column(column).data_type() == kind => Ok(Arc::clone(batch.column(column))),
            Some(column) => cast(batch.column(column), kind),
            None => Ok(new_null_array(kind, batch.num_rows())),
        };
        let mut arrays = self.batches.iter().map(of_batch).collect::<Result<Vec<_>, _>>()?;
        if !self.scalars.is_empty() {
            arrays.push(to_array(self.scalars.iter().map(|values| &values[index]), kind)?);
        }
        let location = |row: &RowSource| match *row {
            RowSource::Batch(batch, row) => (batch, row),
            RowSource::Scalars(row) => (self.batches.len(), row),
        };
        let locations: Vec<(usize, usize)> = self.rows.iter().map(location).collect();
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        interleave(&arrays, &locations)
    }

    /// Returns an added column.
    fn added_column(&self, index: usize, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        added_array(self.added.iter().map(|values| &values[index]), kind)
    }
}

/// Returns values as an array. The values fit the type, since the layout checked them. A value that did not fit would
/// be null.
fn to_array<'a>(values: impl Iterator<Item = &'a Scalar>, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        DataType::Boolean => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Scalar::Boolean(value) => Some(*value),
            _ => None,
        }))),
        kind if kind.is_integer() => {
            let integers = Int64Array::from_iter(values.map(|value| match value {
                Scalar::Integer(value) => Some(*value),
                _ => None,
            }));
            cast(&integers, kind)?
        }
        DataType::Float32 | DataType::Float64 => {
            let floats = Float64Array::from_iter(values.map(|value| match value {
                Scalar::Float(value) => Some(*value),
                _ => None,
            }));
            cast(&floats, kind)?
        }
        kind if is_text(kind) => {
            let mut texts = StringBuilder::new();
            for value in values {
                match value {
                    Scalar::Text(text) => texts.append_value(text),
                    _ => texts.append_null(),
                }
            }
            cast(&texts.finish(), kind)?
        }
        kind => new_null_array(kind, values.count()),
    })
}
