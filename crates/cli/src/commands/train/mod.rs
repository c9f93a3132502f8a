//! `newsdesk train`: labelled sets and a base model to a new model, or to one for each of several seeds.

mod card;
mod job;
mod linear;
mod progress;
mod seeds;
mod sets;
mod settings;

use super::new_model::{check_output, model_name};
use crate::arguments::{ArchName, Train};
use crate::failure::Usage;
use anyhow::Result;
use job::Job;
use std::io::Write;
use std::process::ExitCode;

pub fn run(options: Train) -> Result<ExitCode> {
    if options.arch == ArchName::Linear {
        return linear::run(&options);
    }
    if options.word_ngrams.is_some() || options.char_ngrams.is_some() || options.buckets.is_some() {
        let message = "Failed to use `--word-ngrams`, `--char-ngrams` or `--buckets`: a transformer has none of these";
        return Err(Usage::new(message, "add `--arch linear`, or leave them out").into());
    }
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
