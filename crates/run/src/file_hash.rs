//! Hashes of the files that a run writes, which show whether their bytes are still those that were written.
//!
//! The hash is XXH3 with 64 bits. It is faster than a disk. It finds damage, not forgery.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use twox_hash::XxHash3_64;

const BUFFER: usize = 1024 * 1024;

/// The length and the hash of a file that a run has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The length in bytes.
    pub bytes: u64,
    /// The XXH3 hash in hexadecimal, as `xxhsum -H3` prints it.
    pub xxh3: String,
}

impl OutputRecord {
    /// Reads a whole file for its length and its hash.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut hash = RunningHash::default();
        read_up_to(File::open(path)?, u64::MAX, |bytes| hash.add(bytes))?;
        Ok(hash.record())
    }
}

/// The hash of the bytes of a file so far.
#[derive(Clone, Default)]
pub(crate) struct RunningHash {
    bytes: u64,
    hash: XxHash3_64,
}

impl RunningHash {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.write(bytes);
    }

    /// Returns the number of bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns their hash.
    pub(crate) fn value(&self) -> u64 {
        self.hash.finish()
    }

    pub(crate) fn record(&self) -> OutputRecord {
        OutputRecord { bytes: self.bytes, xxh3: format!("{:016x}", self.value()) }
    }

    /// Returns the hash of the first `length` bytes of a file, or of the whole file if it is shorter. A missing file is empty.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn of_beginning(path: &Path, length: u64) -> io::Result<Self> {
        let mut hash = Self::default();
        if let Some(file) = open(path)? {
            read_up_to(file, length, |bytes| hash.add(bytes))?;
        }
        Ok(hash)
    }

    /// Returns the hashes of the beginnings of a file that have these lengths. Lengths that the file does not have are left out. A
    /// missing file is empty.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn of_beginnings(path: &Path, lengths: &BTreeSet<u64>) -> io::Result<BTreeMap<u64, u64>> {
        let (mut hash, mut hashes) = (Self::default(), BTreeMap::new());
        let mut file = open(path)?;
        for &length in lengths {
            if let Some(file) = &mut file {
                let missing = length - hash.bytes;
                read_up_to(file, missing, |bytes| hash.add(bytes))?;
            }
            if hash.bytes < length {
                break;
            }
            hashes.insert(length, hash.value());
        }
        Ok(hashes)
    }
}

/// Opens a file; returns `None` if it does not exist.
fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Hands the next `length` bytes of a file to `take`, or all bytes up to its end.
fn read_up_to(file: impl Read, length: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = file.take(length);
    let mut buffer = vec![0; BUFFER.min(usize::try_from(length).unwrap_or(BUFFER)).max(1)];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The hash of a file that is being written, shared with its [`HashingWriter`].
#[derive(Clone, Default)]
pub(crate) struct SharedHash(Arc<Mutex<RunningHash>>);

impl SharedHash {
    /// Returns the hash of a file that is continued after the bytes of `hash`.
    pub(crate) fn after(hash: RunningHash) -> Self {
        Self(Arc::new(Mutex::new(hash)))
    }

    /// Returns the hash of the bytes that have reached the file.
    pub(crate) fn get(&self) -> RunningHash {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns a writer that adds the bytes that `inner` takes.
    pub(crate) fn writer(&self, inner: Box<dyn Write + Send>) -> Box<dyn Write + Send> {
        Box::new(HashingWriter { inner, hash: self.clone() })
    }
}

struct HashingWriter {
    inner: Box<dyn Write + Send>,
    hash: SharedHash,
}

impl Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.0.lock().unwrap_or_else(PoisonError::into_inner).add(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hashes_are_those_of_xxhsum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        // `printf abc | xxhsum -H3`
        let expected = OutputRecord { bytes: 3, xxh3: "78af5f94892f3950".into() };
        assert_eq!(OutputRecord::of(&path).unwrap(), expected);
        let shared = SharedHash::after(RunningHash::of_beginning(&path, 2).unwrap());
        shared.writer(Box::new(io::sink())).write_all(b"c").unwrap();
        assert_eq!(shared.get().record(), expected);
    }

    #[test]
    fn beginnings_that_a_file_does_not_have_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abcdef").unwrap();
        let lengths = BTreeSet::from([0, 2, 6, 7, 9]);
        let hashes = RunningHash::of_beginnings(&path, &lengths).unwrap();
        assert_eq!(hashes.keys().copied().collect::<Vec<_>>(), [0, 2, 6]);
        for (&length, &hash) in &hashes {
            let alone = RunningHash::of_beginning(&path, length).unwrap();
            assert_eq!((alone.bytes(), alone.value()), (length, hash));
        }
        let missing = RunningHash::of_beginnings(&folder.path().join("b"), &lengths).unwrap();
        assert_eq!(missing.len(), 1);
    }
}
