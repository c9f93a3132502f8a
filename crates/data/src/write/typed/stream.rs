//! Arrow IPC streams.
//!
//! A stream only grows at its end, so an interrupted run can continue it after any block.

use std::io::{self, BufRead, Write};
use std::ops::Deref;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamEncoder};
use arrow_schema::{ArrowError, SchemaRef};

use super::parquet_types::check_types;
use super::sink::{Sink, write_error};
use crate::error::DataError;
use crate::open::{Source, open};

/// The mark that ends an Arrow stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Writes an Arrow IPC stream.
pub(in super::super) struct Stream {
    out: Box<dyn Write + Send>,
    options: IpcWriteOptions,
    schema: Option<(SchemaRef, Vec<u8>)>,
    /// Whether the stream will be converted to Parquet, which does not support all types.
    for_parquet: bool,
}

impl Stream {
    /// Returns a stream into `out`. Its values are compressed if it will be converted to Parquet.
    ///
    /// # Errors
    /// If the compression is not available.
    pub fn new(out: Box<dyn Write + Send>, for_parquet: bool) -> Result<Stream, DataError> {
        let options = IpcWriteOptions::default();
        let options = match for_parquet {
            true => options.try_with_compression(Some(CompressionType::ZSTD)).map_err(write_error)?,
            false => options,
        };
        Ok(Stream { out, options, schema: None, for_parquet })
    }

    /// Continues a stream that already has these columns.
    ///
    /// # Errors
    /// If the schema cannot be encoded.
    pub fn after(mut self, schema: &SchemaRef) -> Result<Stream, DataError> {
        let message = self.schema_message(schema)?;
        self.schema = Some((schema.clone(), message));
        Ok(self)
    }

    fn encoder(&self, schema: &SchemaRef) -> Result<StreamEncoder, DataError> {
        StreamEncoder::try_new_with_options(schema, self.options.clone()).map_err(write_error)
    }

    /// Returns the message that declares the columns.
    fn schema_message(&self, schema: &SchemaRef) -> Result<Vec<u8>, DataError> {
        let mut bytes = concat(self.encoder(schema)?.finish().map_err(write_error)?);
        bytes.truncate(bytes.len() - END.len());
        Ok(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.out.write_all(bytes).map_err(|source| DataError::Write { source })
    }
}

fn concat<B: Deref<Target = [u8]>>(buffers: Vec<B>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(buffers.iter().map(|buffer| buffer.len()).sum());
    buffers.iter().for_each(|buffer| bytes.extend_from_slice(buffer));
    bytes
}

impl Sink for Stream {
    fn start(&mut self, schema: &SchemaRef) -> Result<(), DataError> {
        if self.for_parquet {
            check_types(schema)?;
        }
        let message = self.schema_message(schema)?;
        self.write(&message)?;
        self.schema = Some((schema.clone(), message));
        Ok(())
    }

    fn write_block(&mut self, block: &RecordBatch) -> Result<(), DataError> {
        let Some((schema, message)) = &self.schema else { return Ok(()) };
        // Each block is encoded as if it were the first one, with all its dictionaries. So its bytes do not depend on
        // the blocks before it.
        let bytes = concat(self.encoder(schema)?.encode(block).map_err(write_error)?);
        let start = message.len();
        self.write(&bytes[start..])
    }

    fn flush(&mut self) -> Result<(), DataError> {
        self.out.flush().map_err(|source| DataError::Write { source })
    }

    fn end(&mut self) -> Result<(), DataError> {
        self.write(&END)?;
        self.flush()
    }
}

/// Returns the columns of a partial stream, or `None` if it is empty.
///
/// # Errors
/// If the file cannot be read, or does not start with a schema.
pub(in super::super) fn schema_of(path: &Path) -> Result<Option<SchemaRef>, DataError> {
    let mut stream = open(&Source::File(path.to_owned()), None)?;
    let start = stream.peek(|start| !start.is_empty()).map_err(|error| read_error(path, error.into()))?;
    if start.is_empty() {
        return Ok(None);
    }
    match StreamReader::try_new(stream.reader, None) {
        Ok(stream) => Ok(Some(stream.schema())),
        Err(error) => Err(read_error(path, error)),
    }
}

/// Opens a complete stream to read its blocks.
///
/// # Errors
/// If the file cannot be read, or does not start with a schema.
pub(super) fn read_blocks(path: &Path) -> Result<StreamReader<Box<dyn BufRead + Send>>, DataError> {
    let stream = open(&Source::File(path.to_owned()), None)?;
    StreamReader::try_new(Box::new(stream.reader) as Box<dyn BufRead + Send>, None)
        .map_err(|error| read_error(path, error))
}

/// Converts an Arrow error into the error of a stream that cannot be read.
pub(super) fn read_error(path: &Path, error: ArrowError) -> DataError {
    let source = io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    DataError::Broken { name: path.display().to_string(), rows: 0, source }
}
