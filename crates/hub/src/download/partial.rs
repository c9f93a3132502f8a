//! A partial download on disk, to which a download appends.

use super::checksum::{Checksum, Hasher};
use crate::error::{HubError, Result};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Bytes that are read or written at once.
pub const PIECE: usize = 1 << 20;

/// A partial download, under a temporary name.
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
    /// If it cannot be synced or renamed, or if the path now is another file: somebody removed this one.
    pub fn finish(self, path: &Path) -> Result<()> {
        let size = fs::metadata(&self.path).map_err(HubError::io("read", &self.path))?.len();
        if size != self.size || !self.is_at_its_path() {
            let cause = std::io::Error::other("another process changed it during the download");
            return Err(HubError::io("write", &self.path)(cause));
        }
        drop(self.file);
        newsdesk_files::finish(&self.path, path).map_err(HubError::io("write", path))
    }

    #[cfg(unix)]
    fn is_at_its_path(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let id = |file: fs::Metadata| (file.dev(), file.ino());
        fs::metadata(&self.path).map(id).ok() == self.file.metadata().map(id).ok()
    }

    #[cfg(not(unix))]
    fn is_at_its_path(&self) -> bool {
        // Other systems do not remove an open file.
        true
    }
}

/// Returns the temporary name of a blob of `size` bytes, of which the caller holds the lock.
///
/// If the lock excludes others, it is `ETAG.incomplete`, which versions of Python's `huggingface_hub` before 2 use too. Version 2
/// writes to `ETAG.RANDOM.incomplete`, and starts again if it was killed. Such a file is renamed if there is no other. If the
/// lock does not exclude others, the name is one of this process only.
pub fn partial_path(blob: &Path, size: u64, lock_excludes: bool) -> PathBuf {
    if !lock_excludes {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        return newsdesk_files::with_suffix(blob, format!(".{}-{}.incomplete", std::process::id(), since.as_nanos()));
    }
    let own = newsdesk_files::with_suffix(blob, ".incomplete");
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    if length(&own) == 0
        && let Some(longest) =
            leftovers(blob).into_iter().filter(|path| length(path) <= size).max_by_key(|path| length(path))
    {
        // If this fails, the download starts from the beginning.
        let _ = fs::rename(longest, &own);
    }
    own
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
