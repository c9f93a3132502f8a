//! `newsdesk train`: trains a model on labelled data sets, or one model for each of several seeds.

mod card;
mod finish;
mod job;
mod linear;
mod progress;
mod seeds;
mod settings;
mod training_data;

use super::INTERRUPTED;
use super::model_folder::{check_new_model, is_finished, model_name};
use crate::arguments::{ArchName, Train};
use crate::failure::{Usage, say};
use anyhow::Result;
use finish::next_steps;
use job::Job;
use newsdesk_train::has_checkpoint;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub fn run(options: Train) -> Result<ExitCode> {
    if options.arch == ArchName::Linear {
        return linear::run(&options);
    }
    if options.word_ngrams.is_some() || options.char_ngrams.is_some() || options.buckets.is_some() {
        let message = "cannot use `--word-ngrams`, `--char-ngrams` or `--buckets`: they only apply to linear models";
        return Err(Usage::new(message, "add `--arch linear`, or leave these options out").into());
    }
    report_interrupt(&options);
    if !options.seeds.is_empty() {
        return seeds::run(&options);
    }
    let folder = &options.output;
    let is_done = options.resume && is_finished(folder);
    if !is_done {
        check_new_model(folder, options.resume)?;
    }
    let job = Job::load(&options)?;
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
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&reports)?)?;
    }
    Ok(job.exit_code())
}

/// Prints how to resume on SIGINT (Ctrl-C) or SIGTERM. The run ends at once, as after a crash.
fn report_interrupt(options: &Train) {
    let (quiet, is_single, folder) = (options.quiet, options.seeds.is_empty(), options.output.clone());
    // This fails if the program ignores signals, as under `nohup`; then nothing needs to be done.
    let _ = ctrlc::try_set_handler(move || {
        if !quiet {
            say(how_to_resume(is_single, &folder));
        }
        // Keeps standard error locked while the program ends: a GPU reports the interrupted step as an error.
        let _lock = std::io::stderr().lock();
        std::process::exit(INTERRUPTED.into());
    });
}

/// Returns what `--resume` does after an interrupt, which depends on what the folder holds.
fn how_to_resume(is_single: bool, folder: &Path) -> &'static str {
    if !is_single {
        return "interrupted; continue with the same command and `--resume`: finished seeds are kept, and a seed with a checkpoint \
                resumes from it";
    }
    match has_checkpoint(folder) {
        true => "interrupted; resume from the last checkpoint with the same command and `--resume`",
        false => "interrupted before the first checkpoint; the same command with `--resume` starts from the beginning",
    }
}
