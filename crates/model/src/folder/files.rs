//! The files of a model folder: their contents from disk or from the library.

use super::manifest::Manifest;
use super::missing::missing;
use super::names::{MAX_CONFIG, MAX_TOKENIZER, MAX_WEIGHTS, TOKENIZER, WEIGHTS};
use crate::checkpoint::Checkpoint;
use crate::error::{ModelError, Result};
use crate::tokenize::TokenizerFiles;
use memmap2::Mmap;
use newsdesk_files::read;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Reads a file of a model folder, except weights, into memory.
///
/// # Errors
/// If it is missing, is no regular file, is too large or cannot be read.
pub(super) fn read_file(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    let limit = if TokenizerFiles::NAMES.contains(&name) { MAX_TOKENIZER } else { MAX_CONFIG };
    read::regular(&path, limit).map_err(|source| failed(folder, name, source))
}

/// Returns whether a folder has an entry of this name. A broken link counts, so that it becomes an error.
pub(super) fn exists(folder: &Path, name: &str) -> bool {
    folder.join(name).symlink_metadata().is_ok()
}

/// Reads the files of a tokenizer.
///
/// # Errors
/// If there is neither a `tokenizer.json` nor a vocabulary, or as [`read_file`].
pub(super) fn read_tokenizer(folder: &Path) -> Result<TokenizerFiles> {
    let files = TokenizerFiles::read(|name| exists(folder, name).then(|| read_file(folder, name)).transpose())?;
    match files.has_vocabulary() {
        true => Ok(files),
        false => Err(missing(folder, TOKENIZER)),
    }
}

/// Reads a small file of a model folder as text. Returns `None` if it does not exist.
///
/// # Errors
/// As [`read_file`], or if it is not UTF-8.
pub(super) fn read_optional(folder: &Path, name: &str) -> Result<Option<String>> {
    if !exists(folder, name) {
        return Ok(None);
    }
    let text = String::from_utf8(read_file(folder, name)?);
    text.map(Some).map_err(|error| ModelError::Invalid {
        file: folder.join(name).display().to_string(),
        key: "text".into(),
        cause: error.to_string(),
    })
}

/// Opens the weights of a model folder that is written by Newsdesk: one safetensors file.
///
/// # Errors
/// As [`read_file`].
pub(super) fn open_weights(folder: &Path) -> Result<WeightsFile> {
    open_part(folder, WEIGHTS)
}

/// Opens one file with weights.
///
/// # Errors
/// As [`read_file`].
pub(super) fn open_part(folder: &Path, name: &str) -> Result<WeightsFile> {
    WeightsFile::open(&folder.join(name)).map_err(|source| failed(folder, name, source))
}

fn failed(folder: &Path, name: &str, source: io::Error) -> ModelError {
    if source.kind() == io::ErrorKind::NotFound {
        return missing(folder, name);
    }
    ModelError::Read { path: folder.join(name), source }
}

/// The contents of a model's files.
pub(super) struct Files<'a> {
    pub(super) origin: PathBuf,
    pub(super) config: &'a [u8],
    pub(super) tokenizer: TokenizerFiles,
    pub(super) weights: Checkpoint,
    /// Whether a test has checked the weights, so that opening them need not.
    pub(super) is_trusted: bool,
    pub(super) manifest: Option<Manifest>,
    pub(super) pooling: Option<String>,
}

/// The contents of a weights file.
pub(super) enum WeightsFile {
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
    /// If the file is not regular, or cannot be opened or read.
    fn open(path: &Path) -> io::Result<Self> {
        let length = read::check_regular(path, MAX_WEIGHTS)?;
        let file = File::open(path)?;
        #[expect(unsafe_code, reason = "mapping a file is unsafe, because other programs may change it")]
        // SAFETY: sound as long as no program writes to the file in place. If one does, tensors that are read later
        // have other values. If one truncates the file, the system ends the process.
        let mapped = unsafe { Mmap::map(&file) };
        mapped.map_or_else(|_| read::regular(path, length).map(Self::Read), |mapped| Ok(Self::Mapped(mapped)))
    }
}

impl AsRef<[u8]> for WeightsFile {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Read(bytes) => bytes,
        }
    }
}
