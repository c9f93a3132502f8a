//! The commands of `newsdesk`, for the binary and for the Python package.
//!
//! [`main`] is the whole program: it parses the arguments and runs one command. Results go to standard output, everything
//! else to standard error. Exit codes: 0 done; 1 done, but rows were rejected or a check found something; 2 could not run;
//! 130 interrupted, to be resumed with `--resume` where the command has it.
//!
//! [`embedded`] runs parts of it for a caller in the same process, which gets messages and results instead of the
//! standard streams.

mod arguments;
mod command_line;
mod commands;
mod console;
mod data_sets;
pub mod embedded;
mod exit_code;
mod failure;
mod format_list;
mod hub;
mod options_file;
mod output;
mod process;
mod recipes;
mod remedies;
mod sources;
mod target;
mod threads;

use anyhow::Result;
use arguments::data::DataCommand;
use arguments::{Arguments, Command, ModelsCommand};
use clap::CommandFactory;
use exit_code::ExitCode;
use std::ffi::OsString;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

/// Runs the command that the arguments name, of which the first is the name of the program. Returns the exit code, after
/// printing an error if there was one.
///
/// Changes how the process handles signals, so the process should end after it.
pub fn main(arguments: Vec<OsString>) -> u8 {
    process::report_file_size_limit();
    process::report_changed_weights();
    // At its end, the process would ignore an error of standard output.
    let done = run(arguments).and_then(|code| Ok(std::io::stdout().flush().map(|()| code)?));
    let code = match done {
        Ok(code) => code,
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Errors of files have a context. Only those of standard output are bare.
            let is_output = error.chain().next().is_some_and(|outermost| outermost.is::<std::io::Error>());
            failure::report(&if is_output { error.context("cannot write to standard output") } else { error });
            ExitCode::from(2)
        }
    };
    code.number()
}

/// Parses the arguments and runs the command.
fn run(arguments: Vec<OsString>) -> Result<ExitCode> {
    let arguments = options_file::expand(arguments, &Arguments::command())?;
    let arguments = match command_line::parse(arguments)? {
        ControlFlow::Continue(arguments) => arguments,
        ControlFlow::Break(code) => return Ok(code),
    };
    if prints_results(&arguments.command) {
        failure::refuse_closed_output()?;
    }
    match arguments.command {
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
    }
}

/// Returns whether a command prints results to standard output.
fn prints_results(command: &Command) -> bool {
    let is_standard_output = |path: &Path| path == Path::new("-");
    match command {
        Command::Classify(options) => options.output.as_deref().is_none_or(is_standard_output),
        Command::Train(options) => options.json || !options.seeds.is_empty(),
        Command::Data(data) => match &data.command {
            DataCommand::Convert(options) => is_standard_output(&options.output),
            _ => true,
        },
        Command::Models(models) => !matches!(
            models.command,
            ModelsCommand::Average(_)
                | ModelsCommand::Convert(_)
                | ModelsCommand::Export(_)
                | ModelsCommand::Pull { .. }
                | ModelsCommand::Rm { .. }
        ),
        _ => true,
    }
}
