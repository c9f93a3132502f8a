//! Labelling of Arrow batches.

use crate::engine::{Engine, html_mode};
use crate::errors;
use crate::tables::{RecordBatch, Schema, Table, stream_capsule};
use crate::wait;
use arrow_array::{RecordBatch as ArrowBatch, RecordBatchReader};
use arrow_schema::{ArrowError, Field, SchemaRef};
use newsdesk_data::ReadOptions;
use newsdesk_model::Classifier;
use newsdesk_run::{
    BatchLabeller, BatchOptions, BatchStream, LabelledBatch, PredictionColumns, RunError, Scores, Unusable,
};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyCapsule;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::to_schema_pycapsule;
use pyo3_arrow::input::AnyRecordBatch;
use pyo3_arrow::{PyRecordBatch, PySchema};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A reader keeps batches of at least this many rows in progress, if the input has them.
const ROWS_AHEAD: usize = 4096;
/// Batches in progress at most, where batches are small.
const BATCHES_AHEAD: usize = 64;

/// Labels batches with one schema. Threads can share it.
#[pyclass(frozen, module = "newsdesk._newsdesk")]
pub struct Labeller {
    classifier: Arc<Classifier>,
    labeller: Arc<BatchLabeller>,
}

#[pymethods]
impl Labeller {
    /// Chooses the columns of the output. The settings are those of `newsdesk classify`; `top_k` is 0 for no labels besides the
    /// predicted ones, and -1 for the scores of all labels. `errors` is `column` or `drop`.
    #[new]
    #[expect(clippy::too_many_arguments, reason = "they are the settings, which Python gives by name")]
    #[pyo3(signature = (engine, schema, *, text, title, html, top_k, min_scores, prefix, columns, overwrite_columns, language, errors))]
    fn new(
        py: Python<'_>,
        engine: &Engine,
        schema: PySchema,
        text: Option<String>,
        title: Option<String>,
        html: &str,
        top_k: i64,
        min_scores: Vec<Option<f32>>,
        prefix: &str,
        columns: Option<Vec<String>>,
        overwrite_columns: bool,
        language: bool,
        errors: &str,
    ) -> PyResult<Self> {
        let scores = match usize::try_from(top_k) {
            Ok(0) => Scores::Best,
            Ok(count) => Scores::Top(count),
            Err(_) => Scores::All,
        };
        let unusable = match errors {
            "column" => Unusable::ErrorColumn,
            "drop" => Unusable::LeaveOut,
            _ => {
                let message = format!("cannot use errors=\"{errors}\": it is unknown");
                return Err(errors::of_setting(py, message, "choose from column, drop"));
            }
        };
        let read =
            ReadOptions { text_field: text, title_field: title, html: html_mode(py, html)?, ..Default::default() };
        let classifier = Arc::clone(&engine.classifier);
        let added = PredictionColumns::new(classifier.heads(), scores, prefix).with_min_scores(min_scores);
        let options = BatchOptions { read, columns, overwrite_columns, language_column: language, unusable };
        let labeller = BatchLabeller::new(&schema.into_inner(), "the table", &added, &options)
            .map_err(|error| errors::of_run(py, error))?;
        Ok(Self { classifier, labeller: Arc::new(labeller) })
    }

    /// The columns of the output.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(Arc::clone(self.labeller.schema()))
    }

    /// The names of the columns that are added.
    #[getter]
    fn added(&self) -> Vec<String> {
        self.labeller.added().iter().map(|field| field.name().clone()).collect()
    }

    /// The names of those added columns that hold numbers.
    #[getter]
    fn numbers(&self) -> Vec<String> {
        let is_number = |field: &&Arc<Field>| field.data_type().is_numeric();
        self.labeller.added().iter().filter(is_number).map(|field| field.name().clone()).collect()
    }

    /// Labels a batch.
    fn label(&self, py: Python<'_>, batch: PyRecordBatch) -> PyResult<RecordBatch> {
        let batch = conforming(batch.into_inner(), self.labeller.input_schema());
        let mut stream = self.start(py)?;
        stream.push(batch.map_err(|error| errors::of_run(py, error))?);
        stream.close();
        let labelled = wait::until(py, |interval| stream.next_within(interval).transpose())?;
        Ok(labelled.map_err(|error| errors::of_run(py, error))?.into())
    }

    /// Labels the batches of a table, a reader, or anything with `__arrow_c_stream__` or `__arrow_c_array__`, while they are read.
    fn stream(&self, py: Python<'_>, input: AnyRecordBatch) -> PyResult<LabelledReader> {
        let batches = Batches {
            input: Some(input.into_reader()?),
            input_schema: Arc::clone(self.labeller.input_schema()),
            stream: self.start(py)?,
            error: None,
        };
        Ok(LabelledReader {
            schema: Arc::clone(self.labeller.schema()),
            process: std::process::id(),
            batches: Arc::new(Mutex::new(batches)),
        })
    }
}

impl Labeller {
    fn start(&self, py: Python<'_>) -> PyResult<BatchStream> {
        BatchStream::start(Arc::clone(&self.classifier), Arc::clone(&self.labeller))
            .map_err(|error| errors::of_run(py, error))
    }
}

impl From<LabelledBatch> for RecordBatch {
    fn from(LabelledBatch { batch, rejects }: LabelledBatch) -> Self {
        Self { batch, rejects }
    }
}

/// Returns a batch with the schema of the labeller. Its own may differ in metadata, which engines change from batch to batch.
fn conforming(batch: ArrowBatch, schema: &SchemaRef) -> Result<ArrowBatch, RunError> {
    if batch.schema_ref() == schema {
        return Ok(batch);
    }
    batch.with_schema(Arc::clone(schema)).map_err(|error| RunError::OtherSchema { cause: error.to_string() })
}

/// Labelled batches, computed while they are read. It is an iterator, and has `__arrow_c_stream__`.
#[pyclass(frozen, module = "newsdesk._newsdesk")]
pub struct LabelledReader {
    schema: SchemaRef,
    /// The process that has the threads of the stream.
    process: u32,
    batches: Arc<Mutex<Batches>>,
}

#[pymethods]
impl LabelledReader {
    /// The columns.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(Arc::clone(&self.schema))
    }

    fn __iter__(reader: PyRef<'_, Self>) -> PyRef<'_, Self> {
        reader
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        Ok(next(py, self.process, &self.batches)?.map(RecordBatch::from))
    }

    /// Reads the rest into a table.
    fn read_all(&self, py: Python<'_>) -> PyResult<Table> {
        let mut batches = vec![];
        while let Some(batch) = self.__next__(py)? {
            batches.push(batch.batch);
        }
        Ok(Table { schema: Arc::clone(&self.schema), batches })
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        let (process, batches) = (self.process, Arc::clone(&self.batches));
        let reader = Exported { schema: Arc::clone(&self.schema), process, batches };
        stream_capsule(py, Box::new(reader), requested_schema)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, self.schema.as_ref())
    }
}

/// The input, and its batches in progress.
struct Batches {
    /// `None` after its last batch.
    input: Option<Box<dyn RecordBatchReader + Send>>,
    input_schema: SchemaRef,
    stream: BatchStream,
    /// The error that ended the input. It is raised after the batches before it, and again and again.
    error: Option<PyErr>,
}

/// Returns the next batch of a reader that this process has made.
fn next(py: Python<'_>, process: u32, batches: &Mutex<Batches>) -> PyResult<Option<LabelledBatch>> {
    // Before the lock is taken: in a child, a thread of the parent may hold it for ever.
    if process != std::process::id() {
        let message = "cannot read the labelled batches: another process has their threads".to_owned();
        return Err(errors::of_setting(py, message, "call `classify` again after the fork"));
    }
    lock(py, batches).next(py)
}

/// Waits for the lock without the interpreter lock, which another thread may need in order to go on.
fn lock<'b>(py: Python<'_>, batches: &'b Mutex<Batches>) -> MutexGuard<'b, Batches> {
    batches.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
}

impl Batches {
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<LabelledBatch>> {
        loop {
            let (batches, rows) = self.stream.in_progress();
            let is_full = batches > 0 && (rows >= ROWS_AHEAD || batches >= BATCHES_AHEAD);
            if !is_full && let Some(input) = &mut self.input {
                // The input may be in Python. It then takes the interpreter lock itself.
                let read = py.detach(|| input.next()).map(|batch| {
                    let batch = batch.map_err(|error| of_input(py, error))?;
                    conforming(batch, &self.input_schema).map_err(|error| errors::of_run(py, error))
                });
                match read {
                    Some(Ok(batch)) => self.stream.push(batch),
                    ended => {
                        self.error = ended.and_then(Result::err);
                        self.input = None;
                        self.stream.close();
                    }
                }
                continue;
            }
            if batches == 0 {
                return self.error.as_ref().map_or(Ok(None), |error| Err(error.clone_ref(py)));
            }
            let stream = &mut self.stream;
            let labelled = wait::until(py, |interval| stream.next_within(interval).transpose())?;
            return labelled.map(Some).map_err(|error| errors::of_run(py, error));
        }
    }
}

/// Returns the exception for an error of the input: the exception that it raised, if it is in Python.
fn of_input(py: Python<'_>, error: ArrowError) -> PyErr {
    match error {
        ArrowError::ExternalError(error) => match error.downcast::<PyErr>() {
            Ok(error) => *error,
            Err(error) => PyRuntimeError::new_err(format!("cannot read the table: {error}")),
        },
        error => errors::of_run(py, RunError::OtherSchema { cause: error.to_string() }),
    }
}

/// The reader for libraries that read it through a capsule.
struct Exported {
    schema: SchemaRef,
    process: u32,
    batches: Arc<Mutex<Batches>>,
}

impl Iterator for Exported {
    type Item = Result<ArrowBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match Python::attach(|py| next(py, self.process, &self.batches)) {
            Ok(labelled) => labelled.map(|labelled| Ok(labelled.batch)),
            Err(error) => Some(Err(ArrowError::ExternalError(Box::new(error)))),
        }
    }
}

impl RecordBatchReader for Exported {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
