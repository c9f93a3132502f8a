//! The folder of a model that is about to be made, and its name.

use crate::failure::Usage;
use anyhow::Result;
use newsdesk_train::{CURVE, LOG, has_checkpoint, holds_log};
use std::path::Path;

/// The name of the new model: as asked for, or that of its folder.
pub fn model_name(asked: Option<&str>, folder: &Path) -> String {
    let of_folder = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    asked.map(str::to_owned).or_else(of_folder).unwrap_or_else(|| "model".into())
}

/// Whether a folder holds a whole model, and no run that has still to write it.
pub fn is_finished(folder: &Path) -> bool {
    holds_model(folder) && !has_checkpoint(folder)
}

fn holds_model(folder: &Path) -> bool {
    folder.join("model.safetensors").exists()
}

/// Checks that a run may write into a folder, before the work.
pub fn check_output(folder: &Path, resume: bool) -> Result<()> {
    let begun = has_checkpoint(folder);
    // The weights are the last file of a model: with a checkpoint beside them, writing was cut short.
    if holds_model(folder) && !(resume && begun) {
        let message = format!("Failed to write the model: `{}` holds one already", folder.display());
        return Err(Usage::new(message, "choose another folder for `--output`").into());
    }
    if folder.exists() && !folder.is_dir() {
        let message = format!("Failed to write the model: `{}` is a file", folder.display());
        return Err(Usage::new(message, "`--output` names a folder").into());
    }
    if !begun && let Some(name) = foreign(folder)? {
        let message = format!("Failed to write the model: `{}` is there already", folder.join(name).display());
        return Err(Usage::new(message, "choose another folder for `--output`, or move that file away").into());
    }
    if begun && !resume {
        let message = format!("Failed to begin: `{}` holds the checkpoint of another run", folder.display());
        return Err(Usage::new(message, "go on with `--resume`, or remove the folder `checkpoint` in it").into());
    }
    Ok(())
}

/// A file in a folder without a checkpoint that a run would write over, and that no run has left there.
fn foreign(folder: &Path) -> Result<Option<&'static str>> {
    // What is no file, such as a device, is not written over.
    let is_there = |name: &&str| folder.join(name).is_file();
    // What a run leaves that was cut off before its first checkpoint.
    let left = if holds_log(folder)? { &[][..] } else { &[LOG, CURVE] };
    Ok(["config.json", "tokenizer.json", "newsdesk.toml"].iter().chain(left).copied().find(|name| is_there(name)))
}
