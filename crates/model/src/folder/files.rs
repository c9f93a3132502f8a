//! The files of a model folder: their names, and their contents wherever they come from.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub(super) const CONFIG: &str = "config.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(crate) const WEIGHTS: &str = "model.safetensors";
pub(super) const MANIFEST: &str = "newsdesk.toml";
/// How sentence-transformers says which pooling an encoder wants.
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
    /// In the program.
    #[cfg(feature = "embedded-model")]
    Embedded(&'static [u8]),
    /// On disk: what is not asked for is not read, and what is read takes no memory of its own.
    Mapped(Mmap),
    /// In memory.
    Read(Vec<u8>),
}

impl WeightsFile {
    /// Maps a file, or reads it where it cannot be mapped.
    ///
    /// Newsdesk replaces weights by renaming a new file, which leaves a mapped one as it is.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[expect(unsafe_code, reason = "nobody can promise that no other program cuts the file off while it is mapped")]
        // SAFETY: sound as long as nobody writes into the file in place; if somebody does, tensors that were not read yet
        // change, or the system ends the process.
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
