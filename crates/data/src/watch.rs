//! What is known of a source's bytes while they are read: how many came by, and at the end which they were.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

const BUFFER: usize = 1024 * 1024;

/// Watches the bytes of sources as they stand on disk, compressed or not. One watch is for one source; the total that it
/// adds to may be shared.
#[derive(Default)]
pub struct Watch {
    bytes: AtomicU64,
    hash: Mutex<Sha256>,
    total: Arc<AtomicU64>,
}

impl Watch {
    /// A watch that adds what it counts to a total, which others may look at.
    pub fn new(total: Arc<AtomicU64>) -> Watch {
        Watch { total, ..Watch::default() }
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// SHA-256 of the bytes read so far, in hexadecimal: what `sha256sum` says of the file, once all is read.
    pub fn sha256(&self) -> String {
        let hash = self.hash.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn see(&self, bytes: &[u8]) {
        self.advance(bytes.len() as u64);
        self.take_in(bytes);
    }

    /// Adds to the total what was read of a file that is not read from its first byte to its last.
    pub(crate) fn advance(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Reads such a file once more, for its size and its hash.
    pub(crate) fn identify(&self, mut file: &File) -> io::Result<()> {
        file.rewind()?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.take_in(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take_in(&self, bytes: &[u8]) {
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.hash.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
    }
}

/// A reader that is watched.
pub(crate) struct Watched {
    reader: Box<dyn Read + Send>,
    watch: Arc<Watch>,
}

impl Watched {
    pub fn new(reader: Box<dyn Read + Send>, watch: Arc<Watch>) -> Watched {
        Watched { reader, watch }
    }
}

impl Read for Watched {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(out)?;
        self.watch.see(&out[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn counts_and_hashes_what_is_read() {
        let total = Arc::new(AtomicU64::new(7));
        let watch = Arc::new(Watch::new(Arc::clone(&total)));
        let mut reader = Watched::new(Box::new(&b"abc"[..]), Arc::clone(&watch));
        let mut two = [0; 2];
        reader.read_exact(&mut two).unwrap();
        assert_eq!((watch.bytes(), total.load(Ordering::Relaxed)), (2, 9));
        reader.read_to_end(&mut Vec::new()).unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(watch.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
