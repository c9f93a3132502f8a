//! Arrow tables for Python: they speak the Arrow PyCapsule protocol, so every library that does can read them.

use crate::errors;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, LargeStringArray, NullArray, RecordBatch as ArrowBatch, RecordBatchIterator, RecordBatchOptions,
    RecordBatchReader, StructArray,
};
use arrow_schema::{DataType, Field, FieldRef, Schema as ArrowSchema, SchemaRef};
use newsdesk_data::{ReadOptions, Reject};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList, PyTuple};
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::{ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule};
use pyo3_arrow::input::AnyRecordBatch;
use std::sync::{Arc, Mutex, PoisonError};

/// The columns of a table. It has `__arrow_c_schema__`.
#[pyclass(frozen, module = "newsdesk._newsdesk")]
pub struct Schema(pub SchemaRef);

#[pymethods]
impl Schema {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, self.0.as_ref())
    }

    /// The names of the columns.
    #[getter]
    fn names(&self) -> Vec<&str> {
        self.0.fields().iter().map(|field| field.name().as_str()).collect()
    }

    fn __repr__(&self) -> String {
        let fields = self.0.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type()));
        format!("<newsdesk.Schema {}>", fields.collect::<Vec<_>>().join(", "))
    }
}

/// A record batch. It has `__arrow_c_array__`.
#[pyclass(frozen, module = "newsdesk._newsdesk")]
pub struct RecordBatch {
    pub batch: ArrowBatch,
    pub rejects: Vec<Reject>,
}

#[pymethods]
impl RecordBatch {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyTuple>> {
        let array = StructArray::from(self.batch.clone());
        to_array_pycapsules(py, struct_field(self.batch.schema_ref()), &array, requested_schema)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, self.batch.schema_ref().as_ref())
    }

    /// The columns.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(self.batch.schema())
    }

    /// The number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The rows that could not be labelled: their numbers in the input, from 1, and the causes.
    #[getter]
    fn rejects(&self) -> Vec<(u64, &str)> {
        self.rejects.iter().map(|reject| (reject.position.row, reject.cause.as_str())).collect()
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    fn __repr__(&self) -> String {
        format!(
            "<newsdesk.RecordBatch of {} rows: {}>",
            self.batch.num_rows(),
            Schema(self.batch.schema()).names().join(", ")
        )
    }

    /// Returns the columns of strings and numbers as lists. Others are left out.
    fn to_pydict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(py);
        for (field, column) in self.batch.schema_ref().fields().iter().zip(self.batch.columns()) {
            if let Some(values) = to_list(py, column)? {
                columns.set_item(field.name(), values)?;
            }
        }
        Ok(columns)
    }
}

/// Returns an array of strings or 64-bit numbers as a list.
fn to_list<'py>(py: Python<'py>, array: &ArrayRef) -> PyResult<Option<Bound<'py, PyList>>> {
    Ok(Some(match array.data_type() {
        DataType::Utf8 => PyList::new(py, array.as_string::<i32>().iter().collect::<Vec<_>>())?,
        DataType::LargeUtf8 => PyList::new(py, array.as_string::<i64>().iter().collect::<Vec<_>>())?,
        DataType::Utf8View => PyList::new(py, array.as_string_view().iter().collect::<Vec<_>>())?,
        DataType::Float64 => PyList::new(py, array.as_primitive::<Float64Type>().iter().collect::<Vec<_>>())?,
        DataType::Int64 => PyList::new(py, array.as_primitive::<Int64Type>().iter().collect::<Vec<_>>())?,
        _ => return Ok(None),
    }))
}

/// Record batches with one schema. It has `__arrow_c_stream__`, and can be read several times.
#[pyclass(frozen, module = "newsdesk._newsdesk")]
pub struct Table {
    pub schema: SchemaRef,
    pub batches: Vec<ArrowBatch>,
}

#[pymethods]
impl Table {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        let batches = self.batches.clone().into_iter().map(Ok);
        stream_capsule(py, Box::new(RecordBatchIterator::new(batches, Arc::clone(&self.schema))), requested_schema)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, self.schema.as_ref())
    }

    /// The columns.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(Arc::clone(&self.schema))
    }

    /// The number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batches.iter().map(ArrowBatch::num_rows).sum()
    }

    fn __len__(&self) -> usize {
        self.num_rows()
    }
}

/// Returns a capsule from which a library reads record batches.
pub fn stream_capsule<'py>(
    py: Python<'py>,
    reader: Box<dyn RecordBatchReader + Send>,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyArrowResult<Bound<'py, PyCapsule>> {
    let field = struct_field(&reader.schema());
    let arrays = reader.map(|batch| Ok(Arc::new(StructArray::from(batch?)) as ArrayRef));
    to_stream_pycapsule(py, Box::new(ArrayIterator::new(arrays, field)), requested_schema)
}

/// Returns the field of the structs as which capsules hold rows.
fn struct_field(schema: &ArrowSchema) -> FieldRef {
    let field = Field::new_struct("", schema.fields().clone(), false).with_metadata(schema.metadata().clone());
    Arc::new(field)
}

/// Returns a record batch with these columns, in their order: of strings, or of nulls where the values do not matter.
#[pyfunction]
pub fn record_batch(
    py: Python<'_>,
    columns: Vec<(String, Option<Vec<Option<String>>>)>,
    rows: usize,
) -> PyResult<RecordBatch> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|(name, texts)| match texts {
            Some(texts) => {
                let texts = LargeStringArray::from(texts);
                (Field::new(name, DataType::LargeUtf8, true), Arc::new(texts) as ArrayRef)
            }
            None => (Field::new(name, DataType::Null, true), Arc::new(NullArray::new(rows)) as ArrayRef),
        })
        .unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = ArrowBatch::try_new_with_options(Arc::new(ArrowSchema::new(fields)), arrays, &options);
    let batch = batch.map_err(|error| {
        errors::of_setting(py, format!("cannot use the columns: {error}"), "give columns of the same length")
    })?;
    Ok(RecordBatch { batch, rejects: vec![] })
}

/// Returns those of these columns that contain the article.
#[pyfunction]
#[pyo3(signature = (names, text, title))]
pub fn article_columns(names: Vec<String>, text: Option<String>, title: Option<String>) -> Vec<String> {
    let options = ReadOptions { text_field: text, title_field: title, ..ReadOptions::default() };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    options.article_columns_of(&names).into_iter().map(str::to_owned).collect()
}

/// The batches of a table of any library, which can be read once. It has `__arrow_c_stream__`.
#[pyclass(frozen, module = "newsdesk._newsdesk")]
pub struct InputReader {
    schema: SchemaRef,
    reader: Mutex<Option<Box<dyn RecordBatchReader + Send>>>,
}

#[pymethods]
impl InputReader {
    /// Reads anything with `__arrow_c_stream__` or `__arrow_c_array__`.
    #[new]
    fn new(data: AnyRecordBatch) -> PyResult<Self> {
        let reader = data.into_reader()?;
        Ok(Self { schema: reader.schema(), reader: Mutex::new(Some(reader)) })
    }

    /// The columns.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(Arc::clone(&self.schema))
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reader = reader.ok_or_else(|| {
            let message = "cannot read the table: it was read before".to_owned();
            errors::of_setting(py, message, "give a new reader")
        })?;
        stream_capsule(py, reader, requested_schema)
    }
}
