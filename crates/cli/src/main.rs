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
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

/// candle allocates and frees a block for every tensor. The system's allocator returns large blocks to the kernel, which
/// clears every page again at the next use. That took a third of the time of a training step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    process::report_file_size_limit();
    process::report_changed_weights();
    // At its end, the process would ignore an error of standard output.
    let done = run().and_then(|code| Ok(std::io::stdout().flush().map(|()| code)?));
    match done {
        Ok(code) => code,
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Errors of files have a context. Only those of standard output are bare.
            let is_output = error.chain().next().is_some_and(|outermost| outermost.is::<std::io::Error>());
            failure::report(&if is_output { error.context("cannot write to standard output") } else { error });
            ExitCode::from(2)
        }
    }
}

/// Parses the arguments and runs the command.
fn run() -> Result<ExitCode> {
    let arguments = options_file::expand(std::env::args_os().collect(), &Arguments::command())?;
    let arguments = match command_line::parse(arguments)? {
        ControlFlow::Continue(arguments) => arguments,
        ControlFlow::Break(code) => return Ok(code),
    };
    if prints_results(&arguments.command) {
        failure::refuse_closed_output()?;
    }
    threads::one_per_worker();
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
