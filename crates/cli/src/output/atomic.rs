//! Output files of commands, which appear complete or not at all. Pipes and devices are written directly.

use crate::failure::Usage;
use anyhow::Result;
use newsdesk_data::{DataError, Format, RowWriter, create, finish_file, partial_writer, writer};
use newsdesk_files::{PartialFile, with_suffix, write_atomic};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// Writes a file atomically. A pipe or a device is written directly.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, contents: &str) -> Result<()> {
    let written = match destination(path) {
        Destination::File(file) => write_atomic(&file, contents.as_bytes()),
        Destination::Device => std::fs::write(path, contents),
    };
    Ok(written.map_err(|error| cannot_write(path, &error))?)
}

/// Checks that [`write()`] can write to `path`, before the work that produces the contents.
///
/// # Errors
/// If it cannot.
pub fn check_writable(path: &Path) -> Result<()> {
    let tried = match destination(path) {
        Destination::File(file) if file.is_dir() => Err(Error::from(ErrorKind::IsADirectory)),
        Destination::File(file) if file == Path::new("-") => {
            Err(Error::other("`-` does not mean standard output here, because the results go there"))
        }
        Destination::File(file) => newsdesk_files::check_writable(&file),
        Destination::Device => Ok(()),
    };
    Ok(tried.map_err(|error| cannot_write(path, &error))?)
}

/// The destination of rows: a file that gets its final name after the last row, or a pipe or a device.
///
/// Until [`RowFile::finish`], an earlier file of that name stays as it is. Dropping the value removes the partial file.
pub struct RowFile {
    format: Format,
    /// `None` for a pipe or a device.
    file: Option<PartialFile>,
}

impl RowFile {
    /// Opens a destination for rows; `-` is standard output.
    ///
    /// # Errors
    /// If it cannot be created, or the format cannot be written.
    pub fn create(path: &Path, format: Format) -> Result<(Box<dyn RowWriter + Send>, Self), DataError> {
        let output = match destination(path) {
            Destination::File(output) if output != Path::new("-") => output,
            _ => return Ok((writer(format, create(path)?)?, Self { format, file: None })),
        };
        // With the process id in it, no other program uses this name, and no input can have it.
        let partial = with_suffix(&output, format!(".partial-{}", std::process::id()));
        let file = PartialFile::new(partial, &output);
        let (rows, _) = partial_writer(format, file.partial_path(), path, 0, None)?;
        Ok((rows, Self { format, file: Some(file) }))
    }

    /// Gives the file its final name. The writer of the rows must have ended.
    ///
    /// # Errors
    /// If the file cannot be synced or renamed. The partial file is then removed.
    pub fn finish(self) -> Result<(), DataError> {
        match &self.file {
            Some(file) => finish_file(self.format, file.partial_path(), file.final_path()),
            None => Ok(()),
        }
    }
}

enum Destination {
    /// A file, which may not exist yet. Links are resolved.
    File(PathBuf),
    Device,
}

fn destination(path: &Path) -> Destination {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => Destination::Device,
        Ok(_) => Destination::File(path.canonicalize().unwrap_or_else(|_| path.into())),
        Err(_) => Destination::File(path.into()),
    }
}

fn cannot_write(path: &Path, error: &Error) -> Usage {
    let message = format!("cannot write `{}`: {error}", path.display());
    Usage::new(message, "choose a file in an existing folder that you may write to, on a disk with free space")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn row_file_gets_its_final_name_only_when_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, "before").unwrap();
        let (mut rows, file) = RowFile::create(&path, Format::JsonLines).unwrap();
        rows.end().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        drop(file);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        let (mut rows, file) = RowFile::create(&path, Format::JsonLines).unwrap();
        rows.end().unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
