//! Messages of an Arrow stream, each looked at before it is decoded.
//!
//! A message says how long it is and how long its values become when they are decompressed, and the decoder takes memory for that before
//! it looks for the bytes. In a broken stream the numbers may be anything.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::{Message, root_as_message};
use arrow_schema::{ArrowError, Schema, SchemaRef};

/// The largest message, and the largest column in it: no batch of articles is as large.
const LARGEST: u64 = 1 << 30;
/// What stands before each message, in streams that are not very old.
const CONTINUATION: u32 = u32::MAX;

/// What ends a stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// The batches of a stream.
pub(super) struct Batches {
    reader: Box<dyn BufRead + Send>,
    decoder: StreamDecoder,
    /// What the decoder has not taken yet: it looks at a message without contents when the next one comes.
    pending: Buffer,
    ended: bool,
    schema: SchemaRef,
    /// The first batch: the schema is known when it is read.
    first: Option<RecordBatch>,
}

impl Batches {
    /// Reads a stream as far as its first batch.
    pub fn new(reader: Box<dyn BufRead + Send>) -> Result<Batches, ArrowError> {
        let (pending, schema) = (Vec::<u8>::new().into(), Arc::new(Schema::empty()));
        let mut batches = Batches { reader, decoder: StreamDecoder::new(), pending, ended: false, schema, first: None };
        batches.first = batches.batch()?;
        let schema = batches.decoder.schema();
        batches.schema = schema.ok_or_else(|| ArrowError::IpcError("it has no schema".into()))?;
        Ok(batches)
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
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
        self.first.take().map(Ok).or_else(|| self.batch().transpose())
    }
}

/// The bytes of the next message; `None` behind the last one.
fn message(reader: &mut dyn BufRead) -> Result<Option<Vec<u8>>, ArrowError> {
    let mut bytes = Vec::new();
    let Some(mut length) = word(reader, &mut bytes)? else { return Ok(None) };
    if length == CONTINUATION {
        length = word(reader, &mut bytes)?.ok_or_else(cut_off)?;
    }
    if length == 0 {
        return Ok(None);
    }
    let start = bytes.len();
    if read(reader, &mut bytes, length.into())? < length as usize {
        return Err(cut_off());
    }
    let told = root_as_message(&bytes[start..]).map_err(|error| ArrowError::IpcError(error.to_string()))?;
    let body = u64::try_from(told.bodyLength()).map_err(|_| too_large())?;
    let end = bytes.len();
    if (read(reader, &mut bytes, body)? as u64) < body {
        return Err(cut_off());
    }
    let told = root_as_message(&bytes[start..end]).map_err(|error| ArrowError::IpcError(error.to_string()))?;
    check_columns(&told, &bytes[end..])?;
    Ok(Some(bytes))
}

/// The next four bytes, which are added as well; `None` if there are none.
fn word(reader: &mut dyn BufRead, bytes: &mut Vec<u8>) -> Result<Option<u32>, ArrowError> {
    let found = read(reader, bytes, 4)?;
    match bytes.last_chunk() {
        Some(word) if found == 4 => Ok(Some(u32::from_le_bytes(*word))),
        _ if found == 0 => Ok(None),
        _ => Err(cut_off()),
    }
}

/// Adds so many bytes, or as many as there are, and says how many.
fn read(reader: &mut dyn BufRead, bytes: &mut Vec<u8>, count: u64) -> Result<usize, ArrowError> {
    if count > LARGEST {
        return Err(too_large());
    }
    Ok(reader.take(count).read_to_end(bytes)?)
}

/// What the columns of a message say that they become when they are decompressed: the first eight bytes of each part.
fn check_columns(message: &Message, body: &[u8]) -> Result<(), ArrowError> {
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
    if batch.compression().is_none() {
        return Ok(());
    }
    for part in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(part.offset()).map_err(|_| too_large())?;
        let length =
            body.get(start..).and_then(|rest| rest.first_chunk::<8>()).map(|length| i64::from_le_bytes(*length));
        // -1 is for what was not worth compressing.
        if part.length() >= 8 && length.is_some_and(|length| length < -1 || length > LARGEST as i64) {
            return Err(too_large());
        }
    }
    Ok(())
}

fn cut_off() -> ArrowError {
    let cause = "it ends in the middle of a message";
    ArrowError::IoError(cause.into(), io::Error::new(io::ErrorKind::UnexpectedEof, cause))
}

fn too_large() -> ArrowError {
    ArrowError::IpcError("a message is larger than any batch of articles, so its bytes are damaged".into())
}
