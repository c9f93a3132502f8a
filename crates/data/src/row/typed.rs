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
use arrow_schema::{ArrowError, DataType};

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
        *self.data_type() == DataType::Null || self.array().is_null(self.row)
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
        if let Some(number) = self.unformattable_time() {
            return number;
        }
        match self.encoded() {
            Ok(Some(json)) => json,
            Ok(None) => "null".to_owned(),
            // Types that the JSON encoder does not support are written as text.
            Err(_) => {
                let text = array_value_to_string(self.array(), self.row).unwrap_or_else(|error| error.to_string());
                serde_json::to_string(&text).unwrap_or_default()
            }
        }
    }

    /// Returns the number behind a timestamp that cannot be formatted: its year is out of range, or its time zone is
    /// unknown.
    fn unformattable_time(&self) -> Option<String> {
        if !self.data_type().is_temporal() || self.is_null() {
            return None;
        }
        let options = FormatOptions::new().with_display_error(false);
        let written = ArrayFormatter::try_new(self.array(), &options)
            .and_then(|formatter| formatter.value(self.row).try_to_string());
        match written {
            Ok(_) => None,
            Err(_) => {
                let number = cast(&self.array().slice(self.row, 1), &DataType::Int64).ok()?;
                array_value_to_string(&number, 0).ok()
            }
        }
    }

    fn encoded(&self) -> Result<Option<String>, ArrowError> {
        if self.is_null() {
            return Ok(None);
        }
        let one = self.array().slice(self.row, 1);
        let options = EncoderOptions::default().with_explicit_nulls(true);
        let field = Arc::clone(&self.batch.schema_ref().fields()[self.column]);
        let mut json = Vec::new();
        make_encoder(&field, &one, &options)?.encode(0, &mut json);
        String::from_utf8(json).map(Some).map_err(|error| ArrowError::JsonError(error.to_string()))
    }
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
