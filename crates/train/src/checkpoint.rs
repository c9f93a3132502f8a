//! What a run needs to go on after an interruption: variables, moments, and how far it was.

use crate::error::{Result, TrainError};
use crate::fingerprint::Fingerprint;
use crate::meter::Measured;
use newsdesk_model::Device;
use newsdesk_model::encoder::Weights;
use newsdesk_model::folder::{Storage, weights_bytes, write_whole};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How far a run is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// What decides the result of the run. Another run's checkpoint is refused.
    pub(crate) fingerprint: Fingerprint,
    /// Epochs that are done.
    pub(crate) epochs_done: usize,
    /// Steps that are done of the epoch after these.
    pub(crate) steps_of_epoch: usize,
    /// Steps that the optimiser took.
    pub(crate) steps: i32,
    /// The best epoch so far, from 1.
    pub(crate) best_epoch: usize,
    /// Its score on validation data.
    pub(crate) best_score: f64,
    /// The loss since the last line of the log, and the time so far.
    #[serde(default)]
    pub(crate) measured: Measured,
}

/// The folder of the checkpoint in that of a run.
pub const CHECKPOINT: &str = "checkpoint";

const STATE: &str = "state.json";

/// The tensor files of the checkpoint after so many steps of the run.
fn names(steps: i32) -> [String; 2] {
    ["variables", "moments"].map(|what| format!("{what}-{steps}.safetensors"))
}

/// The variables of the best epoch so far.
fn best_name(epoch: usize) -> String {
    format!("best-{epoch}.safetensors")
}

/// Writes a checkpoint. The last one stays whole until the new state, which names the new files, has
/// taken the old one's place.
pub(crate) fn write(folder: &Path, state: &State, variables: &Weights, moments: &Weights) -> Result<()> {
    let fail = |path: PathBuf| move |source| TrainError::Checkpoint { verb: "write", path, source };
    std::fs::create_dir_all(folder).map_err(fail(folder.into()))?;
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        write_whole(&path, bytes).map_err(fail(path))
    };
    let variables = weights_bytes(variables, Storage::F32)?;
    let [variables_name, moments_name] = names(state.steps);
    put(&variables_name, &variables)?;
    put(&moments_name, &weights_bytes(moments, Storage::F32)?)?;
    if state.best_epoch > 0 && state.best_epoch == state.epochs_done && state.steps_of_epoch == 0 {
        put(&best_name(state.best_epoch), &variables)?;
    }
    let json = serde_json::to_vec_pretty(state).map_err(|e| fail(folder.join(STATE))(e.into()))?;
    put(STATE, &json)?;
    // What the state no longer names is of no use to anybody.
    clear(folder, &[variables_name, moments_name, best_name(state.best_epoch)])
}

/// Removes the tensor files of checkpoints from a folder, but for those that are kept. Other files are not ours.
fn clear(folder: &Path, kept: &[String]) -> Result<()> {
    let fail = |path: &Path| {
        let path = path.to_path_buf();
        move |source| TrainError::Checkpoint { verb: "clear", path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(fail(folder))? {
        let entry = entry.map_err(fail(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = ["variables-", "moments-", "best-"].iter().any(|start| name.starts_with(start));
        if ours && name.contains(".safetensors") && !kept.contains(&name) {
            std::fs::remove_file(entry.path()).map_err(fail(&entry.path()))?;
        }
    }
    Ok(())
}

/// A checkpoint that was read.
pub(crate) struct Checkpoint {
    pub(crate) state: State,
    pub(crate) variables: Weights,
    pub(crate) moments: Weights,
    /// Those of the best epoch, after the first one.
    pub(crate) best: Option<Weights>,
}

/// Reads the checkpoint in `folder`; `None` if there is none.
pub(crate) fn read(folder: &Path, fingerprint: &Fingerprint, device: &Device) -> Result<Option<Checkpoint>> {
    let get = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|source| TrainError::Checkpoint { verb: "read", path, source })
    };
    if !folder.join(STATE).exists() {
        return Ok(None);
    }
    let state: State = serde_json::from_slice(&get(STATE)?).map_err(|e| TrainError::Checkpoint {
        verb: "read",
        path: folder.join(STATE),
        source: e.into(),
    })?;
    if state.fingerprint != *fingerprint {
        let cause = format!("it is of another run ({})", state.fingerprint.differences(fingerprint).join("; "));
        return Err(TrainError::OtherRun { path: folder.into(), cause });
    }
    let weights = |name: &str| -> Result<Weights> {
        Ok(Weights::from_bytes(get(name)?, &folder.join(name).display().to_string(), device)?)
    };
    let [variables, moments] = names(state.steps);
    let (variables, moments) = (weights(&variables)?, weights(&moments)?);
    let best = if state.best_epoch > 0 { Some(weights(&best_name(state.best_epoch))?) } else { None };
    Ok(Some(Checkpoint { variables, moments, best, state }))
}

/// Whether a run that writes into `folder` left a checkpoint.
pub fn has_checkpoint(folder: &Path) -> bool {
    folder.join(CHECKPOINT).join(STATE).exists()
}

/// Removes the checkpoint from the folder of a run whose model is safely written.
///
/// # Errors
/// If it is there and cannot be removed.
pub fn remove_checkpoint(folder: &Path) -> Result<()> {
    let folder = &folder.join(CHECKPOINT);
    let state = folder.join(STATE);
    if !state.exists() {
        return Ok(());
    }
    std::fs::remove_file(&state).map_err(|source| TrainError::Checkpoint { verb: "remove", path: state, source })?;
    clear(folder, &[])?;
    // A folder that holds something else stays.
    let _ = std::fs::remove_dir(folder);
    Ok(())
}
