//! Checks on the folder that a command writes a model or a manifest to, before the expensive work starts.

use super::open::model_path;
use crate::arguments::OverwriteOption;
use crate::failure::Usage;
use crate::hub;
use crate::output::destination::same_file;
use anyhow::{Context, Result};
use newsdesk_model::folder::{WEIGHT_FILES, check_writable, files_beside_weights};
use newsdesk_train::{CURVE, LOG, has_checkpoint, holds_log, remove_checkpoint};
use std::path::{Path, PathBuf};

/// The file of a search with the options that train the same model again, in the folder of the model.
pub const OPTIONS: &str = "options.toml";

/// The file with all tries of a search, in the folder of the model.
pub const TRIES: &str = "tuning.jsonl";

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
/// If the folder holds a model, files of somebody else, or a checkpoint that `resume` does not ask for, and they are not to be
/// overwritten.
pub fn check_new_model(folder: &Path, resume: bool, option: OverwriteOption) -> Result<()> {
    if folder.exists() && !folder.is_dir() {
        let message = format!("cannot write the model: `{}` is a file", folder.display());
        return Err(Usage::new(message, "give a folder to `--output`").into());
    }
    let started = has_checkpoint(folder);
    let replaces = option.overwrite && (started || holds_model(folder));
    // The weights are the last file of a model: with a checkpoint beside them, the write was cut short.
    if holds_model(folder) && !(resume && started || replaces) {
        let message = format!("cannot write the model: `{}` already holds one", folder.display());
        let hint = "choose another folder for `--output`, or replace it with `--overwrite`";
        return Err(Usage::new(message, hint).into());
    }
    if (replaces || !started)
        && let Some(name) = foreign_file(folder, replaces)?
    {
        let message = format!("cannot write the model: `{}` already exists", folder.join(name).display());
        return Err(Usage::new(message, "choose another folder for `--output`, or move that file away").into());
    }
    if started && !resume && !replaces {
        let message = format!("cannot start training: `{}` holds the checkpoint of an earlier run", folder.display());
        let hint = "continue that run with its options and `--resume`, or start again with `--overwrite`";
        return Err(Usage::new(message, hint).into());
    }
    Ok(())
}

/// Refuses to write a model over one that it is made from.
///
/// # Errors
/// If the folder is one of `models`.
pub fn refuse_own_origin<'p>(folder: &Path, models: impl IntoIterator<Item = &'p PathBuf>) -> Result<()> {
    match models.into_iter().find(|model| same_file(model, folder)) {
        Some(model) => {
            let message = format!("cannot write `{}`: the new model is made from it", model.display());
            Err(Usage::new(message, "choose another folder for `--output`").into())
        }
        None => Ok(()),
    }
}

/// Removes an earlier model and the files of its training, if they are to be overwritten. A half-written new model must not pass for a
/// complete one, nor mix with the old one.
///
/// # Errors
/// If a file cannot be removed.
pub fn remove_old_model(folder: &Path, option: OverwriteOption) -> Result<()> {
    if !option.overwrite {
        return Ok(());
    }
    // The weights first: a folder without weights is no model.
    for name in WEIGHT_FILES.into_iter().chain(files_beside_weights()).chain([LOG, CURVE]) {
        let path = folder.join(name);
        if path.is_file() {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
    }
    // A search leaves both files. An options file alone is the user's.
    let [tries, again] = [TRIES, OPTIONS].map(|name| folder.join(name));
    if tries.is_file() {
        for path in [again, tries].iter().filter(|path| path.is_file()) {
            std::fs::remove_file(path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
    }
    Ok(remove_checkpoint(folder)?)
}

/// Returns a file that a run would overwrite and that no earlier run left there. If the run replaces a model, most files belong to that.
fn foreign_file(folder: &Path, replaces: bool) -> Result<Option<&'static str>> {
    // Devices and other special files are not overwritten.
    let is_there = |name: &&str| folder.join(name).is_file();
    // A run that stopped before its first checkpoint leaves these behind.
    let leftovers = if holds_log(folder)? { &[][..] } else { &[LOG, CURVE] };
    let names = match replaces {
        // A data set may have the name of the log.
        true => [&[][..], &leftovers[..leftovers.len().min(1)]],
        false => [&["config.json", "tokenizer.json", "newsdesk.toml"][..], leftovers],
    };
    Ok(names.concat().into_iter().find(|name| is_there(name)))
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
    if hub::name(given).is_some() {
        let message = format!("cannot write to `{}`: it is a model of the hub", given.display());
        return Err(Usage::new(
            message,
            format!("copy it first: `newsdesk models convert {} -o FOLDER`", given.display()),
        )
        .into());
    }
    Ok(check_writable(given)?)
}
