//! Opens a source as a stream of decompressed bytes, without its byte order mark.
//!
//! Compression is detected from the magic bytes, so standard input and files with a wrong suffix work as well. Several
//! gzip members or zstd frames are read as one stream.

mod content;
mod decompress;
mod encoding;
mod monitor;
mod peek;
mod source;
pub(crate) mod zstd;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use encoding_rs_io::DecodeReaderBytesBuilder;

use crate::compression::Compression;
use crate::error::DataError;
use decompress::decompress;
use monitor::MonitoredReader;

pub(crate) use content::{Content, likely_encoding};
pub(crate) use decompress::DecompressError;
pub use encoding::Encoding;
pub use monitor::ByteMonitor;
pub(crate) use peek::Peekable;
pub use source::{Source, expand};

const BUFFER: usize = 64 * 1024;
/// The byte order mark of UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A stream of bytes to read rows from.
pub(crate) struct Stream {
    /// The decompressed bytes, without a byte order mark.
    pub reader: Peekable,
    /// The offset of `reader` in the decompressed stream: 3 after a byte order mark, 0 otherwise.
    pub offset: u64,
    /// Whether the stream is a regular file. Reading ahead in a pipe would delay its first rows.
    is_file: bool,
}

/// Opens a source. `monitor` counts and hashes its bytes before decompression.
///
/// # Errors
/// If the source cannot be opened or read, or has the suffix of a compression that its bytes do not have.
pub(crate) fn open(source: &Source, monitor: Option<&Arc<ByteMonitor>>) -> Result<Stream, DataError> {
    let name = source.name().to_string();
    let (file, is_file): (Box<dyn Read + Send>, bool) = match source {
        Source::Stdin => (Box::new(io::stdin()), false),
        Source::File(path) => {
            let failed = |source| DataError::Open { name: name.clone(), source };
            let file = File::open(path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            if metadata.is_dir() {
                return Err(failed(io::ErrorKind::IsADirectory.into()));
            }
            (Box::new(file), metadata.is_file())
        }
        Source::Texts(lines) => (Box::new(Cursor::new(lines.as_bytes().to_vec())), true),
    };
    let file = match monitor {
        Some(monitor) => Box::new(MonitoredReader::new(file, Arc::clone(monitor))),
        None => file,
    };
    let reader = Peekable::new(Box::new(BufReader::with_capacity(BUFFER, file)));
    let mut stream = Stream { reader, offset: 0, is_file };
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
        self.reader.peek(enough)
    }

    fn replace(&mut self, with: impl FnOnce(Peekable) -> io::Result<Box<dyn BufRead + Send>>) -> io::Result<()> {
        let reader = std::mem::replace(&mut self.reader, Peekable::new(Box::new(io::empty())));
        self.reader = Peekable::new(with(reader)?);
        Ok(())
    }

    fn decompress(&mut self, source: &Source, name: &str) -> Result<(), DataError> {
        let failed = |source| DataError::Broken { name: name.to_owned(), rows: 0, source };
        let start = self.peek(|seen| !Compression::needs_more(seen)).map_err(failed)?;
        if let Some(compression) = Compression::of_magic(&start) {
            return self.replace(|reader| decompress(Box::new(reader), compression)).map_err(failed);
        }
        let by_suffix = match source {
            Source::Stdin | Source::Texts(_) => None,
            Source::File(path) => Compression::of_path(path),
        };
        match by_suffix {
            None => Ok(()),
            Some(compression) if start.len() < 4 && self.peek(|seen| seen.len() >= 4).map_err(failed)?.len() < 4 => {
                Err(failed(io::Error::new(io::ErrorKind::UnexpectedEof, DecompressError::Truncated(compression))))
            }
            Some(compression) => Err(DataError::NotCompressed { name: name.to_owned(), compression }),
        }
    }

    /// Converts the stream to UTF-8, and says what its beginning is. It converts UTF-16 and the given encoding.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub fn decode(&mut self, name: &str, encoding: Option<Encoding>) -> Result<Content, DataError> {
        let failed = |source| DataError::Broken { name: name.to_owned(), rows: 0, source };
        if self.offset > 0 {
            return Ok(Content::Text);
        }
        let start = self.peek(|seen| seen.len() >= 2).map_err(failed)?;
        let is_marked = [b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| start == *mark);
        let mut content = Content::Text;
        let mut encoding = encoding.map(|encoding| encoding.0);
        if encoding.is_none() && !is_marked {
            let (sample, is_whole) = self.reader.sample(content::SAMPLE, self.is_file);
            content = Content::of(sample, is_whole);
            if let Content::Utf16(utf_16) = content {
                encoding = Some(utf_16.0);
            }
        }
        encoding = encoding.filter(|encoding| *encoding != encoding_rs::UTF_8);
        if is_marked || encoding.is_some() {
            let decoded = self.replace(|reader| {
                let mut decoder = DecodeReaderBytesBuilder::new();
                let decoder = decoder.encoding(encoding).bom_override(true).strip_bom(true).build(reader);
                Ok(Box::new(BufReader::with_capacity(BUFFER, decoder)))
            });
            decoded.map_err(failed)?;
        }
        Ok(content)
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
