//! Opens a source as a stream of decompressed bytes, without its byte order mark.
//!
//! Compression is detected from the magic bytes, so standard input and files with a wrong suffix work as well. Several
//! gzip members or zstd frames are read as one stream.

mod encoding;
mod monitor;
mod source;
pub(crate) mod zstd;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;

use crate::error::DataError;
use monitor::MonitoredReader;

pub use encoding::Encoding;
pub use monitor::ByteMonitor;
pub use source::{Source, expand};

const BUFFER: usize = 64 * 1024;
/// The byte order mark of UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A stream of bytes to read rows from.
pub(crate) struct Stream {
    /// The decompressed bytes, without a byte order mark.
    pub reader: Box<dyn BufRead + Send>,
    /// The offset of `reader` in the decompressed stream: 3 after a byte order mark, 0 otherwise.
    pub offset: u64,
}

/// Opens a source. `monitor` counts and hashes its bytes before decompression.
///
/// # Errors
/// If the source cannot be opened or read, or has the suffix of a compression that its bytes do not have.
pub(crate) fn open(source: &Source, monitor: Option<&Arc<ByteMonitor>>) -> Result<Stream, DataError> {
    let name = source.name().to_string();
    let file: Box<dyn Read + Send> = match source {
        Source::Stdin => Box::new(io::stdin()),
        Source::File(path) => {
            let failed = |source| DataError::Open { name: name.clone(), source };
            let file = File::open(path).map_err(failed)?;
            if file.metadata().map_err(failed)?.is_dir() {
                return Err(failed(io::ErrorKind::IsADirectory.into()));
            }
            Box::new(file)
        }
        Source::Texts(lines) => Box::new(Cursor::new(lines.as_bytes().to_vec())),
    };
    let file = match monitor {
        Some(monitor) => Box::new(MonitoredReader::new(file, Arc::clone(monitor))),
        None => file,
    };
    let mut stream = Stream { reader: Box::new(BufReader::with_capacity(BUFFER, file)), offset: 0 };
    stream.decompress(source, &name)?;
    let failed = |source| DataError::Broken { name: name.clone(), rows: 0, source };
    stream.skip_byte_order_mark().map_err(failed)?;
    Ok(stream)
}

impl Stream {
    /// Returns the next bytes without consuming them: as many as `enough` asks for, or all that are left.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub fn peek(&mut self, enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
        let mut seen = Vec::new();
        while !enough(&seen) {
            let available = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                available => available?,
            };
            let Some(&next) = available.first() else { break };
            seen.push(next);
            self.reader.consume(1);
        }
        if !seen.is_empty() {
            let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
            self.reader = Box::new(Cursor::new(seen.clone()).chain(rest));
        }
        Ok(seen)
    }

    fn decompress(&mut self, source: &Source, name: &str) -> Result<(), DataError> {
        let failed = |source| DataError::Broken { name: name.to_owned(), rows: 0, source };
        let start = self.peek(|seen| seen.len() >= 4).map_err(failed)?;
        let suffix = match source {
            Source::Stdin | Source::Texts(_) => None,
            Source::File(path) => path.extension().map(|suffix| suffix.to_ascii_lowercase()),
        };
        let compressed = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = if start.starts_with(b"\x1f\x8b") {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(compressed)))
        } else if is_zstd(&start) {
            let decoder = zstd::decoder(compressed).map_err(failed)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        } else {
            let compression = match suffix.as_deref().and_then(|suffix| suffix.to_str()) {
                Some("gz") => Some("gzip"),
                Some("zst") => Some("zstd"),
                _ => None,
            };
            if let Some(compression) = compression {
                if start.len() < 4 {
                    return Err(failed(io::ErrorKind::UnexpectedEof.into()));
                }
                return Err(DataError::NotCompressed { name: name.to_owned(), compression });
            }
            compressed
        };
        Ok(())
    }

    /// Converts the stream to UTF-8. It converts UTF-16 with a byte order mark, and the given encoding.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub fn decode(&mut self, name: &str, encoding: Option<Encoding>) -> Result<(), DataError> {
        let failed = |source| DataError::Broken { name: name.to_owned(), rows: 0, source };
        let start = self.peek(|seen| seen.len() >= 2).map_err(failed)?;
        let is_marked = [b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| start == *mark);
        let encoding = encoding.map(|encoding| encoding.0).filter(|encoding| *encoding != encoding_rs::UTF_8);
        if self.offset > 0 || !is_marked && encoding.is_none() {
            return Ok(());
        }
        let encoded = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        let decoder =
            DecodeReaderBytesBuilder::new().encoding(encoding).bom_override(true).strip_bom(true).build(encoded);
        self.reader = Box::new(BufReader::with_capacity(BUFFER, decoder));
        Ok(())
    }

    fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        let start = self.peek(|seen| seen.len() == 3 || !BYTE_ORDER_MARK.starts_with(seen))?;
        if start == BYTE_ORDER_MARK {
            self.reader.consume(BYTE_ORDER_MARK.len());
            self.offset = BYTE_ORDER_MARK.len() as u64;
        }
        Ok(())
    }
}

/// Returns whether the bytes start a zstd frame, or a skippable frame, which parallel compressors write first.
fn is_zstd(start: &[u8]) -> bool {
    start == b"\x28\xb5\x2f\xfd" || (start.len() == 4 && start[0] & 0xf0 == 0x50 && start[1..] == *b"\x2a\x4d\x18")
}
