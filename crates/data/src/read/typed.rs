//! Reads typed tables batch by batch: Arrow streams and files, and Parquet files.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::error::ReadError;
use super::ipc::Batches;
use super::options::ReadOptions;
use super::typed_columns::TypedColumns;
use crate::error::DataError;
use crate::open::{ByteMonitor, Stream};
use crate::panics;
use crate::row::{Row, Table, arrow_io_error};

/// The number of rows per batch of a Parquet file. Waiting rows keep their whole batch in memory, and articles may be
/// long.
const BATCH: usize = 256;
/// The magic bytes of an Arrow file. A stream follows after the padding.
pub(super) const ARROW_FILE: &[u8] = b"ARROW1";
/// The first bytes of an Arrow stream.
pub(super) const ARROW_STREAM: &[u8] = b"\xff\xff\xff\xff";
/// The magic bytes of a Parquet file.
pub(super) const PARQUET: &[u8] = b"PAR1";

/// Returns whether a path is a file with the magic bytes of Parquet. Pipes are not read, since that would consume their
/// bytes.
pub(super) fn is_parquet(path: &Path) -> bool {
    let mut start = [0; PARQUET.len()];
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    is_file && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *PARQUET
}

pub(super) struct Typed {
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>,
    columns: TypedColumns,
    batch: Arc<RecordBatch>,
    /// The index of the next row in the batch.
    next: usize,
    /// The number of rows read so far.
    rows: u64,
    /// What to do after the last row.
    at_end: Option<Box<dyn FnOnce() -> io::Result<()> + Send>>,
}

impl Typed {
    /// Reads the schema of an Arrow stream, or of an Arrow file, which is a stream after a few magic bytes.
    ///
    /// # Errors
    /// If the stream is not valid, or has no text column.
    pub fn arrow(mut stream: Stream, name: Arc<str>, options: &ReadOptions, limit: usize) -> Result<Typed, DataError> {
        let failed = |source| DataError::Broken { name: name.to_string(), rows: 0, source };
        let start = stream.peek(|start| start.len() >= ARROW_FILE.len()).map_err(failed)?;
        if start.starts_with(ARROW_FILE) {
            // Padding of zeros follows, eight bytes at a time.
            let mut padding = [0; 8];
            stream.reader.read_exact(&mut padding).map_err(failed)?;
            while stream.peek(|start| start.len() >= padding.len()).map_err(failed)? == [0; 8] {
                stream.reader.read_exact(&mut padding).map_err(failed)?;
            }
        }
        let batches =
            catch_panics(|| Batches::new(Box::new(stream.reader))).map_err(|error| failed(arrow_io_error(error)))?;
        let schema = batches.schema();
        Typed::new(Box::new(batches), schema, name, options, limit)
    }

    /// Reads the footer of a Parquet file.
    ///
    /// # Errors
    /// If the file cannot be opened, is not valid, or has no text column.
    pub fn parquet(
        path: &Path,
        name: Arc<str>,
        options: &ReadOptions,
        limit: usize,
        monitor: Option<&Arc<ByteMonitor>>,
    ) -> Result<Typed, DataError> {
        let file = File::open(path).map_err(|source| DataError::Open { name: name.to_string(), source })?;
        let failed = |source| DataError::Broken { name: name.to_string(), rows: 0, source };
        let file = Arc::new(file);
        let chunks = Chunks { file: Arc::clone(&file), monitor: monitor.cloned() };
        let opened = catch_panics(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new(chunks)?;
            let schema = Arc::clone(builder.schema());
            Ok((schema, builder.with_batch_size(BATCH).build()?))
        });
        let (schema, batches) = opened.map_err(|error| failed(arrow_io_error(error)))?;
        let mut rows = Typed::new(Box::new(batches), schema, name, options, limit)?;
        if let Some(monitor) = monitor.cloned() {
            // The columns are not read in the order of their bytes, so the hash needs a pass of its own.
            rows.at_end = Some(Box::new(move || monitor.hash_file(&file)));
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
        let batch = Arc::new(RecordBatch::new_empty(Arc::clone(&schema)));
        let columns = TypedColumns::new(schema, name, options, limit)?;
        Ok(Typed { batches, columns, batch, next: 0, rows: 0, at_end: None })
    }

    /// Returns the columns and their types.
    pub fn table(&self) -> &Table {
        self.columns.table()
    }

    fn broken(&self, source: io::Error) -> ReadError {
        ReadError::Fatal(DataError::Broken { name: self.columns.name().to_owned(), rows: self.rows, source })
    }
}

impl Iterator for Typed {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next == self.batch.num_rows() {
            match catch_panics(|| self.batches.next().transpose()).transpose() {
                Some(Ok(batch)) => (self.batch, self.next) = (Arc::new(batch), 0),
                Some(Err(error)) => return Some(Err(self.broken(arrow_io_error(error)))),
                None => {
                    let ended = self.at_end.take().map_or(Ok(()), |at_end| at_end());
                    return ended.err().map(|source| Err(self.broken(source)));
                }
            }
        }
        self.rows += 1;
        let row = self.columns.row(&self.batch, self.next, self.rows);
        self.next += 1;
        Some(row)
    }
}

/// Runs a step of reading. The Arrow and Parquet libraries panic on some damaged files, and a panic is returned as an
/// error.
fn catch_panics<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    panics::catch(read).unwrap_or_else(|panicked| Err(ArrowError::IpcError(panicked.to_string())))
}

/// A Parquet file that is read in chunks.
struct Chunks {
    file: Arc<File>,
    monitor: Option<Arc<ByteMonitor>>,
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
        // A damaged file may ask for more bytes than it has, or than fit in memory.
        if start.saturating_add(length as u64) > self.len() {
            return Err(ParquetError::EOF("the file ends before its rows do".into()));
        }
        let bytes = self.file.get_bytes(start, length)?;
        if let Some(monitor) = &self.monitor {
            monitor.add_to_total(length as u64);
        }
        Ok(bytes)
    }
}
