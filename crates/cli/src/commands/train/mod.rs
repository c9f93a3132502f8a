//! `newsdesk train`: trains a model on labelled data sets, or one model for each of several seeds.

mod card;
mod finish;
mod interrupt;
mod job;
mod linear;
mod progress;
mod seeds;
mod settings;
mod training_data;
mod tune;

use super::model_folder::{check_new_model, is_finished, model_name, refuse_own_origin, remove_old_model};
use crate::arguments::{ArchName, Train};
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use anyhow::Result;
use finish::next_steps;
use interrupt::{exit_code, stop_on_signals};
use job::Job;
use newsdesk_train::Stop;

pub fn run(options: Train) -> Result<ExitCode> {
    if options.arch == ArchName::Linear {
        let stop = stop_on_signals(&options, false);
        return exit_code(linear::run(&options, &stop), &options, false);
    }
    if options.tune.is_some() {
        let message = "cannot use `--tune`: it only applies to linear models";
        return Err(Usage::new(message, "add `--arch linear`, or leave the option out").into());
    }
    if options.word_ngrams.is_some() || options.char_ngrams.is_some() || options.buckets.is_some() {
        let message = "cannot use `--word-ngrams`, `--char-ngrams` or `--buckets`: they only apply to linear models";
        return Err(Usage::new(message, "add `--arch linear`, or leave these options out").into());
    }
    refuse_own_origin(&options.output, options.base.iter().chain(&options.teacher))?;
    let stop = stop_on_signals(&options, true);
    let result = match options.seeds.is_empty() {
        true => run_once(&options, &stop),
        false => seeds::run(&options, &stop),
    };
    exit_code(result, &options, true)
}

/// Trains a transformer with one seed.
fn run_once(options: &Train, stop: &Stop) -> Result<ExitCode> {
    let folder = &options.output;
    let is_done = options.resume && is_finished(folder);
    if !is_done {
        check_new_model(folder, options.resume, options.overwrite)?;
    }
    let job = Job::load(options, stop)?;
    remove_old_model(folder, options.overwrite)?;
    if is_done {
        // `--resume` on a finished run succeeds, so that it can be repeated in a loop.
        job.finished(options.seed, folder)?;
        if !options.quiet {
            say(&format!("{} is already trained", folder.display()));
        }
    }
    let reports = match is_done {
        false => {
            let finished = job.train(options.seed, folder, &model_name(options.name.as_deref(), folder))?;
            if !options.quiet {
                next_steps(folder, true).iter().for_each(|line| say(line));
            }
            finished.reports
        }
        true if options.json => job.evaluate(folder)?,
        true => vec![],
    };
    if options.json {
        console::print_json(&reports)?;
    }
    Ok(job.exit_code())
}
