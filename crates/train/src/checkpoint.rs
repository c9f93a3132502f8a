//! What a run needs to go on after an interruption: variables, moments, and how far it was.

use crate::error::{Result, TrainError};
use newsdesk_model::encoder::Weights;
use newsdesk_model::folder::{Storage, weights_bytes};
use newsdesk_model::{Device, ModelError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How far a run is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// What decides the result of the run: settings, sets and base model. Another run's checkpoint is refused.
    pub(crate) fingerprint: String,
    /// Epochs that are done.
    pub(crate) epochs_done: usize,
    /// Steps that the optimiser took.
    pub(crate) steps: i32,
    /// The best epoch so far, from 1.
    pub(crate) best_epoch: usize,
    /// Its score on validation data.
    pub(crate) best_score: f64,
}

const STATE: &str = "state.json";
const VARIABLES: &str = "variables.safetensors";
const MOMENTS: &str = "moments.safetensors";
const BEST: &str = "best.safetensors";

/// Writes a checkpoint after an epoch. The state goes last: a checkpoint without it counts for nothing.
pub(crate) fn write(folder: &Path, state: &State, variables: &Weights, moments: &Weights, best: bool) -> Result<()> {
    let fail = |path: PathBuf| move |source| TrainError::Checkpoint { verb: "write", path, source };
    std::fs::create_dir_all(folder).map_err(fail(folder.into()))?;
    let put = |name: &str, bytes: &[u8]| {
        let (path, partial) = (folder.join(name), folder.join(format!("{name}.partial")));
        std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, &path)).map_err(fail(path))
    };
    let state_path = folder.join(STATE);
    if state_path.exists() {
        std::fs::remove_file(&state_path).map_err(fail(state_path))?;
    }
    let variables = weights_bytes(variables, Storage::F32)?;
    put(VARIABLES, &variables)?;
    if best {
        put(BEST, &variables)?;
    }
    put(MOMENTS, &weights_bytes(moments, Storage::F32)?)?;
    let json = serde_json::to_vec_pretty(state).map_err(|e| fail(folder.join(STATE))(e.into()))?;
    put(STATE, &json)
}

/// A checkpoint that was read.
pub(crate) struct Checkpoint {
    pub(crate) state: State,
    pub(crate) variables: Weights,
    pub(crate) moments: Weights,
    pub(crate) best: Weights,
}

/// Reads the checkpoint in `folder`; `None` if there is none.
pub(crate) fn read(folder: &Path, fingerprint: &str, device: &Device) -> Result<Option<Checkpoint>> {
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
    if state.fingerprint != fingerprint {
        let cause = format!("it was made with {}, this run has {fingerprint}", state.fingerprint);
        return Err(TrainError::OtherRun { path: folder.into(), cause });
    }
    let weights = |name: &str| -> Result<Weights, TrainError> {
        let file = folder.join(name).display().to_string();
        Ok(Weights::from_bytes(&get(name)?, &file, device).map_err(|e: ModelError| e)?)
    };
    Ok(Some(Checkpoint { variables: weights(VARIABLES)?, moments: weights(MOMENTS)?, best: weights(BEST)?, state }))
}

/// Removes a checkpoint that is no longer needed.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::Checkpoint { verb: "remove", path: folder.into(), source: e })
        }
        _ => Ok(()),
    }
}
