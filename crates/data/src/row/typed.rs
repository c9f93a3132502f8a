//! Cells of typed tables: Parquet files and Arrow streams.
//!
//! A cell refers to a value in a batch of rows. So a value of any type, nested ones included, can be written to another
//! typed table without a conversion. Text formats get the value as JSON.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions, array_value_to_string};
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};

use super::nested::{MAX_LEVELS, MAX_NAMES, nested_json, splits};

/// One value of a typed column.
#[derive(Debug, Clone)]
pub struct TypedCell {
    batch: Arc<RecordBatch>,
    column: usize,
    row: usize,
}

impl TypedCell {
    /// Returns the cell at this row and column. The batch must have both.
    pub(crate) fn new(batch: Arc<RecordBatch>, column: usize, row: usize) -> TypedCell {
        TypedCell { batch, column, row }
    }

    /// Returns the batch that contains the value, and its column and row in the batch.
    pub(crate) fn location(&self) -> (&Arc<RecordBatch>, usize, usize) {
        (&self.batch, self.column, self.row)
    }

    fn array(&self) -> &dyn Array {
        self.batch.column(self.column)
    }

    /// Returns the type of the column.
    pub fn data_type(&self) -> &DataType {
        self.array().data_type()
    }

    /// Returns whether the value is null.
    pub fn is_null(&self) -> bool {
        is_null(self.array(), self.row)
    }

    /// Returns the value if it is text.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        let (array, row) = (self.array(), self.row);
        if array.is_null(row) {
            return None;
        }
        match array.data_type() {
            DataType::Utf8 => Some(array.as_string::<i32>().value(row).into()),
            DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row).into()),
            DataType::Utf8View => Some(array.as_string_view().value(row).into()),
            kind if is_text(kind) => array_value_to_string(array, row).ok().map(Cow::Owned),
            _ => None,
        }
    }

    /// Returns the value as JSON.
    pub fn to_json(&self) -> String {
        json_of(&self.batch.schema_ref().fields()[self.column], self.array(), self.row)
    }

    /// Returns the value with this path in the cell, as JSON. Returns `None` if there is none.
    ///
    /// Structs are passed without a conversion, because they may have large fields besides the one asked for.
    pub(super) fn nested(&self, path: &str) -> Option<String> {
        nested_value(&self.batch.schema_ref().fields()[self.column], self.array(), self.row, path)
    }
}

fn nested_value(field: &FieldRef, array: &dyn Array, row: usize, path: &str) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    let DataType::Struct(fields) = array.data_type() else {
        return nested_json(&json_of(field, array, row), path, MAX_LEVELS);
    };
    let child = |name: &str| fields.find(name).map(|(index, field)| (field, array.as_struct().column(index)));
    if let Some((field, array)) = child(path) {
        return Some(json_of(field, array, row));
    }
    splits(path).find_map(|(name, rest)| child(name).and_then(|(field, array)| nested_value(field, array, row, rest)))
}

/// Returns the value in a row of an array as JSON.
fn json_of(field: &FieldRef, array: &dyn Array, row: usize) -> String {
    if let Some(number) = unformattable_time(array, row) {
        return number;
    }
    match encoded(field, array, row) {
        Ok(Some(json)) => json,
        Ok(None) => "null".to_owned(),
        // Types that the JSON encoder does not support are written as text.
        Err(_) => {
            let text = array_value_to_string(array, row).unwrap_or_else(|error| error.to_string());
            serde_json::to_string(&text).unwrap_or_default()
        }
    }
}

fn is_null(array: &dyn Array, row: usize) -> bool {
    *array.data_type() == DataType::Null || array.is_null(row)
}

/// Returns the number behind a timestamp that cannot be formatted: its year is out of range, or its time zone is
/// unknown.
fn unformattable_time(array: &dyn Array, row: usize) -> Option<String> {
    if !array.data_type().is_temporal() || is_null(array, row) {
        return None;
    }
    let options = FormatOptions::new().with_display_error(false);
    let written = ArrayFormatter::try_new(array, &options).and_then(|formatter| formatter.value(row).try_to_string());
    match written {
        Ok(_) => None,
        Err(_) => {
            let number = cast(&array.slice(row, 1), &DataType::Int64).ok()?;
            array_value_to_string(&number, 0).ok()
        }
    }
}

fn encoded(field: &FieldRef, array: &dyn Array, row: usize) -> Result<Option<String>, ArrowError> {
    if is_null(array, row) {
        return Ok(None);
    }
    let one = array.slice(row, 1);
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut json = Vec::new();
    make_encoder(field, &one, &options)?.encode(0, &mut json);
    String::from_utf8(json).map(Some).map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// Returns the fields of a struct, or of the structs in a list.
fn struct_fields(kind: &DataType) -> Option<&Fields> {
    match kind {
        DataType::Struct(fields) => Some(fields),
        kind => element_type(kind).and_then(struct_fields),
    }
}

/// Returns the type of the elements of a list.
fn element_type(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            Some(element.data_type())
        }
        DataType::ListView(element) | DataType::LargeListView(element) => Some(element.data_type()),
        _ => None,
    }
}

/// Returns the type of the value with this path in a column, or `None` if there is none.
pub(crate) fn nested_type<'t>(kind: &'t DataType, path: &str) -> Option<&'t DataType> {
    let fields = struct_fields(kind)?;
    let child = |name: &str| fields.find(name).map(|(_, field)| field.data_type());
    child(path).or_else(|| splits(path).find_map(|(name, rest)| nested_type(child(name)?, rest)))
}

/// Adds the names of the values nested in a column of this type.
pub(crate) fn add_typed_names(kind: &DataType, prefix: &str, names: &mut Vec<String>) {
    let fields = struct_fields(kind);
    for field in fields.into_iter().flatten() {
        if names.len() == MAX_NAMES {
            return;
        }
        let name = format!("{prefix}.{}", field.name());
        names.push(name.clone());
        add_typed_names(field.data_type(), &name, names);
    }
}

/// Returns whether values of this type are texts, or lists of texts.
pub(crate) fn is_text_or_list(kind: &DataType) -> bool {
    is_text(kind) || element_type(kind).is_some_and(is_text_or_list)
}

/// Returns whether values of this type are texts. Dictionaries of texts are.
pub(crate) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Converts an Arrow error into an I/O error.
pub(crate) fn arrow_io_error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) => source,
        error => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
    }
}
