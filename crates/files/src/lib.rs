//! Atomic file writes: a file appears under its final name complete, or it does not appear.
//!
//! The contents are first written to a partial file in the same folder. The partial file is synced to disk, renamed, and the
//! folder is synced. So neither a killed process nor a crash of the machine leaves an incomplete file under the final name,
//! and an earlier file of that name stays until the new one replaces it.
//!
//! - [`write_atomic`] does all of this for bytes in memory.
//! - [`PartialFile`] is for contents that are written in pieces. It removes the partial file unless it is finished.
//! - [`finish`] is for partial files that outlive the process, such as the output of a run that can be resumed.
//!
//! The module [`read`] reads small files with a limit on their size. [`panics`] turns panics over damaged files into errors.

pub mod panics;
pub mod read;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Returns the name that a file has until it is complete: `PATH.partial`.
pub fn partial_path(path: &Path) -> PathBuf {
    with_suffix(path, ".partial")
}

/// Returns a path with `suffix` appended to its file name, as in `news.csv` and `news.csv.journal`.
pub fn with_suffix(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Writes a file atomically.
///
/// # Errors
/// If it cannot be written. An earlier file of that name is then unchanged, and the partial file is removed.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = PartialFile::new(partial_path(path), path);
    File::create(partial.partial_path())?.write_all(bytes)?;
    partial.finish()
}

/// Checks that [`write_atomic`] can write a file, before the work that produces its contents.
///
/// # Errors
/// If the partial file cannot be created or removed.
pub fn check_writable(path: &Path) -> io::Result<()> {
    let partial = partial_path(path);
    File::create(&partial)?;
    std::fs::remove_file(&partial)
}

/// Gives a complete partial file its final name: syncs it, renames it, and syncs the folder.
///
/// # Errors
/// If the file cannot be synced or renamed. The partial file is then still there.
pub fn finish(partial: &Path, path: &Path) -> io::Result<()> {
    // Windows syncs only files that are open for writing.
    OpenOptions::new().write(true).open(partial)?.sync_data()?;
    std::fs::rename(partial, path)?;
    sync_folder(path);
    Ok(())
}

/// Syncs the folder that contains `path`, so that a rename or a removal in it survives a crash of the machine.
///
/// Some systems cannot sync folders. There the file system decides when a rename reaches the disk, so errors are ignored.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// A file that is being written, under a temporary name in the folder of its final name.
///
/// Dropping it removes the partial file. [`PartialFile::finish`] keeps it.
#[derive(Debug)]
#[must_use = "dropping a partial file removes it"]
pub struct PartialFile {
    partial: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl PartialFile {
    /// Returns the guard of a partial file that will be renamed to `path`. The caller creates and writes the file.
    pub fn new(partial: PathBuf, path: &Path) -> Self {
        Self { partial, path: path.to_owned(), finished: false }
    }

    /// Returns the temporary name, which is the one to write to.
    pub fn partial_path(&self) -> &Path {
        &self.partial
    }

    /// Returns the final name.
    pub fn final_path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its final name, as [`finish`] does. All contents must have been handed to the operating system.
    ///
    /// # Errors
    /// If the file cannot be synced or renamed. The partial file is then removed.
    pub fn finish(mut self) -> io::Result<()> {
        finish(&self.partial, &self.path)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn write_atomic_replaces_a_file_and_leaves_no_partial_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for contents in ["first", "second"] {
            write_atomic(&path, contents.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), contents);
            assert_eq!(names(folder.path()), ["a.json"]);
        }
    }

    #[test]
    fn failed_write_keeps_the_earlier_file_and_removes_the_partial_file() {
        let folder = tempfile::tempdir().unwrap();
        // A folder cannot be replaced by a file.
        let path = folder.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"contents").is_err());
        assert_eq!(names(folder.path()), ["taken"]);
        assert!(write_atomic(&folder.path().join("missing/a"), b"contents").is_err());
        assert!(check_writable(&folder.path().join("missing/a")).is_err());
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn dropped_partial_file_is_removed_and_a_finished_one_is_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let (partial, path) = (folder.path().join("a.partial-1"), folder.path().join("a"));
        let file = PartialFile::new(partial.clone(), &path);
        std::fs::write(file.partial_path(), "half").unwrap();
        drop(file);
        assert_eq!(names(folder.path()), Vec::<String>::new());
        let file = PartialFile::new(partial, &path);
        std::fs::write(file.partial_path(), "complete").unwrap();
        assert_eq!(file.final_path(), path);
        file.finish().unwrap();
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn finish_without_a_partial_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(finish(&partial_path(&path), &path).is_err());
        check_writable(&path).unwrap();
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn partial_path_appends_to_the_whole_name() {
        assert_eq!(partial_path(Path::new("in/news.csv.gz")), Path::new("in/news.csv.gz.partial"));
        assert_eq!(with_suffix(Path::new("news.csv"), ".journal"), Path::new("news.csv.journal"));
    }
}
