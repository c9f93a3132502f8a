//! Decompression: all members of a file as one stream, and errors that say what is wrong with it.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

use super::zstd::{self, WindowTooLarge};
use crate::compression::Compression;
use crate::panics;

const BUFFER: usize = 64 * 1024;
/// The maximum memory of an xz decoder, in KiB. It is that of zstd. The presets of `xz` need up to 65 MiB.
const XZ_MEMORY: u32 = 129 * 1024;

/// Compressed data cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecompressError {
    /// The data ends too early.
    #[error("the {0} data ends too early")]
    Truncated(Compression),
    /// The data is damaged.
    #[error("the {0} data is damaged: {1}")]
    Damaged(Compression, String),
    /// Other bytes follow the data.
    #[error("bytes that are not {0} data follow the {0} data")]
    TrailingBytes(Compression),
    /// The data needs too much memory.
    #[error("the {0} data needs more than 128 MiB of memory")]
    TooMuchMemory(Compression),
}

impl DecompressError {
    /// Returns the error behind an I/O error, if it is one of these.
    pub fn of(error: &io::Error) -> Option<&DecompressError> {
        error.get_ref()?.downcast_ref()
    }
}

type Compressed = Box<dyn BufRead + Send>;

/// Returns a reader of the decompressed bytes.
///
/// # Errors
/// If the decoder cannot be created.
pub(super) fn decompress(reader: Compressed, compression: Compression) -> io::Result<Box<dyn BufRead + Send>> {
    let decoder: Box<dyn Read + Send> = match compression {
        Compression::Gzip => Box::new(Members::<GzDecoder<Compressed>>::new(reader, compression)),
        Compression::Zstd => Box::new(zstd::decoder(reader)?),
        Compression::Bzip2 => Box::new(Members::<BzDecoder<Compressed>>::new(reader, compression)),
        Compression::Xz => Box::new(Members::<XzReader<Compressed>>::new(reader, compression)),
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, Decompressed { decoder, compression })))
}

/// A decoder of one member.
trait Member: Read {
    fn start(reader: Compressed) -> Self;
    fn end(self) -> Compressed;
}

impl Member for GzDecoder<Compressed> {
    fn start(reader: Compressed) -> Self {
        GzDecoder::new(reader)
    }

    fn end(self) -> Compressed {
        self.into_inner()
    }
}

impl Member for BzDecoder<Compressed> {
    fn start(reader: Compressed) -> Self {
        BzDecoder::new(reader)
    }

    fn end(self) -> Compressed {
        self.into_inner()
    }
}

impl Member for XzReader<Compressed> {
    fn start(reader: Compressed) -> Self {
        XzReader::new_mem_limit(reader, false, XZ_MEMORY)
    }

    fn end(self) -> Compressed {
        self.into_inner()
    }
}

/// Decompresses the members of a file one after the other. Zero bytes after the last member are ignored, as gzip does.
struct Members<D> {
    state: State<D>,
    compression: Compression,
}

enum State<D> {
    Within(D),
    Between(Compressed),
    Ended,
}

impl<D: Member> Members<D> {
    fn new(reader: Compressed, compression: Compression) -> Members<D> {
        Members { state: State::Within(D::start(reader)), compression }
    }
}

impl<D: Member> Read for Members<D> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if let State::Within(decoder) = &mut self.state {
                match decoder.read(out)? {
                    0 if !out.is_empty() => {}
                    count => return Ok(count),
                }
            }
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Within(decoder) => State::Between(decoder.end()),
                State::Between(mut reader) => match skip_zeros(&mut reader)? {
                    None => return Ok(0),
                    Some(byte) if byte == self.compression.first_byte() => State::Within(D::start(reader)),
                    Some(_) => return Err(io_error(DecompressError::TrailingBytes(self.compression))),
                },
                State::Ended => return Ok(0),
            };
        }
    }
}

/// Returns the next byte that is not zero, without consuming it.
fn skip_zeros(reader: &mut Compressed) -> io::Result<Option<u8>> {
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            available => available?,
        };
        if available.is_empty() {
            return Ok(None);
        }
        let zeros = available.iter().take_while(|byte| **byte == 0).count();
        let next = available.get(zeros).copied();
        reader.consume(zeros);
        if next.is_some() {
            return Ok(next);
        }
    }
}

fn io_error(error: DecompressError) -> io::Error {
    let kind = match error {
        DecompressError::Truncated(_) => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

/// A decoder whose errors say what is wrong with the data.
struct Decompressed {
    decoder: Box<dyn Read + Send>,
    compression: Compression,
}

impl Read for Decompressed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let compression = self.compression;
        match panics::catch(|| self.decoder.read(out)) {
            Err(panicked) => Err(io_error(DecompressError::Damaged(compression, panicked.to_string()))),
            Ok(read) => read.map_err(|error| describe(error, compression)),
        }
    }
}

/// Turns the error of a decoder into a typed one. Errors of the operating system stay as they are.
fn describe(error: io::Error, compression: Compression) -> io::Error {
    let is_decoder_error = error.raw_os_error().is_none() && DecompressError::of(&error).is_none();
    if !is_decoder_error || error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    io_error(match error.kind() {
        io::ErrorKind::UnexpectedEof => DecompressError::Truncated(compression),
        io::ErrorKind::OutOfMemory => DecompressError::TooMuchMemory(compression),
        _ if WindowTooLarge::is_cause_of(&error) => DecompressError::TooMuchMemory(compression),
        _ => DecompressError::Damaged(compression, error.to_string()),
    })
}
