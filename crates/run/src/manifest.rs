//! The manifest of a finished run, which is written beside its output as `OUT.manifest.json`.

use crate::column_names::ColumnNames;
use crate::error::RunError;
use crate::faults::{self, Step};
use crate::file_hash::OutputRecord;
use crate::inputs::InputRecord;
use crate::start::RunStart;
use crate::state::Counts;
use newsdesk_files::read::regular;
use newsdesk_files::write_atomic;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// Maximum size of a manifest in bytes: that of a run over hundreds of thousands of files.
const MAX_MANIFEST: u64 = 256 << 20;

/// The manifest of a finished run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunManifest {
    /// What the run was started with.
    #[serde(flatten)]
    pub start: RunStart,
    /// The model that labelled the articles.
    pub model: ModelRecord,
    /// The machine that the run ended on.
    pub machine: MachineRecord,
    /// The inputs that were read to their end.
    pub read: Vec<InputRecord>,
    /// The output as the run wrote it. `None` in manifests of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputRecord>,
    /// The rejects as the run wrote them, if it wrote a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<OutputRecord>,
    /// The counts of the run.
    pub counts: Counts,
    /// The names of the added columns. Manifests of older versions do not have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<ColumnNames>,
    /// The time of the end, as RFC 3339.
    pub finished: String,
    /// How often the run was resumed.
    pub resumed: u64,
    /// The articles that were labelled since the run was last started or resumed. Manifests of older versions do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub articles_since_start: Option<u64>,
    /// The time since the run was last started or resumed.
    pub seconds: Seconds,
    /// The peak memory (RSS) of the process in bytes, where the system reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
}

/// The model of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Its name.
    pub name: String,
    /// Where on the Hugging Face hub it comes from: `ORG/NAME@COMMIT`. `None` for other models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The SHA-256 hash of its weights file.
    pub sha256: String,
    /// The data type (dtype) of its computations.
    #[serde(alias = "precision")]
    pub dtype: String,
    /// The vector instructions that it used, or the name of the device if it did not run on a CPU.
    pub instructions: String,
}

/// The machine of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// Operating system and architecture.
    pub system: String,
    /// The device that the model ran on.
    pub device: String,
    /// The number of threads.
    pub threads: usize,
}

/// Seconds of wall-clock time, and seconds of each stage.
///
/// Stages overlap and are summed over threads, so they do not add up to the total.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Wall-clock time.
    pub total: f64,
    /// Reading and parsing rows.
    pub reading: f64,
    /// Tokenising texts.
    pub tokenising: f64,
    /// Computing predictions.
    pub encoding: f64,
    /// Writing rows.
    pub writing: f64,
}

impl RunManifest {
    /// Reads the manifest of an output. Returns `None` if there is none.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a manifest.
    pub fn open(path: &Path) -> Result<Option<Self>, RunError> {
        match regular(path, MAX_MANIFEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RunError::file("read", path)(error)),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|e| RunError::file("read", path)(e.into())),
        }
    }

    /// Writes the manifest atomically.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|e| RunError::file("write", path)(e.into()))?;
        text.push(b'\n');
        let written = faults::before(Step::WriteManifest).and_then(|()| write_atomic(path, &text));
        written.map_err(RunError::file("write", path))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn manifests_of_older_versions_are_read() {
        let text = r#"{
          "newsdesk": "0.1.0",
          "settings": {"precision": "int8", "windows": null, "mention_field": "who"},
          "inputs": [{"file": "news.csv", "bytes": 12, "modified": 5}],
          "started": "2026-01-01T00:00:00Z",
          "model": {"name": "m", "sha256": "ab", "precision": "int8", "instructions": "avx2"},
          "machine": {"system": "linux x86_64", "device": "cpu", "threads": 2},
          "read": [{"file": "news.csv", "bytes": 12, "sha256": "cd"}],
          "counts": {"articles": 2, "rejected": 0, "repeats": 1, "near_repeats": 1, "windows": 2, "tokens": 9, "labels": {}},
          "finished": "2026-01-01T00:00:01Z",
          "resumed": 0,
          "seconds": {"total": 1.0, "reading": 0.1, "tokenising": 0.1, "encoding": 0.5, "writing": 0.1}
        }"#;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.manifest.json");
        assert!(RunManifest::open(&path).unwrap().is_none());
        std::fs::write(&path, text).unwrap();
        let manifest = RunManifest::open(&path).unwrap().unwrap();
        assert_eq!((manifest.model.dtype.as_str(), manifest.counts.near_duplicates), ("int8", 1));
        assert_eq!(manifest.start.settings.keys().collect::<Vec<_>>(), ["dtype", "max_windows", "target_field"]);
        manifest.write(&path).unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.contains(r#""dtype": "int8""#) && !written.contains("precision"), "{written}");
        std::fs::write(&path, "{}").unwrap();
        assert!(matches!(RunManifest::open(&path), Err(RunError::File { verb: "read", .. })));
    }
}
