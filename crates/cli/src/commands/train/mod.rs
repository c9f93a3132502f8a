//! `newsdesk train`: labelled sets and a base model to a new model, or to one for each of several seeds.

mod card;
mod job;
mod progress;
mod seeds;
mod sets;
mod settings;

use super::new_model::{check_output, model_name};
use crate::arguments::Train;
use anyhow::Result;
use job::Job;
use std::io::Write;
use std::process::ExitCode;

pub fn run(options: Train) -> Result<ExitCode> {
    if !options.seeds.is_empty() {
        return seeds::run(&options);
    }
    check_output(&options.output, options.resume)?;
    let job = Job::load(&options)?;
    let name = model_name(options.name.as_deref(), &options.output);
    let finished = job.train(options.seed, &options.output, &name)?;
    if options.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&finished.reports)?)?;
    }
    Ok(job.exit_code())
}
