//! Checkpoints: variables, optimizer moments and progress of a run, from which it can be resumed.

use crate::error::{Result, TrainError};
use crate::fingerprint::Fingerprint;
use crate::meter::MeterState;
use newsdesk_files::read::regular;
use newsdesk_files::write_atomic;
use newsdesk_model::Device;
use newsdesk_model::checkpoint::Weights;
use newsdesk_model::folder::{Storage, weights_bytes};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The progress of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// Everything that decides the result of the run. The checkpoint of another run is refused.
    pub(crate) fingerprint: Fingerprint,
    /// Complete epochs.
    pub(crate) epochs_done: usize,
    /// Complete steps of the epoch after these.
    pub(crate) steps_of_epoch: usize,
    /// Steps of the optimizer.
    pub(crate) steps: i32,
    /// The best epoch so far, from 1; 0 for none.
    pub(crate) best_epoch: usize,
    /// Its score on the validation data.
    pub(crate) best_score: f64,
    /// The loss since the last line of the log, and the time so far.
    #[serde(default, alias = "measured")]
    pub(crate) meter: MeterState,
    /// The SHA-256 of each tensor file, by its name. Checkpoints of earlier versions have none.
    #[serde(default)]
    pub(crate) sha256: BTreeMap<String, String>,
}

/// The folder of the checkpoint, within the folder of a run.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// The file with the progress of the run. It is written last, and names the tensor files.
const STATE: &str = "state.json";

/// Returns the names of the tensor files after this number of steps.
fn names(steps: i32) -> [String; 2] {
    ["variables", "moments"].map(|what| format!("{what}-{steps}.safetensors"))
}

/// Returns the name of the file with the variables of the best epoch so far.
fn best_name(epoch: usize) -> String {
    format!("best-{epoch}.safetensors")
}

/// Writes a checkpoint. The previous one stays complete until the new state file, which names the new tensor files, has
/// replaced the old one.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write(folder: &Path, state: &mut State, variables: &Weights, moments: &Weights) -> Result<()> {
    let fail = |path: PathBuf| move |source| TrainError::Checkpoint { verb: "write", path, source };
    std::fs::create_dir_all(folder).map_err(fail(folder.into()))?;
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        write_atomic(&path, bytes).map_err(fail(path))
    };
    let mut put_tensors = |name: &str, bytes: &[u8]| {
        put(name, bytes)?;
        state.sha256.insert(name.into(), sha256(bytes));
        Ok::<(), TrainError>(())
    };
    let variables = weights_bytes(variables, Storage::F32)?;
    let [variables_name, moments_name] = names(state.steps);
    put_tensors(&variables_name, &variables)?;
    put_tensors(&moments_name, &weights_bytes(moments, Storage::F32)?)?;
    if state.best_epoch > 0 && state.best_epoch == state.epochs_done && state.steps_of_epoch == 0 {
        put_tensors(&best_name(state.best_epoch), &variables)?;
    }
    let kept = [variables_name, moments_name, best_name(state.best_epoch)];
    state.sha256.retain(|name, _| kept.contains(name));
    let json = serde_json::to_vec_pretty(state).map_err(|e| fail(folder.join(STATE))(e.into()))?;
    put(STATE, &json)?;
    // The state no longer names the other files.
    clear(folder, &kept)
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Removes the tensor files of checkpoints from a folder, except those in `kept`. Other files stay.
fn clear(folder: &Path, kept: &[String]) -> Result<()> {
    let fail = |path: &Path| {
        let path = path.to_path_buf();
        move |source| TrainError::Checkpoint { verb: "clear", path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(fail(folder))? {
        let entry = entry.map_err(fail(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_tensor_file = ["variables-", "moments-", "best-"].iter().any(|start| name.starts_with(start));
        if is_tensor_file && name.contains(".safetensors") && !kept.contains(&name) {
            std::fs::remove_file(entry.path()).map_err(fail(&entry.path()))?;
        }
    }
    Ok(())
}

/// Maximum size of a checkpoint's file in bytes.
const MAX_FILE: u64 = 32 << 30;

/// A checkpoint that was read.
pub(crate) struct Checkpoint {
    pub(crate) state: State,
    pub(crate) variables: Weights,
    pub(crate) moments: Weights,
    /// The variables of the best epoch, once there is one.
    pub(crate) best: Option<Weights>,
}

/// Reads the checkpoint in `folder`; `None` if there is none.
///
/// # Errors
/// [`TrainError::OtherRun`] if its fingerprint differs, [`TrainError::Checkpoint`] if it cannot be read.
pub(crate) fn read(folder: &Path, fingerprint: &Fingerprint, device: &Device) -> Result<Option<Checkpoint>> {
    let get = |name: &str| {
        let path = folder.join(name);
        regular(&path, MAX_FILE).map_err(|source| TrainError::Checkpoint { verb: "read", path, source })
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
        let cause = format!("it belongs to another run ({})", state.fingerprint.differences(fingerprint).join("; "));
        return Err(TrainError::OtherRun { path: folder.into(), cause });
    }
    let weights = |name: &str| -> Result<Weights> {
        let (path, bytes) = (folder.join(name), get(name)?);
        if state.sha256.get(name).is_some_and(|expected| *expected != sha256(&bytes)) {
            let source = std::io::Error::other("its contents have changed");
            return Err(TrainError::Checkpoint { verb: "read", path, source });
        }
        Ok(Weights::from_bytes(bytes, &path.display().to_string(), device)?)
    };
    let [variables, moments] = names(state.steps);
    let (variables, moments) = (weights(&variables)?, weights(&moments)?);
    let best = if state.best_epoch > 0 { Some(weights(&best_name(state.best_epoch))?) } else { None };
    Ok(Some(Checkpoint { variables, moments, best, state }))
}

/// Returns whether a run left a checkpoint in its folder.
pub fn has_checkpoint(folder: &Path) -> bool {
    folder.join(CHECKPOINT).join(STATE).exists()
}

/// Removes the checkpoint from the folder of a run, once its model is written.
///
/// # Errors
/// If there is one and it cannot be removed.
pub fn remove_checkpoint(folder: &Path) -> Result<()> {
    let folder = &folder.join(CHECKPOINT);
    let state = folder.join(STATE);
    if !state.exists() {
        return Ok(());
    }
    std::fs::remove_file(&state).map_err(|source| TrainError::Checkpoint { verb: "remove", path: state, source })?;
    clear(folder, &[])?;
    // Fails, as it should, if the folder holds other files.
    let _ = std::fs::remove_dir(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A state file as the first version wrote it, with earlier names of settings and fields.
    const ORIGINAL: &str = r#"{
        "fingerprint": {"base": "tiny (00) by cls", "heads": ["h, softmax (00)"], "training": "a (00)", "validation": "b (00)",
            "teachers": ["t (00)"], "settings": {"epochs": 3, "learning_rate": 0.00005, "head_rate_factor": 1.0,
            "warmup": 0.06, "schedule": "linear", "layer_decay": 1.0, "label_smoothing": 0.0, "focal": 0.0,
            "class_weights": "equal", "distillation": {"weight": 0.5, "temperature": 2.0, "fills": false},
            "freeze": "nothing", "patience": 0, "weight_decay": 0.01, "clip": 1.0, "batch_size": 8, "micro_batch": 8,
            "rows_per_epoch": 0, "set_weights": {}, "length": 64,
            "window": {"length": 64, "stride": 48, "combine": "mean"}, "seed": 4}},
        "epochs_done": 1, "steps_of_epoch": 20, "steps": 155, "best_epoch": 1, "best_score": 0.5,
        "measured": {"seconds": 1.25, "loss": 12.5, "steps": 20}}"#;

    #[test]
    fn the_state_of_the_first_version_can_be_read() {
        let state: State = serde_json::from_str(ORIGINAL).unwrap();
        assert_eq!((state.epochs_done, state.steps_of_epoch, state.steps, state.best_epoch), (1, 20, 155, 1));
        let current = serde_json::to_value(&state).unwrap();
        assert_eq!(current["meter"], serde_json::json!({"seconds": 1.25, "loss": 12.5, "steps": 20}));
        let settings = &current["fingerprint"]["settings"];
        assert_eq!((settings["overlap"].as_u64(), settings["micro_batch_size"].as_u64()), (Some(16), Some(8)));
        assert_eq!(settings["distillation"]["include_unlabelled"], false);
    }
}
