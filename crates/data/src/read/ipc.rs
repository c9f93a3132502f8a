//! Reads an Arrow stream message by message, and checks each message before it is decoded.
//!
//! A message declares its length and the decompressed length of its values. The decoder allocates that much memory
//! before it reads the bytes. In a damaged stream these numbers may be arbitrary.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::{Message, root_as_message};
use arrow_schema::{ArrowError, Schema, SchemaRef};

/// The maximum length of a message in bytes, and of a column in it. No batch of articles is as large.
const MAX_LENGTH: u64 = 1 << 30;
/// The marker before each message. Streams of Arrow before 0.15 lack it.
const CONTINUATION: u32 = u32::MAX;

/// The bytes that end a stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// The record batches of a stream.
pub(super) struct Batches {
    reader: Box<dyn BufRead + Send>,
    decoder: StreamDecoder,
    /// Bytes that the decoder has not consumed yet. It consumes a message without a body only when the next one
    /// follows.
    pending: Buffer,
    ended: bool,
    schema: SchemaRef,
    /// The first batch, which is read early because the schema is known only then.
    first: Option<RecordBatch>,
}

impl Batches {
    /// Reads a stream up to its first batch.
    ///
    /// # Errors
    /// If the stream cannot be read, is not valid, or has no schema.
    pub fn new(reader: Box<dyn BufRead + Send>) -> Result<Batches, ArrowError> {
        let (pending, schema) = (Vec::<u8>::new().into(), Arc::new(Schema::empty()));
        let mut batches = Batches { reader, decoder: StreamDecoder::new(), pending, ended: false, schema, first: None };
        batches.first = batches.next_batch()?;
        let schema = batches.decoder.schema();
        batches.schema = schema.ok_or_else(|| ArrowError::IpcError("the stream has no schema".into()))?;
        Ok(batches)
    }

    /// Returns the names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        loop {
            if self.pending.is_empty() {
                if self.ended {
                    return Ok(None);
                }
                let message = message(&mut self.reader)?;
                self.ended = message.is_none();
                self.pending = message.unwrap_or_else(|| END.to_vec()).into();
            }
            if let Some(batch) = self.decoder.decode(&mut self.pending)? {
                return Ok(Some(batch));
            }
        }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.take().map(Ok).or_else(|| self.next_batch().transpose())
    }
}

/// Returns the bytes of the next message, or `None` after the last one.
fn message(reader: &mut dyn BufRead) -> Result<Option<Vec<u8>>, ArrowError> {
    let mut bytes = Vec::new();
    let Some(mut length) = word(reader, &mut bytes)? else { return Ok(None) };
    if length == CONTINUATION {
        length = word(reader, &mut bytes)?.ok_or_else(truncated)?;
    }
    if length == 0 {
        return Ok(None);
    }
    let start = bytes.len();
    if read(reader, &mut bytes, length.into())? < length as usize {
        return Err(truncated());
    }
    let parsed = root_as_message(&bytes[start..]).map_err(|error| ArrowError::IpcError(error.to_string()))?;
    let body = u64::try_from(parsed.bodyLength()).map_err(|_| too_large())?;
    let end = bytes.len();
    if (read(reader, &mut bytes, body)? as u64) < body {
        return Err(truncated());
    }
    let parsed = root_as_message(&bytes[start..end]).map_err(|error| ArrowError::IpcError(error.to_string()))?;
    check_columns(&parsed, &bytes[end..])?;
    Ok(Some(bytes))
}

/// Reads four bytes, appends them, and returns them as a number. Returns `None` at the end of the stream.
fn word(reader: &mut dyn BufRead, bytes: &mut Vec<u8>) -> Result<Option<u32>, ArrowError> {
    let found = read(reader, bytes, 4)?;
    match bytes.last_chunk() {
        Some(word) if found == 4 => Ok(Some(u32::from_le_bytes(*word))),
        _ if found == 0 => Ok(None),
        _ => Err(truncated()),
    }
}

/// Appends up to `count` bytes, and returns how many there were.
fn read(reader: &mut dyn BufRead, bytes: &mut Vec<u8>, count: u64) -> Result<usize, ArrowError> {
    if count > MAX_LENGTH {
        return Err(too_large());
    }
    Ok(reader.take(count).read_to_end(bytes)?)
}

/// Checks the decompressed lengths that a message declares in the first eight bytes of each buffer.
fn check_columns(message: &Message, body: &[u8]) -> Result<(), ArrowError> {
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
    if batch.compression().is_none() {
        return Ok(());
    }
    for buffer in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).map_err(|_| too_large())?;
        let length =
            body.get(start..).and_then(|rest| rest.first_chunk::<8>()).map(|length| i64::from_le_bytes(*length));
        // -1 marks a buffer that is stored uncompressed.
        if buffer.length() >= 8 && length.is_some_and(|length| length < -1 || length > MAX_LENGTH as i64) {
            return Err(too_large());
        }
    }
    Ok(())
}

fn truncated() -> ArrowError {
    let cause = "the stream ends within a message";
    ArrowError::IoError(cause.into(), io::Error::new(io::ErrorKind::UnexpectedEof, cause))
}

fn too_large() -> ArrowError {
    ArrowError::IpcError("a message declares more than 1 GiB, so the stream is damaged".into())
}
