//! From a source to a stream of plain bytes: opened, decompressed, and past its byte order mark.
//!
//! Compression is told by the bytes, so standard input and wrongly named files work as well. Files of several
//! gzip members or zstd frames read as one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;

use crate::encoding::Encoding;
use crate::error::DataError;
use crate::source::Source;
use crate::watch::{Watch, Watched};

const BUFFER: usize = 64 * 1024;
/// How files begin that say that they are UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes to read rows from.
pub(crate) struct Stream {
    /// The decompressed bytes, without a byte order mark.
    pub reader: Box<dyn BufRead + Send>,
    /// Where in the decompressed stream `reader` stands: 3 behind a byte order mark, 0 otherwise.
    pub offset: u64,
}

pub(crate) fn open(source: &Source, watch: Option<&Arc<Watch>>) -> Result<Stream, DataError> {
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
    };
    let file = match watch {
        Some(watch) => Box::new(Watched::new(file, Arc::clone(watch))),
        None => file,
    };
    let mut stream = Stream { reader: Box::new(BufReader::with_capacity(BUFFER, file)), offset: 0 };
    stream.decompress(source, &name)?;
    let failed = |source| DataError::Broken { name: name.clone(), rows: 0, source };
    stream.skip_byte_order_mark().map_err(failed)?;
    Ok(stream)
}

impl Stream {
    /// The next bytes without taking them: as many as `enough` asks for, or all there are.
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
        let ending = match source {
            Source::Stdin => None,
            Source::File(path) => path.extension().map(|ending| ending.to_ascii_lowercase()),
        };
        let compressed = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = if start.starts_with(b"\x1f\x8b") {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(compressed)))
        } else if is_zstd(&start) {
            let decoder = zstd::stream::read::Decoder::with_buffer(compressed).map_err(failed)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        } else {
            let compression = match ending.as_deref().and_then(|ending| ending.to_str()) {
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

    /// Makes UTF-8 of UTF-16 that says so with a byte order mark, and of any other encoding that is named.
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

/// A zstd frame, or one of the skippable frames that parallel compressors put before it.
fn is_zstd(start: &[u8]) -> bool {
    start == b"\x28\xb5\x2f\xfd" || (start.len() == 4 && start[0] & 0xf0 == 0x50 && start[1..] == *b"\x2a\x4d\x18")
}
