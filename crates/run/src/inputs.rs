//! Which inputs a run read: what a journal compares, and what a manifest tells.

use newsdesk_data::{Source, Watch};
use serde::{Deserialize, Serialize};
use std::time::UNIX_EPOCH;

/// A file as it stood when a run began; of standard input only the name is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// As it was given.
    pub file: String,
    /// Its size, compressed if it is.
    pub bytes: Option<u64>,
    /// When it was changed last, in nanoseconds since 1970.
    pub modified: Option<u64>,
}

/// A source that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRecord {
    /// As it was given.
    pub file: String,
    /// Bytes that were read, compressed if it is.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: String,
}

impl InputFile {
    /// What is known of a source without reading it.
    pub fn of(source: &Source) -> Self {
        let metadata = match source {
            Source::Stdin => None,
            Source::File(path) => std::fs::metadata(path).ok().filter(|metadata| metadata.is_file()),
        };
        let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            file: source.name().to_string(),
            bytes: metadata.map(|metadata| metadata.len()),
            modified: modified.and_then(|time| u64::try_from(time.as_nanos()).ok()),
        }
    }

    /// How it differs from what it was, if it does.
    pub fn change_from(&self, before: &InputFile) -> Option<String> {
        let file = &self.file;
        match (before.bytes, self.bytes) {
            (Some(before), Some(now)) if before != now => Some(format!("`{file}` had {before} bytes and has {now}")),
            (Some(_), None) => Some(format!("`{file}` is no longer a file that can be read")),
            _ if before.modified != self.modified => Some(format!("`{file}` was changed since the run began")),
            _ => None,
        }
    }
}

impl InputRecord {
    /// What was seen of a source that was read.
    pub(crate) fn of(source: &Source, watch: &Watch) -> Self {
        Self { file: source.name().to_string(), bytes: watch.bytes(), sha256: watch.sha256() }
    }
}
