//! SIGINT (Ctrl-C) and SIGTERM during training.

use crate::arguments::Train;
use crate::commands::INTERRUPTED;
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::say;
use crate::process;
use anyhow::{Error, Result};
use newsdesk_train::{Stop, TrainError, has_checkpoint};
use std::path::Path;
use std::sync::Arc;

/// Returns what a signal sets. Where the run has work to keep, it stops by itself; otherwise, and at the second signal, the program
/// ends at once.
pub fn stop_on_signals(options: &Train, saves_checkpoints: bool) -> Arc<Stop> {
    if let Some(stop) = console::stop() {
        // Signals belong to the process that called the command.
        return stop;
    }
    let stop = Arc::new(Stop::default());
    let (signalled, quiet) = (Arc::clone(&stop), options.quiet);
    let how_to_continue = how_to_continue(options, saves_checkpoints);
    process::on_interrupt(move || {
        if signalled.request() {
            if !quiet {
                say(match saves_checkpoints {
                    true => {
                        "interrupted: the current step ends first, and a checkpoint is written; a second Ctrl-C ends at once"
                    }
                    false => "interrupted: the best model so far is kept; a second Ctrl-C ends at once",
                });
            }
            return;
        }
        if !quiet {
            say(how_to_continue());
        }
        // Keeps standard error locked while the program ends: a GPU reports the interrupted step as an error.
        let _lock = std::io::stderr().lock();
        std::process::exit(INTERRUPTED.into());
    });
    stop
}

/// Turns the error of an interrupted run into its exit code, and says how to continue.
///
/// # Errors
/// Every other error.
pub fn exit_code(result: Result<ExitCode>, options: &Train, saves_checkpoints: bool) -> Result<ExitCode> {
    let is_interrupt = |error: &Error| matches!(error.downcast_ref::<TrainError>(), Some(TrainError::Interrupted));
    match result {
        Err(error) if is_interrupt(&error) => {
            if !options.quiet {
                say(how_to_continue(options, saves_checkpoints)());
            }
            Ok(ExitCode::from(INTERRUPTED))
        }
        result => result,
    }
}

/// Returns a function that says what to do after an interrupt, which depends on what the folder then holds.
fn how_to_continue(options: &Train, saves_checkpoints: bool) -> impl Fn() -> &'static str + Send + use<> {
    let (is_single, folder) = (options.seeds.is_empty(), options.output.clone());
    move || match saves_checkpoints {
        true => how_to_resume(is_single, &folder),
        false => "interrupted: no model was written; linear models have no checkpoints",
    }
}

/// Returns what `--resume` does after an interrupt.
fn how_to_resume(is_single: bool, folder: &Path) -> &'static str {
    if !is_single {
        return "interrupted; continue with the same command and `--resume`: finished seeds are kept, and a seed with a checkpoint \
                resumes from it";
    }
    match has_checkpoint(folder) {
        true => "interrupted; resume from the last checkpoint with the same command and `--resume`",
        false => "interrupted before the first step; the same command with `--resume` starts from the beginning",
    }
}
