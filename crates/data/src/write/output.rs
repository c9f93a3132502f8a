//! Where written bytes go: a file or standard output, compressed if its name says so.
//!
//! `flush` ends the gzip member or zstd frame that is open, and the next byte opens a new one. Readers take several
//! as one, so a file is whole after every flush, and a run that was cut off can go on behind the last.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use flate2::write::GzEncoder;

use crate::error::DataError;

const BUFFER: usize = 64 * 1024;

/// Opens a path for writing, compressing by its ending (`.gz`, `.zst`). What was there is replaced. `-` is standard
/// output.
pub fn create(path: &Path) -> Result<Box<dyn Write + Send>, DataError> {
    if path == Path::new("-") {
        return Ok(Box::new(Output::new("<stdout>".to_owned(), None, Box::new(io::stdout()))));
    }
    open(path, OpenOptions::new().write(true).create(true).truncate(true))
}

/// Opens a path for writing behind what it holds, compressing by its ending.
pub fn append(path: &Path) -> Result<Box<dyn Write + Send>, DataError> {
    open(path, OpenOptions::new().append(true).create(true))
}

/// Opens a file for writing behind its first `length` bytes, and cuts off what comes after them; with a length of 0 the file
/// may be missing. It is compressed by the ending of `named`, the name that it will have in the end. The handle is for
/// making sure that what was flushed is on disk, and for its length.
///
/// # Errors
/// If it cannot be opened, or is shorter than that.
pub fn continue_at(path: &Path, named: &Path, length: u64) -> Result<(Box<dyn Write + Send>, File), DataError> {
    let failed = |source| DataError::Create { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.write(true).create(length == 0).truncate(length == 0);
    // Whoever begins a file knows it by the name that it will have.
    let mut file = options.open(path).map_err(|source| match length {
        0 => DataError::Create { path: named.to_owned(), source },
        _ => DataError::Open { name: path.display().to_string(), source },
    })?;
    let found = file.metadata().map_err(failed)?.len();
    if found < length {
        let cause = format!("it has {found} bytes, and had {length}");
        return Err(failed(io::Error::new(io::ErrorKind::UnexpectedEof, cause)));
    }
    file.set_len(length).and_then(|()| file.seek(io::SeekFrom::End(0))).map_err(failed)?;
    let handle = file.try_clone().map_err(failed)?;
    let mut output = Output::new(path.display().to_string(), Compression::of(named), Box::new(file));
    output.ended = length > 0;
    Ok((Box::new(output), handle))
}

/// Whether a file of this name is compressed.
pub fn is_compressed(path: &Path) -> bool {
    Compression::of(path).is_some()
}

fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Write + Send>, DataError> {
    let file: File = options.open(path).map_err(|source| DataError::Create { path: path.to_owned(), source })?;
    Ok(Box::new(Output::new(path.display().to_string(), Compression::of(path), Box::new(file))))
}

#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// What a file's ending asks for.
    fn of(path: &Path) -> Option<Compression> {
        match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("gz") => Some(Compression::Gzip),
            Some("zst") => Some(Compression::Zstd),
            _ => None,
        }
    }
}

type Plain = BufWriter<Box<dyn Write + Send>>;

/// The stage that the output is at: between members, or within one. `Failed` holds nothing, because a compressor
/// that could not end its member cannot be used again.
enum Stage {
    Between(Plain),
    Gzip(Box<GzEncoder<Plain>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Plain>>),
    Failed,
}

struct Output {
    name: String,
    compression: Option<Compression>,
    stage: Stage,
    /// Whether any member was ended; an empty compressed file still needs one.
    ended: bool,
}

impl Output {
    fn new(name: String, compression: Option<Compression>, out: Box<dyn Write + Send>) -> Output {
        Output { name, compression, stage: Stage::Between(BufWriter::with_capacity(BUFFER, out)), ended: false }
    }

    /// Opens a member if the output is compressed and none is open.
    fn begin(&mut self) -> io::Result<()> {
        self.stage = match (std::mem::replace(&mut self.stage, Stage::Failed), self.compression) {
            (Stage::Between(out), Some(Compression::Gzip)) => {
                Stage::Gzip(Box::new(GzEncoder::new(out, flate2::Compression::default())))
            }
            (Stage::Between(out), Some(Compression::Zstd)) => {
                let mut encoder = zstd::stream::write::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                // Off by default, and without it a damaged file can read as other text.
                encoder.include_checksum(true)?;
                Stage::Zstd(Box::new(encoder))
            }
            (stage, _) => stage,
        };
        Ok(())
    }

    /// Ends the member that is open.
    fn end(&mut self) -> io::Result<()> {
        if !self.ended {
            self.begin()?;
        }
        self.stage = match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Gzip(encoder) => Stage::Between(encoder.finish()?),
            Stage::Zstd(encoder) => Stage::Between(encoder.finish()?),
            stage => stage,
        };
        self.ended = true;
        Ok(())
    }

    /// The error with the name of the output before it.
    fn named(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted {
            return error;
        }
        io::Error::new(error.kind(), format!("`{}`: {error}", self.name))
    }
}

fn failed() -> io::Error {
    io::Error::other("writing failed before")
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.begin().and_then(|()| match &mut self.stage {
            Stage::Between(out) => out.write(bytes),
            Stage::Gzip(encoder) => encoder.write(bytes),
            Stage::Zstd(encoder) => encoder.write(bytes),
            Stage::Failed => Err(failed()),
        });
        written.map_err(|error| self.named(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.end().and_then(|()| match &mut self.stage {
            Stage::Between(out) => out.flush(),
            _ => Err(failed()),
        });
        flushed.map_err(|error| self.named(error))
    }
}

impl Drop for Output {
    /// For outputs that nobody finished: what was written is made whole, as far as that goes.
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Gzip(_) | Stage::Zstd(_)) {
            let _ = self.flush();
        }
    }
}
