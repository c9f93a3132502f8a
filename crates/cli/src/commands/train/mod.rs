//! `newsdesk train`: labelled sets and a base model to a new model, or to one for each of several seeds.

mod card;
mod job;
mod progress;
mod seeds;
mod sets;
mod settings;

use crate::arguments::Train;
use crate::failure::Usage;
use anyhow::Result;
use job::Job;
use newsdesk_train::has_checkpoint;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub fn run(options: Train) -> Result<ExitCode> {
    if !options.seeds.is_empty() {
        return seeds::run(&options);
    }
    check_output(&options.output, options.resume)?;
    let job = Job::load(&options)?;
    let name = model_name(&options);
    let finished = job.train(options.seed, &options.output, &name)?;
    if options.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&finished.reports)?)?;
    }
    Ok(job.exit_code())
}

/// The name of the new model: as asked for, or that of its folder.
fn model_name(options: &Train) -> String {
    let folder = || options.output.file_name().map(|name| name.to_string_lossy().into_owned());
    options.name.clone().or_else(folder).unwrap_or_else(|| "model".into())
}

/// Whether a folder holds a model.
fn holds_model(folder: &Path) -> bool {
    folder.join("model.safetensors").exists()
}

/// Checks that a run may write into a folder, before the work.
fn check_output(folder: &Path, resume: bool) -> Result<()> {
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
    if begun && !resume {
        let message = format!("Failed to begin: `{}` holds the checkpoint of another run", folder.display());
        return Err(Usage::new(message, "go on with `--resume`, or remove the folder `checkpoint` in it").into());
    }
    Ok(())
}
