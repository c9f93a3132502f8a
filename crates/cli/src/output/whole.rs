//! Files that a reader meets whole or not at all.

use crate::failure::Usage;
use anyhow::Result;
use newsdesk_data::{DataError, Format, RowWriter, create, partial_writer, settle, writer};
use newsdesk_model::folder::{partial, write_whole};
use std::path::{Path, PathBuf};

/// Writes a file beside its place and then moves it there. What is no file, such as a pipe or a device, is written as it is.
pub fn write(path: &Path, contents: &str) -> Result<()> {
    let written = match target(path) {
        Target::Whole(place) => write_whole(&place, contents.as_bytes()),
        Target::Device => std::fs::write(path, contents),
    };
    Ok(written.map_err(|error| failed(path, &error))?)
}

/// Finds out whether [`write()`] can write there, before the work whose result it is to write.
pub fn check(path: &Path) -> Result<()> {
    let tried = match target(path) {
        Target::Whole(place) if place.is_dir() => Err(std::io::Error::from(std::io::ErrorKind::IsADirectory)),
        Target::Whole(place) if place == Path::new("-") => {
            Err(std::io::Error::other("`-` is no file here, and standard output has the results"))
        }
        Target::Whole(place) => {
            let partial = partial(&place);
            std::fs::write(&partial, []).and_then(|()| std::fs::remove_file(&partial))
        }
        Target::Device => Ok(()),
    };
    Ok(tried.map_err(|error| failed(path, &error))?)
}

/// Where rows go: a file that gets its name when all of them are written, until when what was there stays; or a pipe or a
/// device. A file that is not kept goes.
pub struct RowFile {
    format: Format,
    /// Where the rows gather, and the name that they get.
    places: Option<[PathBuf; 2]>,
}

impl RowFile {
    /// Opens a place for rows of a format; `-` is standard output.
    pub fn create(path: &Path, format: Format) -> Result<(Box<dyn RowWriter + Send>, Self), DataError> {
        let place = match target(path) {
            Target::Whole(place) if place != Path::new("-") => place,
            _ => return Ok((writer(format, create(path)?)?, Self { format, places: None })),
        };
        // A name that no other program has, and that no input can have.
        let mut gathering = place.as_os_str().to_owned();
        gathering.push(format!(".partial-{}", std::process::id()));
        let gathering = PathBuf::from(gathering);
        let file = Self { format, places: Some([gathering.clone(), place]) };
        let (rows, _) = partial_writer(format, &gathering, path, 0, None)?;
        Ok((rows, file))
    }

    /// Gives the file its name, after its rows were ended.
    pub fn keep(mut self) -> Result<(), DataError> {
        match self.places.take() {
            Some([gathering, place]) => settle(self.format, &gathering, &place).inspect_err(|_| {
                let _ = std::fs::remove_file(&gathering);
            }),
            None => Ok(()),
        }
    }
}

impl Drop for RowFile {
    fn drop(&mut self) {
        if let Some([gathering, _]) = &self.places {
            let _ = std::fs::remove_file(gathering);
        }
    }
}

enum Target {
    /// A file, or a place for one; where a link leads.
    Whole(PathBuf),
    Device,
}

fn target(path: &Path) -> Target {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => Target::Device,
        Ok(_) => Target::Whole(path.canonicalize().unwrap_or_else(|_| path.into())),
        Err(_) => Target::Whole(path.into()),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Usage {
    let message = format!("Failed to write `{}`: {error}", path.display());
    Usage::new(message, "it must be a file in a folder that is there, and that you may write to, on a disk with room")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_get_their_name_when_they_are_whole() {
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
        file.keep().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
