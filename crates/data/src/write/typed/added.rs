//! Added columns of typed tables: their types, and their values as arrays.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema};

use super::super::row_writer::Value;

/// Metadata of the `datasets` library: a list of all columns, which is wrong once columns are added.
const STALE_METADATA: &str = "huggingface";

/// Returns the schema of a table with columns of an input, whose schema has this metadata, and with added ones.
pub fn schema_with_added(
    kept: impl IntoIterator<Item = FieldRef>,
    mut metadata: HashMap<String, String>,
    added: Vec<Field>,
) -> Schema {
    metadata.remove(STALE_METADATA);
    let fields: Vec<FieldRef> = kept.into_iter().chain(added.into_iter().map(Arc::new)).collect();
    Schema::new_with_metadata(fields, metadata)
}

/// Returns the fields of added columns. `example` has their names, with values of the right types.
pub fn added_fields(example: &[(String, Value)]) -> Vec<Field> {
    let field = |(name, value): &(String, Value)| {
        let kind = match value {
            Value::Number(_) => DataType::Float64,
            Value::Integer(_) => DataType::Int64,
            Value::Text(_) | Value::Null => DataType::Utf8,
        };
        Field::new(name, kind, true)
    };
    example.iter().map(field).collect()
}

/// Returns one added column as an array. A value that does not have the type of the column, and a number that is not
/// finite, are null.
///
/// # Errors
/// If the type is none that [`added_fields`] returns, and those values cannot be converted to it.
pub fn added_array<'v>(values: impl Iterator<Item = &'v Value>, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    let array: ArrayRef = match kind {
        kind if kind.is_floating() => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Value::Number(number) => Some(*number).filter(|number| number.is_finite()),
            Value::Integer(number) => Some(*number as f64),
            Value::Text(_) | Value::Null => None,
        }))),
        kind if kind.is_integer() => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        }))),
        _ => {
            let mut texts = StringBuilder::new();
            values.for_each(|value| match value {
                Value::Text(text) => texts.append_value(text),
                _ => texts.append_null(),
            });
            Arc::new(texts.finish())
        }
    };
    if array.data_type() == kind { Ok(array) } else { cast(&array, kind) }
}
