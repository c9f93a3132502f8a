//! The files of a model folder: their names, and their contents from disk or from the library.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub(super) const CONFIG: &str = "config.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(crate) const WEIGHTS: &str = "model.safetensors";
pub(super) const MANIFEST: &str = "newsdesk.toml";
/// The file in which sentence-transformers stores the pooling of an encoder.
pub(super) const POOLING: &str = "1_Pooling/config.json";

/// The contents of a model's files.
pub(super) struct Files<'a> {
    pub(super) origin: PathBuf,
    pub(super) config: &'a [u8],
    pub(super) tokenizer: Vec<u8>,
    pub(super) weights: WeightsFile,
    pub(super) manifest: Option<&'a str>,
    pub(super) pooling: Option<&'a [u8]>,
}

/// The contents of a weights file.
pub(super) enum WeightsFile {
    /// Compiled into the library.
    #[cfg(feature = "embedded-model")]
    Embedded(&'static [u8]),
    /// Mapped from disk: only requested parts are read, and they need no memory of their own.
    Mapped(Mmap),
    /// Read into memory.
    Read(Vec<u8>),
}

impl WeightsFile {
    /// Maps a file, or reads it if it cannot be mapped.
    ///
    /// Newsdesk replaces weights by renaming a new file, which leaves a mapped file unchanged.
    ///
    /// # Errors
    /// If the file cannot be opened or read.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[expect(unsafe_code, reason = "mapping a file is unsafe, because other programs may change it")]
        // SAFETY: sound as long as no program writes to the file in place. If one does, tensors that are read later
        // have other values. If one truncates the file, the system ends the process.
        let mapped = unsafe { Mmap::map(&file) };
        mapped.map_or_else(|_| std::fs::read(path).map(Self::Read), |mapped| Ok(Self::Mapped(mapped)))
    }
}

impl AsRef<[u8]> for WeightsFile {
    fn as_ref(&self) -> &[u8] {
        match self {
            #[cfg(feature = "embedded-model")]
            Self::Embedded(bytes) => bytes,
            Self::Mapped(mapped) => mapped,
            Self::Read(bytes) => bytes,
        }
    }
}
