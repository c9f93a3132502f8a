//! Blocks of rows as bytes: an Arrow IPC stream, or a Parquet file.
//!
//! A stream grows at its end only, so a run that was cut off can go on behind any block. A Parquet file is whole when its footer is
//! written, and not before; a run gathers its rows in a stream, and makes the file of it when all are there.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamEncoder};
use arrow_schema::{ArrowError, DataType, Field, IntervalUnit, Schema, SchemaRef};
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{Sink, failed};
use crate::error::DataError;
use crate::open::open;
use crate::source::Source;

/// Most rows of a group in a Parquet file: what DuckDB takes, and near what others do.
const GROUP_ROWS: usize = 122_880;
/// About the most bytes of a group, compressed: it is in memory while it is written.
const GROUP_BYTES: usize = 64 * 1024 * 1024;
/// The mark that ends an Arrow stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// An Arrow IPC stream.
pub(in super::super) struct Stream {
    out: Box<dyn Write + Send>,
    options: IpcWriteOptions,
    schema: Option<(SchemaRef, Vec<u8>)>,
    /// Whether a Parquet file is to be made of it, which not all types fit in.
    for_parquet: bool,
}

impl Stream {
    /// A stream into `out`, with its values compressed if it is for ourselves, to make a Parquet file of it.
    pub fn new(out: Box<dyn Write + Send>, for_parquet: bool) -> Result<Stream, DataError> {
        let options = IpcWriteOptions::default();
        let options = match for_parquet {
            true => options.try_with_compression(Some(CompressionType::ZSTD)).map_err(failed)?,
            false => options,
        };
        Ok(Stream { out, options, schema: None, for_parquet })
    }

    /// Goes on with a stream of these columns.
    pub fn after(mut self, schema: &SchemaRef) -> Result<Stream, DataError> {
        let message = self.schema_message(schema)?;
        self.schema = Some((schema.clone(), message));
        Ok(self)
    }

    fn encoder(&self, schema: &SchemaRef) -> Result<StreamEncoder, DataError> {
        StreamEncoder::try_new_with_options(schema, self.options.clone()).map_err(failed)
    }

    /// The bytes that say what the columns are.
    fn schema_message(&self, schema: &SchemaRef) -> Result<Vec<u8>, DataError> {
        let mut bytes = joined(self.encoder(schema)?.finish().map_err(failed)?);
        bytes.truncate(bytes.len() - END.len());
        Ok(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.out.write_all(bytes).map_err(|source| DataError::Write { source })
    }
}

fn joined<B: Deref<Target = [u8]>>(buffers: Vec<B>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(buffers.iter().map(|buffer| buffer.len()).sum());
    buffers.iter().for_each(|buffer| bytes.extend_from_slice(buffer));
    bytes
}

impl Sink for Stream {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), DataError> {
        if self.for_parquet {
            check_for_parquet(schema)?;
        }
        let message = self.schema_message(schema)?;
        self.write(&message)?;
        self.schema = Some((schema.clone(), message));
        Ok(())
    }

    fn block(&mut self, block: &RecordBatch) -> Result<(), DataError> {
        let Some((schema, message)) = &self.schema else { return Ok(()) };
        // Each block is written as if it were the first one, so that its bytes do not depend on those before it: dictionaries
        // come with every block.
        let bytes = joined(self.encoder(schema)?.encode(block).map_err(failed)?);
        let behind = message.len();
        self.write(&bytes[behind..])
    }

    fn flush(&mut self) -> Result<(), DataError> {
        self.out.flush().map_err(|source| DataError::Write { source })
    }

    fn end(&mut self) -> Result<(), DataError> {
        self.write(&END)?;
        self.flush()
    }
}

/// A Parquet file.
pub(in super::super) struct Parquet {
    state: State,
}

enum State {
    /// Without columns so far.
    Opened(Box<dyn Write + Send>),
    Writing(Box<ArrowWriter<Box<dyn Write + Send>>>),
    Ended,
}

impl Parquet {
    pub fn new(out: Box<dyn Write + Send>) -> Parquet {
        Parquet { state: State::Opened(out) }
    }
}

impl Sink for Parquet {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), DataError> {
        check_for_parquet(schema)?;
        if let State::Opened(out) = std::mem::replace(&mut self.state, State::Ended) {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_row_count(Some(GROUP_ROWS))
                .set_max_row_group_bytes(Some(GROUP_BYTES))
                .set_created_by(concat!("newsdesk version ", env!("CARGO_PKG_VERSION")).to_owned())
                .build();
            let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties));
            self.state = State::Writing(Box::new(writer.map_err(of_parquet)?));
        }
        Ok(())
    }

    fn block(&mut self, block: &RecordBatch) -> Result<(), DataError> {
        match &mut self.state {
            State::Writing(writer) => writer.write(block).map_err(of_parquet),
            State::Opened(_) | State::Ended => Ok(()),
        }
    }

    /// A group ends where it is large enough.
    fn flush(&mut self) -> Result<(), DataError> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), DataError> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Writing(writer) => {
                let mut out = writer.into_inner().map_err(of_parquet)?;
                out.flush().map_err(|source| DataError::Write { source })
            }
            State::Opened(_) | State::Ended => Ok(()),
        }
    }
}

/// Parquet has no place for some types; that should be known before the work and not behind it.
fn check_for_parquet(schema: &SchemaRef) -> Result<(), DataError> {
    let refused = |field: &Field| {
        let (column, kind) = (field.name().clone(), field.data_type().to_string());
        DataError::NoParquetType { column, kind }
    };
    for field in schema.fields() {
        if !fits_parquet(field.data_type()) {
            return Err(refused(field));
        }
        let alone = Schema::new(vec![Arc::clone(field)]);
        ArrowSchemaConverter::new().convert(&alone).map_err(|_| refused(field))?;
    }
    Ok(())
}

fn fits_parquet(kind: &DataType) -> bool {
    match kind {
        DataType::Union(..) | DataType::Interval(IntervalUnit::MonthDayNano) => false,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => fits_parquet(field.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| fits_parquet(field.data_type())),
        DataType::Dictionary(_, values) => fits_parquet(values),
        _ => true,
    }
}

fn of_parquet(error: ParquetError) -> DataError {
    match error {
        // A full disk should be known as one.
        ParquetError::External(cause) => {
            let source = cause.downcast::<io::Error>().map_or_else(io::Error::other, |cause| *cause);
            DataError::Write { source }
        }
        error => failed(ArrowError::from(error)),
    }
}

/// The columns of a stream that is being written; none if it has not come as far.
pub(in super::super) fn schema_of(path: &Path) -> Result<Option<SchemaRef>, DataError> {
    let source = Source::File(path.to_owned());
    let mut stream = open(&source, None)?;
    let start = stream.peek(|seen| !seen.is_empty()).map_err(|error| broken(path, error.into()))?;
    if start.is_empty() {
        return Ok(None);
    }
    match StreamReader::try_new(stream.reader, None) {
        Ok(stream) => Ok(Some(stream.schema())),
        Err(error) => Err(broken(path, error)),
    }
}

/// Makes a Parquet file out of a stream, and removes the stream. The file has its name only when it is whole.
pub(in super::super) fn settle(stream: &Path, parquet: &Path) -> Result<(), DataError> {
    let mut name = parquet.as_os_str().to_owned();
    name.push(".whole");
    let whole = Path::new(&name);
    let create = |source| DataError::Create { path: parquet.to_owned(), source };
    let made = || {
        let blocks = StreamReader::try_new(open(&Source::File(stream.to_owned()), None)?.reader, None);
        let blocks = blocks.map_err(|error| broken(stream, error))?;
        let file = File::create(whole).map_err(create)?;
        let handle = file.try_clone().map_err(create)?;
        let mut out = Parquet::new(Box::new(BufWriter::new(file)));
        out.begin(&blocks.schema())?;
        for block in blocks {
            out.block(&block.map_err(|error| broken(stream, error))?)?;
        }
        out.end()?;
        handle.sync_data().and_then(|()| std::fs::rename(whole, parquet)).map_err(create)
    };
    if let Err(error) = made() {
        // On a full disk half a file is in the way of the next try.
        let _ = std::fs::remove_file(whole);
        return Err(match error {
            DataError::Write { source } => create(source),
            error => error,
        });
    }
    std::fs::remove_file(stream).map_err(create)
}

fn broken(path: &Path, error: ArrowError) -> DataError {
    let source = io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    DataError::Broken { name: path.display().to_string(), rows: 0, source }
}
