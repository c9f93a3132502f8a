//! Opens outputs: a file or standard output, compressed if the name has the suffix of a compression.
//!
//! `flush` ends the open gzip member or zstd frame, and the next byte starts a new one. Readers accept several of them.
//! So a file is complete after every flush, and an interrupted run can continue after the last one.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use flate2::write::GzEncoder;

use crate::compression::Compression;
use crate::error::DataError;

const BUFFER: usize = 64 * 1024;

/// Opens a path for writing, and compresses by its suffix (`.gz`, `.zst`). An existing file is replaced. `-` is
/// standard output.
///
/// # Errors
/// If the file cannot be created.
pub fn create(path: &Path) -> Result<Box<dyn Write + Send>, DataError> {
    if path == Path::new("-") {
        return Ok(Box::new(Output::new("<stdout>".to_owned(), None, Box::new(io::stdout()))));
    }
    open(path, OpenOptions::new().write(true).create(true).truncate(true))
}

/// Opens a path for appending, and compresses by its suffix.
///
/// # Errors
/// If the file cannot be opened.
pub fn append(path: &Path) -> Result<Box<dyn Write + Send>, DataError> {
    open(path, OpenOptions::new().append(true).create(true))
}

/// Opens a file for writing after its first `length` bytes, and cuts off the rest. With a length of 0 the file may be
/// missing.
///
/// The output is compressed by the suffix of `named`, which is the final name of the file. The returned handle is for
/// syncing the file and for its length.
///
/// # Errors
/// If the file cannot be opened, or is shorter than `length` bytes.
pub fn continue_at(path: &Path, named: &Path, length: u64) -> Result<(Box<dyn Write + Send>, File), DataError> {
    continue_at_with(path, named, length, &|file| Box::new(file))
}

/// Opens a file as [`continue_at`] does. Its bytes go through `wrap`, for callers that observe the writes or make them
/// fail.
///
/// # Errors
/// As [`continue_at`].
pub fn continue_at_with(
    path: &Path,
    named: &Path,
    length: u64,
    wrap: &dyn Fn(File) -> Box<dyn Write + Send>,
) -> Result<(Box<dyn Write + Send>, File), DataError> {
    let compression = compression_of(named)?;
    let failed = |source| DataError::Create { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.write(true).create(length == 0).truncate(length == 0);
    // The user knows a new file only by its final name.
    let mut file = options.open(path).map_err(|source| match length {
        0 => DataError::Create { path: named.to_owned(), source },
        _ => DataError::Open { name: path.display().to_string(), source },
    })?;
    let found = file.metadata().map_err(failed)?.len();
    if found < length {
        let cause = format!("it has {found} bytes instead of at least {length}");
        return Err(failed(io::Error::new(io::ErrorKind::UnexpectedEof, cause)));
    }
    file.set_len(length).and_then(|()| file.seek(io::SeekFrom::End(0))).map_err(failed)?;
    let handle = file.try_clone().map_err(failed)?;
    let mut output = Output::new(path.display().to_string(), compression, wrap(file));
    output.ended = length > 0;
    Ok((Box::new(output), handle))
}

/// Returns whether a file with this name is compressed.
pub fn is_compressed(path: &Path) -> bool {
    Compression::of_path(path).is_some()
}

/// Returns the compression of an output with this name.
fn compression_of(path: &Path) -> Result<Option<Compression>, DataError> {
    match Compression::of_path(path) {
        Some(compression) if !compression.can_be_written() => {
            Err(DataError::CompressionOutput { path: path.to_owned(), compression })
        }
        compression => Ok(compression),
    }
}

fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Write + Send>, DataError> {
    let compression = compression_of(path)?;
    let file: File = options.open(path).map_err(|source| DataError::Create { path: path.to_owned(), source })?;
    Ok(Box::new(Output::new(path.display().to_string(), compression, Box::new(file))))
}

type Plain = BufWriter<Box<dyn Write + Send>>;

/// The state of an output: between members, or within one. `Failed` has no contents, because a compressor that could
/// not end its member cannot be used again.
enum State {
    Between(Plain),
    Gzip(Box<GzEncoder<Plain>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Plain>>),
    Failed,
}

struct Output {
    name: String,
    compression: Option<Compression>,
    state: State,
    /// Whether any member was ended. An empty compressed file needs one as well.
    ended: bool,
}

impl Output {
    fn new(name: String, compression: Option<Compression>, out: Box<dyn Write + Send>) -> Output {
        Output { name, compression, state: State::Between(BufWriter::with_capacity(BUFFER, out)), ended: false }
    }

    /// Starts a member if the output is compressed and no member is open.
    fn start_member(&mut self) -> io::Result<()> {
        self.state = match (std::mem::replace(&mut self.state, State::Failed), self.compression) {
            (State::Between(out), Some(Compression::Gzip)) => {
                State::Gzip(Box::new(GzEncoder::new(out, flate2::Compression::default())))
            }
            (State::Between(out), Some(Compression::Zstd)) => {
                let mut encoder = zstd::stream::write::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                // Off by default. Without a checksum, a damaged file can decompress to wrong text.
                encoder.include_checksum(true)?;
                State::Zstd(Box::new(encoder))
            }
            // The others cannot be written, and no output is opened for them.
            (state, _) => state,
        };
        Ok(())
    }

    /// Ends the open member.
    fn end_member(&mut self) -> io::Result<()> {
        if !self.ended {
            self.start_member()?;
        }
        self.state = match std::mem::replace(&mut self.state, State::Failed) {
            State::Gzip(encoder) => State::Between(encoder.finish()?),
            State::Zstd(encoder) => State::Between(encoder.finish()?),
            state => state,
        };
        self.ended = true;
        Ok(())
    }

    /// Adds the name of the output to an error.
    fn add_name(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted {
            return error;
        }
        io::Error::new(error.kind(), format!("`{}`: {error}", self.name))
    }
}

fn failed() -> io::Error {
    io::Error::other("an earlier write failed")
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.start_member().and_then(|()| match &mut self.state {
            State::Between(out) => out.write(bytes),
            State::Gzip(encoder) => encoder.write(bytes),
            State::Zstd(encoder) => encoder.write(bytes),
            State::Failed => Err(failed()),
        });
        written.map_err(|error| self.add_name(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.end_member().and_then(|()| match &mut self.state {
            State::Between(out) => out.flush(),
            _ => Err(failed()),
        });
        flushed.map_err(|error| self.add_name(error))
    }
}

impl Drop for Output {
    /// Ends the open member of an output that was not flushed. Errors cannot be reported here.
    fn drop(&mut self) {
        if matches!(self.state, State::Gzip(_) | State::Zstd(_)) {
            let _ = self.flush();
        }
    }
}
