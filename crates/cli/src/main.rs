//! The binary `newsdesk`: parses the arguments and runs one command.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done; 1 done, but rows were rejected
//! or a check found something; 2 could not run; 130 interrupted, to be resumed with `--resume` where the command has it.

mod arguments;
mod command_line;
mod commands;
mod data_sets;
mod failure;
mod format_list;
mod hub;
mod options_file;
mod output;
mod recipes;
mod remedies;
mod target;
mod threads;

use arguments::{Arguments, Command};
use clap::CommandFactory;
use std::process::ExitCode;

/// candle allocates and frees a block for every tensor. The system's allocator returns large blocks to the kernel, which
/// clears every page again at the next use. That took a third of the time of a training step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let expanded = options_file::expand(std::env::args_os().collect(), &Arguments::command());
    let arguments = match expanded.and_then(command_line::parse) {
        Ok(arguments) => arguments,
        Err(error) => {
            failure::report(&error);
            return ExitCode::from(2);
        }
    };
    threads::one_per_worker();
    let result = match arguments.command {
        Command::Classify(options) => commands::classify::run(options),
        Command::Train(options) => commands::train::run(*options),
        Command::Eval(options) => commands::eval::run(options),
        Command::Bench(options) => commands::bench::run(&options),
        Command::Agree(options) => commands::agree::run(&options),
        Command::Verify(options) => commands::verify::run(&options),
        Command::Diff(options) => commands::diff::run(&options),
        Command::Data(options) => commands::data::run(options),
        Command::Calibrate(options) => commands::calibrate::run(*options),
        Command::Models(options) => commands::models::run(options),
        Command::Completions(options) => commands::completions::run(options),
    };
    match result {
        Ok(code) => code,
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            failure::report(&error);
            ExitCode::from(2)
        }
    }
}
