//! The inputs of a run: what a journal compares, and what a manifest records.

use newsdesk_data::{ByteMonitor, Source};
use serde::{Deserialize, Serialize};
use std::time::UNIX_EPOCH;

/// An input file as it was when a run started. Only the name of standard input is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path as the user gave it.
    pub file: String,
    /// Its size in bytes, as it is on disk.
    pub bytes: Option<u64>,
    /// When it was last modified, in nanoseconds since 1970.
    pub modified: Option<u64>,
}

/// An input that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRecord {
    /// The path as the user gave it.
    pub file: String,
    /// The number of bytes that were read, as they are on disk.
    pub bytes: u64,
    /// The SHA-256 hash of these bytes, in hexadecimal.
    pub sha256: String,
}

impl InputFile {
    /// Returns what is known of a source without reading it.
    pub fn of(source: &Source) -> Self {
        let metadata = match source {
            Source::Stdin | Source::Texts(_) => None,
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

    /// Returns how the file differs from what it was before, as a clause.
    pub fn change_from(&self, before: &InputFile) -> Option<String> {
        let file = &self.file;
        match (before.bytes, self.bytes) {
            (Some(before), Some(now)) if before != now => Some(format!("`{file}` had {before} bytes and has {now}")),
            (Some(_), None) => Some(format!("`{file}` is no longer a readable file")),
            _ if before.modified != self.modified => Some(format!("`{file}` was modified after the run started")),
            _ => None,
        }
    }
}

impl InputRecord {
    /// Returns the record of a source that was read through `monitor`.
    pub(crate) fn of(source: &Source, monitor: &ByteMonitor) -> Self {
        Self { file: source.name().to_string(), bytes: monitor.bytes(), sha256: monitor.sha256() }
    }
}
