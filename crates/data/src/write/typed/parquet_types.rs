//! The types that Parquet supports.

use std::sync::Arc;

use arrow_schema::{DataType, Field, IntervalUnit, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;

use crate::error::DataError;

/// Checks that Parquet supports all types of a schema, so that an error comes before the work and not after it.
///
/// # Errors
/// [`DataError::NoParquetType`].
pub(super) fn check_types(schema: &SchemaRef) -> Result<(), DataError> {
    let unsupported = |field: &Field| {
        let (column, kind) = (field.name().clone(), field.data_type().to_string());
        DataError::NoParquetType { column, kind }
    };
    for field in schema.fields() {
        if !is_supported(field.data_type()) {
            return Err(unsupported(field));
        }
        let single = Schema::new(vec![Arc::clone(field)]);
        ArrowSchemaConverter::new().convert(&single).map_err(|_| unsupported(field))?;
    }
    Ok(())
}

fn is_supported(kind: &DataType) -> bool {
    match kind {
        DataType::Union(..) | DataType::Interval(IntervalUnit::MonthDayNano) => false,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => is_supported(field.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_supported(field.data_type())),
        DataType::Dictionary(_, values) => is_supported(values),
        _ => true,
    }
}
