//! Tables with types: Arrow streams and files, and Parquet files, batch by batch.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::ipc::Batches;
use super::{BLANK, BLANK_HINT, ReadError, ReadOptions, Reject, SAMPLE};
use crate::article::{Article, Cell, Position, Row};
use crate::error::DataError;
use crate::open::Stream;
use crate::table::{Table, TableForm};
use crate::typed::{TypedCell, is_text, of_arrow};
use crate::watch::Watch;

/// Rows that are taken out of a Parquet file at once: articles may be long, and what waits refers to whole batches.
const BATCH: usize = 256;
/// How an Arrow file begins; a stream follows after the padding.
pub(super) const ARROW_FILE: &[u8] = b"ARROW1";
/// How an Arrow stream begins.
pub(super) const ARROW_STREAM: &[u8] = b"\xff\xff\xff\xff";
/// How a Parquet file begins, and ends.
pub(super) const PARQUET: &[u8] = b"PAR1";

/// Whether a file begins like a Parquet file; others are left alone, since reading takes from a pipe.
pub(super) fn is_parquet(path: &Path) -> bool {
    let mut start = [0; PARQUET.len()];
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    is_file && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *PARQUET
}

pub(super) struct Typed {
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>,
    name: Arc<str>,
    table: Table,
    text: usize,
    title: Option<usize>,
    limit: usize,
    batch: Arc<RecordBatch>,
    /// The row of the batch that comes next.
    next: usize,
    /// Rows read so far.
    rows: u64,
    /// What is left to do when all rows are read.
    at_end: Option<Box<dyn FnOnce() -> io::Result<()> + Send>>,
}

impl Typed {
    /// Reads the schema of an Arrow stream, or of an Arrow file, which is one behind a few bytes.
    pub fn arrow(mut stream: Stream, name: Arc<str>, options: &ReadOptions, limit: usize) -> Result<Typed, DataError> {
        let failed = |source| DataError::Broken { name: name.to_string(), rows: 0, source };
        let start = stream.peek(|seen| seen.len() >= ARROW_FILE.len()).map_err(failed)?;
        if start.starts_with(ARROW_FILE) {
            // Zeros follow, in eights.
            let mut eight = [0; 8];
            stream.reader.read_exact(&mut eight).map_err(failed)?;
            while stream.peek(|seen| seen.len() >= eight.len()).map_err(failed)? == [0; 8] {
                stream.reader.read_exact(&mut eight).map_err(failed)?;
            }
        }
        let batches = caught(|| Batches::new(stream.reader)).map_err(|error| failed(of_arrow(error)))?;
        let schema = batches.schema();
        Typed::new(Box::new(batches), schema, name, options, limit)
    }

    /// Reads the footer of a Parquet file.
    pub fn parquet(
        path: &Path,
        name: Arc<str>,
        options: &ReadOptions,
        limit: usize,
        watch: Option<&Arc<Watch>>,
    ) -> Result<Typed, DataError> {
        let file = File::open(path).map_err(|source| DataError::Open { name: name.to_string(), source })?;
        let failed = |source| DataError::Broken { name: name.to_string(), rows: 0, source };
        let file = Arc::new(file);
        let chunks = Chunks { file: Arc::clone(&file), watch: watch.cloned() };
        let opened = caught(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new(chunks)?;
            let schema = Arc::clone(builder.schema());
            Ok((schema, builder.with_batch_size(BATCH).build()?))
        });
        let (schema, batches) = opened.map_err(|error| failed(of_arrow(error)))?;
        let mut rows = Typed::new(Box::new(batches), schema, name, options, limit)?;
        if let Some(watch) = watch.cloned() {
            // Its columns are not read from the first byte to the last, so its hash takes a reading of its own.
            rows.at_end = Some(Box::new(move || watch.identify(&file)));
        }
        Ok(rows)
    }

    fn new(
        batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>,
        schema: SchemaRef,
        name: Arc<str>,
        options: &ReadOptions,
        limit: usize,
    ) -> Result<Typed, DataError> {
        let found: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let (text, title) = options.article_columns(&name, &found)?;
        // A number that is called `title` is none, unless it was asked for.
        let of_text = |column: &usize| is_text(schema.field(*column).data_type());
        let title = title.filter(|title| options.title_field.is_some() || of_text(title));
        if let Some(column) = title.iter().chain([&text]).find(|column| !of_text(column)) {
            let field = schema.field(*column);
            let (column, kind) = (field.name().clone(), field.data_type().to_string());
            return Err(DataError::NoText { name: name.to_string(), column, kind });
        }
        let columns = found.iter().map(|column| Arc::from(*column)).collect();
        let batch = Arc::new(RecordBatch::new_empty(Arc::clone(&schema)));
        let table = Table { columns, form: TableForm::Typed(schema) };
        Ok(Typed { batches, name, table, text, title, limit, batch, next: 0, rows: 0, at_end: None })
    }

    /// The columns and their types.
    pub fn table(&self) -> &Table {
        &self.table
    }

    fn cell(&self, column: usize) -> TypedCell {
        TypedCell::new(Arc::clone(&self.batch), column, self.next)
    }

    /// The row that comes next.
    fn row(&self) -> Result<Row, ReadError> {
        let position = Position { source: Arc::clone(&self.name), row: self.rows + 1, line: 0, offset: 0 };
        let text_of = |column| self.cell(column).as_text().map(|text| text.into_owned());
        let (text, title) = (text_of(self.text).unwrap_or_default(), self.title.and_then(text_of));
        let cells = (0..self.table.columns.len()).map(|column| Cell::Typed(self.cell(column)));
        let columns = self.table.columns.iter().cloned().zip(cells).collect();
        let article = Article { title, text, mention: None };
        let row = Row { position, columns, article, line: None };
        let refused = |cause: String, hint: &str, raw: String| {
            Err(ReadError::Reject(Reject { position: row.position.clone(), cause, hint: Some(hint.into()), raw }))
        };
        if row.article.text.len() > self.limit {
            let beginning = row.article.text.chars().take(SAMPLE).collect();
            return refused(
                format!("the text is longer than {} bytes", self.limit),
                "an article is never that long",
                beginning,
            );
        }
        match row.article.is_blank() {
            true => refused(BLANK.into(), BLANK_HINT, row.to_json()),
            false => Ok(row),
        }
    }

    fn broken(&self, source: io::Error) -> ReadError {
        ReadError::Fatal(DataError::Broken { name: self.name.to_string(), rows: self.rows, source })
    }
}

impl Iterator for Typed {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next == self.batch.num_rows() {
            match caught(|| self.batches.next().transpose()).transpose() {
                Some(Ok(batch)) => (self.batch, self.next) = (Arc::new(batch), 0),
                Some(Err(error)) => return Some(Err(self.broken(of_arrow(error)))),
                None => {
                    let ended = self.at_end.take().map_or(Ok(()), |at_end| at_end());
                    return ended.err().map(|source| Err(self.broken(source)));
                }
            }
        }
        let row = self.row();
        self.next += 1;
        self.rows += 1;
        Some(row)
    }
}

/// What reading gives. The libraries panic on some bytes that nobody writes; that is an error of the file, too.
fn caught<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    let panicked = |_| Err(ArrowError::IpcError("its bytes contradict each other".into()));
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(panicked)
}

/// A Parquet file, of which pieces are asked for.
struct Chunks {
    file: Arc<File>,
    watch: Option<Arc<Watch>>,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // A broken file may ask for more than there is, or than memory holds.
        if start.saturating_add(length as u64) > self.len() {
            return Err(ParquetError::EOF("the file ends before its rows do".into()));
        }
        let bytes = self.file.get_bytes(start, length)?;
        if let Some(watch) = &self.watch {
            watch.advance(length as u64);
        }
        Ok(bytes)
    }
}
