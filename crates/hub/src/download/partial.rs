//! The beginning of a file on disk, to which a download appends.

use super::checksum::{Checksum, Hasher};
use crate::error::{HubError, Result};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Bytes that are read or written at once.
pub const PIECE: usize = 1 << 20;

/// The first bytes of a file, under a temporary name.
pub struct Partial {
    path: PathBuf,
    file: File,
    checksum: Checksum,
    hasher: Hasher,
    /// Bytes so far.
    done: u64,
    /// Bytes of the whole file.
    size: u64,
}

impl Partial {
    /// Opens a partial file, or creates it. What an earlier download left there is kept and hashed.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn open(path: PathBuf, checksum: Checksum, size: u64) -> Result<Self> {
        let file =
            File::options().read(true).append(true).create(true).open(&path).map_err(HubError::io("open", &path))?;
        let hasher = checksum.start(size);
        let mut partial = Self { path, file, checksum, hasher, done: 0, size };
        partial.hash_existing()?;
        Ok(partial)
    }

    /// Hashes what is there. What is longer than the whole file cannot be its beginning, and is dropped.
    fn hash_existing(&mut self) -> Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            let count = self.file.read(&mut piece).map_err(HubError::io("read", &self.path))?;
            self.done += count as u64;
            if self.done > self.size {
                return self.restart();
            }
            if count == 0 {
                return Ok(());
            }
            self.hasher.update(&piece[..count]);
        }
    }

    /// Returns how many bytes are there.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Returns how many bytes are missing.
    pub fn missing(&self) -> u64 {
        self.size - self.done
    }

    /// Appends bytes. The caller passes no more than are missing.
    ///
    /// # Errors
    /// If they cannot be written. What was written before is kept.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(HubError::io("write", &self.path))?;
        self.hasher.update(bytes);
        self.done += bytes.len() as u64;
        Ok(())
    }

    /// Drops all bytes.
    ///
    /// # Errors
    /// If the file cannot be truncated.
    pub fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(HubError::io("write", &self.path))?;
        self.hasher = self.checksum.start(self.size);
        self.done = 0;
        Ok(())
    }

    /// Returns what is wrong with the complete file, if anything is.
    pub fn difference(&self) -> Option<String> {
        self.hasher.clone().difference()
    }

    /// Gives the complete file its final name.
    ///
    /// # Errors
    /// If it cannot be synced or renamed.
    pub fn finish(self, path: &Path) -> Result<()> {
        drop(self.file);
        newsdesk_files::finish(&self.path, path).map_err(HubError::io("write", path))
    }
}

/// Returns the temporary name of a blob. If a killed process of Python's `huggingface_hub` left a longer beginning of the file, it
/// is copied there first. Version 2 of that library writes to `ETAG.RANDOM.incomplete`. The caller holds the lock of the blob.
///
/// # Errors
/// If such a file cannot be copied.
pub fn partial_path(blob: &Path) -> Result<PathBuf> {
    let own = newsdesk_files::with_suffix(blob, ".incomplete");
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    if let Some(longest) = leftovers(blob).into_iter().max_by_key(|path| length(path))
        && length(&longest) > length(&own)
    {
        // Copied and not renamed: on a file system without locks, its owner may still be running.
        fs::copy(&longest, &own).map_err(HubError::io("write", &own))?;
    }
    Ok(own)
}

/// Returns the files named `BLOB.RANDOM.incomplete`.
fn leftovers(blob: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (blob.parent(), blob.file_name().and_then(|name| name.to_str())) else {
        return vec![];
    };
    let is_leftover = |path: &PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str());
        let random = file.and_then(|file| file.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".incomplete"));
        random.is_some_and(|random| !random.is_empty())
    };
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_leftover).collect()
}
