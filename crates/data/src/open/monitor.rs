//! Counts and hashes the bytes of a source while they are read.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

const BUFFER: usize = 1024 * 1024;

/// Counts and hashes the bytes of one source as they are on disk, before decompression.
///
/// Several monitors may add to the same total.
#[derive(Default)]
pub struct ByteMonitor {
    bytes: AtomicU64,
    hash: Mutex<Sha256>,
    total: Arc<AtomicU64>,
}

impl ByteMonitor {
    /// Returns a monitor that also adds the bytes it counts to `total`.
    pub fn new(total: Arc<AtomicU64>) -> ByteMonitor {
        ByteMonitor { total, ..ByteMonitor::default() }
    }

    /// Returns the number of bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns the SHA-256 hash of the bytes read so far, in hexadecimal.
    ///
    /// After the last byte it equals the output of `sha256sum` for the file.
    pub fn sha256(&self) -> String {
        let hash = self.hash.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn record(&self, bytes: &[u8]) {
        self.add_to_total(bytes.len() as u64);
        self.add_to_hash(bytes);
    }

    /// Adds to the total only. For files that are not read sequentially, whose hash comes from
    /// [`ByteMonitor::hash_file`].
    pub(crate) fn add_to_total(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Reads a whole file for its size and hash.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn hash_file(&self, mut file: &File) -> io::Result<()> {
        file.rewind()?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.add_to_hash(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn add_to_hash(&self, bytes: &[u8]) {
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.hash.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
    }
}

/// A reader that reports its bytes to a monitor.
pub(crate) struct MonitoredReader {
    reader: Box<dyn Read + Send>,
    monitor: Arc<ByteMonitor>,
}

impl MonitoredReader {
    pub fn new(reader: Box<dyn Read + Send>, monitor: Arc<ByteMonitor>) -> MonitoredReader {
        MonitoredReader { reader, monitor }
    }
}

impl Read for MonitoredReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(out)?;
        self.monitor.record(&out[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn monitor_counts_and_hashes_bytes() {
        let total = Arc::new(AtomicU64::new(7));
        let monitor = Arc::new(ByteMonitor::new(Arc::clone(&total)));
        let mut reader = MonitoredReader::new(Box::new(&b"abc"[..]), Arc::clone(&monitor));
        let mut two = [0; 2];
        reader.read_exact(&mut two).unwrap();
        assert_eq!((monitor.bytes(), total.load(Ordering::Relaxed)), (2, 9));
        reader.read_to_end(&mut Vec::new()).unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(monitor.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
