//! Checks on the folder that a command writes a model or a manifest to, before the expensive work starts.

use super::open::model_path;
use crate::failure::Usage;
use crate::hub;
use anyhow::Result;
use newsdesk_model::folder::check_writable;
use newsdesk_train::{CURVE, LOG, has_checkpoint, holds_log};
use std::path::Path;

/// Returns the name of the new model: the given one, or that of its folder.
pub fn model_name(given: Option<&str>, folder: &Path) -> String {
    let of_folder = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    given.map(str::to_owned).or_else(of_folder).unwrap_or_else(|| "model".into())
}

/// Returns whether a folder holds a complete model and no checkpoint of an unfinished run.
pub fn is_finished(folder: &Path) -> bool {
    holds_model(folder) && !has_checkpoint(folder)
}

fn holds_model(folder: &Path) -> bool {
    folder.join("model.safetensors").exists()
}

/// Checks that a new model may be written into a folder.
///
/// # Errors
/// If the folder holds a model, files of somebody else, or a checkpoint that `resume` does not ask for.
pub fn check_new_model(folder: &Path, resume: bool) -> Result<()> {
    let started = has_checkpoint(folder);
    // The weights are the last file of a model: with a checkpoint beside them, the write was cut short.
    if holds_model(folder) && !(resume && started) {
        let message = format!("cannot write the model: `{}` already holds one", folder.display());
        return Err(Usage::new(message, "choose another folder for `--output`").into());
    }
    if folder.exists() && !folder.is_dir() {
        let message = format!("cannot write the model: `{}` is a file", folder.display());
        return Err(Usage::new(message, "give a folder to `--output`").into());
    }
    if !started && let Some(name) = foreign_file(folder)? {
        let message = format!("cannot write the model: `{}` already exists", folder.join(name).display());
        return Err(Usage::new(message, "choose another folder for `--output`, or move that file away").into());
    }
    if started && !resume {
        let message = format!("cannot start training: `{}` holds the checkpoint of an earlier run", folder.display());
        let checkpoint = folder.join("checkpoint");
        let hint = format!(
            "continue that run with its options and `--resume`, or remove `{}` to start again",
            checkpoint.display()
        );
        return Err(Usage::new(message, hint).into());
    }
    Ok(())
}

/// Returns a file that a run would overwrite and that no earlier run left there.
fn foreign_file(folder: &Path) -> Result<Option<&'static str>> {
    // Devices and other special files are not overwritten.
    let is_there = |name: &&str| folder.join(name).is_file();
    // A run that stopped before its first checkpoint leaves these behind.
    let leftovers = if holds_log(folder)? { &[][..] } else { &[LOG, CURVE] };
    Ok(["config.json", "tokenizer.json", "newsdesk.toml"].iter().chain(leftovers).copied().find(|name| is_there(name)))
}

/// Checks that the manifest of an existing model may be changed.
///
/// # Errors
/// If the model is the built-in one or in the hub cache, or if its folder is not writable.
pub fn check_existing_model(given: &Path) -> Result<()> {
    if model_path(Some(given)).is_none() {
        let message = format!("cannot write to `{}`: it is the built-in model", given.display());
        return Err(Usage::new(message, "name the folder of a model of your own").into());
    }
    if *hub::folder(given)? != *given {
        let message = format!("cannot write to `{}`: it is in the Hugging Face cache", given.display());
        return Err(Usage::new(message, "copy the model into a folder of your own, and name that folder").into());
    }
    Ok(check_writable(given)?)
}
