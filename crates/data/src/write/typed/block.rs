//! Rows that wait to become a batch.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use arrow_select::interleave::interleave;

use super::super::Value;
use super::layout::{Fitted, Layout, Places};
use super::values::Plain;

/// Rows in their order. Typed ones stay where they are until the block is built.
#[derive(Default)]
pub(super) struct Block {
    rows: Vec<Place>,
    /// Batches that rows stand in, each with which of its columns are which of ours.
    batches: Vec<(Arc<RecordBatch>, Places)>,
    plain: Vec<Vec<Plain>>,
    added: Vec<Vec<Value>>,
}

/// Where a row stands.
enum Place {
    /// In this batch, this row.
    Typed(usize, usize),
    /// The row of values with this number.
    Plain(usize),
}

impl Block {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn add(&mut self, row: Fitted, added: Vec<Value>) {
        let place = match row {
            Fitted::Plain(values) => {
                self.plain.push(values);
                Place::Plain(self.plain.len() - 1)
            }
            Fitted::Typed { batch, row, columns } => {
                if !self.batches.last().is_some_and(|(last, _)| Arc::ptr_eq(last, &batch)) {
                    self.batches.push((batch, columns));
                }
                Place::Typed(self.batches.len() - 1, row)
            }
        };
        self.rows.push(place);
        self.added.push(added);
    }

    /// The rows as one batch.
    pub fn build(self, layout: &Layout) -> Result<RecordBatch, ArrowError> {
        let kept = layout.kept().iter().enumerate().map(|(at, field)| self.kept(at, field.data_type()));
        let added = layout.added().iter().enumerate().map(|(at, field)| self.added(at, field.data_type()));
        let columns = kept.chain(added).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        RecordBatch::try_new_with_options(Arc::clone(layout.schema()), columns, &options)
    }

    /// A column that comes from the input.
    fn kept(&self, at: usize, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        let of_batch = |(batch, places): &(Arc<RecordBatch>, Places)| match places[at] {
            Some(column) if batch.column(column).data_type() == kind => Ok(Arc::clone(batch.column(column))),
            Some(column) => cast(batch.column(column), kind),
            None => Ok(new_null_array(kind, batch.num_rows())),
        };
        let mut arrays = self.batches.iter().map(of_batch).collect::<Result<Vec<_>, _>>()?;
        if !self.plain.is_empty() {
            arrays.push(plain_array(self.plain.iter().map(|values| &values[at]), kind)?);
        }
        let place = |row: &Place| match *row {
            Place::Typed(batch, row) => (batch, row),
            Place::Plain(row) => (self.batches.len(), row),
        };
        let places: Vec<(usize, usize)> = self.rows.iter().map(place).collect();
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        interleave(&arrays, &places)
    }

    /// A column that is added.
    fn added(&self, at: usize, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        let values = self.added.iter().map(|values| match &values[at] {
            Value::Text(text) => Plain::Text(text.clone()),
            Value::Number(number) if number.is_finite() => Plain::Float(*number),
            Value::Integer(number) => Plain::Integer(*number),
            Value::Number(_) | Value::Null => Plain::Null,
        });
        let values: Vec<Plain> = values.collect();
        plain_array(values.iter(), kind)
    }
}

/// Values that fit as an array; those that do not, which there are none of, are nothing.
fn plain_array<'a>(values: impl Iterator<Item = &'a Plain>, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        DataType::Boolean => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Plain::Boolean(value) => Some(*value),
            _ => None,
        }))),
        kind if kind.is_integer() => {
            let integers = Int64Array::from_iter(values.map(|value| match value {
                Plain::Integer(value) => Some(*value),
                _ => None,
            }));
            cast(&integers, kind)?
        }
        DataType::Float32 | DataType::Float64 => {
            let floats = Float64Array::from_iter(values.map(|value| match value {
                Plain::Float(value) => Some(*value),
                _ => None,
            }));
            cast(&floats, kind)?
        }
        kind if crate::typed::is_text(kind) => {
            let mut texts = StringBuilder::new();
            for value in values {
                match value {
                    Plain::Text(text) => texts.append_value(text),
                    _ => texts.append_null(),
                }
            }
            cast(&texts.finish(), kind)?
        }
        kind => new_null_array(kind, values.count()),
    })
}
