//! Parquet files.
//!
//! A Parquet file can be read only after its footer is written. So a run that can be interrupted collects its rows in
//! an Arrow stream, and converts the stream when all rows are written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use newsdesk_files::{PartialFile, with_suffix};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::parquet_types::check_types;
use super::sink::{Sink, write_error};
use super::stream::{read_blocks, read_error};
use crate::error::DataError;

/// The maximum number of rows of a row group. It is the default of DuckDB, and close to that of other tools.
const GROUP_ROWS: usize = 122_880;
/// The approximate maximum size of a row group in bytes, compressed. A group is in memory while it is written.
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Writes a Parquet file.
pub(in super::super) struct Parquet {
    state: State,
}

enum State {
    /// The columns are not known yet.
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
    fn start(&mut self, schema: &SchemaRef) -> Result<(), DataError> {
        check_types(schema)?;
        if let State::Opened(out) = std::mem::replace(&mut self.state, State::Ended) {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_row_count(Some(GROUP_ROWS))
                .set_max_row_group_bytes(Some(GROUP_BYTES))
                .set_created_by(concat!("newsdesk version ", env!("CARGO_PKG_VERSION")).to_owned())
                .build();
            let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties));
            self.state = State::Writing(Box::new(writer.map_err(parquet_error)?));
        }
        Ok(())
    }

    fn write_block(&mut self, block: &RecordBatch) -> Result<(), DataError> {
        match &mut self.state {
            State::Writing(writer) => writer.write(block).map_err(parquet_error),
            State::Opened(_) | State::Ended => Ok(()),
        }
    }

    /// Does nothing. A row group ends only when it is large enough.
    fn flush(&mut self) -> Result<(), DataError> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), DataError> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Writing(writer) => {
                let mut out = writer.into_inner().map_err(parquet_error)?;
                out.flush().map_err(|source| DataError::Write { source })
            }
            State::Opened(_) | State::Ended => Ok(()),
        }
    }
}

fn parquet_error(error: ParquetError) -> DataError {
    match error {
        // Keeps the kind of an I/O error, so that a full disk is recognised.
        ParquetError::External(cause) => {
            let source = cause.downcast::<io::Error>().map_or_else(io::Error::other, |cause| *cause);
            DataError::Write { source }
        }
        error => write_error(ArrowError::from(error)),
    }
}

/// Converts a complete stream to a Parquet file, and removes the stream. The file gets its name only when it is
/// complete.
///
/// # Errors
/// If the stream cannot be read, or the file cannot be written. The stream is then kept.
pub(in super::super) fn finish_file(stream: &Path, parquet: &Path) -> Result<(), DataError> {
    let partial = PartialFile::new(with_suffix(parquet, ".whole"), parquet);
    let create = |source| DataError::Create { path: parquet.to_owned(), source };
    let convert = || {
        let blocks = read_blocks(stream)?;
        let file = File::create(partial.partial_path()).map_err(create)?;
        let mut out = Parquet::new(Box::new(BufWriter::new(file)));
        out.start(&blocks.schema())?;
        for block in blocks {
            out.write_block(&block.map_err(|error| read_error(stream, error))?)?;
        }
        out.end()
    };
    convert().map_err(|error| match error {
        DataError::Write { source } => create(source),
        error => error,
    })?;
    partial.finish().and_then(|()| std::fs::remove_file(stream)).map_err(create)
}
