//! `newsdesk train`: labelled sets and a base model to a new model, or to one for each of several seeds.

mod card;
mod job;
mod linear;
mod progress;
mod seeds;
mod sets;
mod settings;

use super::INTERRUPTED;
use super::new_model::{check_output, is_finished, model_name};
use crate::arguments::{ArchName, Train};
use crate::failure::{Usage, say};
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
    tell_on_interrupt(options.quiet);
    if !options.seeds.is_empty() {
        return seeds::run(&options);
    }
    let folder = &options.output;
    let is_done = options.resume && is_finished(folder);
    if !is_done {
        check_output(folder, options.resume)?;
    }
    let job = Job::load(&options)?;
    if is_done {
        // Whoever goes on until it is done may come once more.
        job.finished(options.seed, folder)?;
        if !options.quiet {
            say(&format!("{} was trained before", folder.display()));
        }
    }
    let reports = match is_done {
        false => job.train(options.seed, folder, &model_name(options.name.as_deref(), folder))?.reports,
        true if options.json => job.measure(folder)?,
        true => vec![],
    };
    if options.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&reports)?)?;
    }
    Ok(job.exit_code())
}

/// Ctrl-C, or a friendly kill, ends a run at once, as a crash would: whoever does so is told what is left of it.
fn tell_on_interrupt(quiet: bool) {
    // Whoever has the program ignore such signals, as `nohup` does, gets what he wants.
    let _ = ctrlc::try_set_handler(move || {
        if !quiet {
            say("interrupted: the same command with `--resume` goes on from the last checkpoint");
        }
        // While the program ends, a GPU fails the step that is under way; that is no news to anyone.
        let _last_word = std::io::stderr().lock();
        std::process::exit(INTERRUPTED.into());
    });
}
