//! The paths of the files that a run writes.

use newsdesk_files::{partial_path, with_suffix};
use std::path::{Path, PathBuf};

/// The paths of a run's output and rejects, from which the others are derived.
#[derive(Debug, Clone)]
pub struct OutputPaths {
    /// The output, under its final name.
    pub output: PathBuf,
    /// The rejects, under their final name.
    pub rejects: PathBuf,
    /// Whether the rejects file is written even if no row is rejected.
    pub always_write_rejects: bool,
}

impl OutputPaths {
    /// Returns the path of the journal, which exists while the run is unfinished.
    pub fn journal(&self) -> PathBuf {
        journal_path(&self.output)
    }

    /// Returns whether an earlier run into this output has begun and is not finished.
    pub fn is_begun(&self) -> bool {
        // A run that was killed at its very start leaves an empty journal, and has written nothing.
        self.journal().metadata().is_ok_and(|journal| journal.len() > 0)
    }

    /// Returns the path of the run's manifest.
    pub fn manifest(&self) -> PathBuf {
        manifest_path(&self.output)
    }

    /// Returns the path that the rows are written to until the run is finished.
    pub(crate) fn partial_output(&self) -> PathBuf {
        partial_path(&self.output)
    }

    /// Returns the path that the rejects are written to until the run is finished.
    pub(crate) fn partial_rejects(&self) -> PathBuf {
        partial_path(&self.rejects)
    }

    /// Returns the paths of all files that a run writes, temporary ones included.
    pub fn all(&self) -> [PathBuf; 6] {
        let (output, rejects) = (self.output.clone(), self.rejects.clone());
        [output, rejects, self.partial_output(), self.partial_rejects(), self.journal(), self.manifest()]
    }
}

/// Returns the path of an output's journal: `OUT.journal`.
pub fn journal_path(output: &Path) -> PathBuf {
    with_suffix(output, ".journal")
}

/// Returns the path of an output's manifest: `OUT.manifest.json`.
pub fn manifest_path(output: &Path) -> PathBuf {
    with_suffix(output, ".manifest.json")
}

/// Returns the path of an output's rejects where the user names none: `OUT.rejects.jsonl`.
pub fn default_rejects_path(output: &Path) -> PathBuf {
    with_suffix(output, ".rejects.jsonl")
}
