//! What is told of a run beside its output, in `OUT.manifest.json`.

use crate::error::RunError;
use crate::inputs::InputRecord;
use crate::journal::{Beginning, failed};
use crate::state::Counts;
use newsdesk_model::folder::write_whole;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// A run that is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunManifest {
    /// What it was begun with: Newsdesk's version, settings, inputs as they stood, and when.
    #[serde(flatten)]
    pub beginning: Beginning,
    /// The model that labelled the articles.
    pub model: ModelRecord,
    /// Where it ran.
    pub machine: MachineRecord,
    /// The inputs that were read to their end.
    pub read: Vec<InputRecord>,
    /// What came of it.
    pub counts: Counts,
    /// When the run was over, as RFC 3339.
    pub finished: String,
    /// How often it was interrupted and went on.
    pub resumed: u64,
    /// How long it took, from its last start on.
    pub seconds: Seconds,
    /// Most bytes of memory that the process took, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
}

/// The model of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Its name.
    pub name: String,
    /// SHA-256 of its weights file.
    pub sha256: String,
    /// The numbers in which it computed.
    pub precision: String,
    /// The vector instructions that it used; the name of the device where it is no processor.
    pub instructions: String,
}

/// The machine of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// Operating system and architecture.
    pub system: String,
    /// Where the model ran.
    pub device: String,
    /// Threads that it used.
    pub threads: usize,
}

/// Seconds of a run's last part: on the clock, and by stage, added up over threads, since stages overlap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// On the clock.
    pub total: f64,
    /// Reading and understanding rows.
    pub reading: f64,
    /// Making tokens of texts.
    pub tokenising: f64,
    /// Computing the answers.
    pub encoding: f64,
    /// Writing rows.
    pub writing: f64,
}

impl RunManifest {
    /// Reads the manifest of an output; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, RunError> {
        match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", path)(error)),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|e| failed("read", path)(e.into())),
        }
    }

    /// Writes it beside an output; a reader meets all of it or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|e| failed("write", path)(e.into()))?;
        text.push(b'\n');
        write_whole(path, &text).map_err(failed("write", path))
    }
}
