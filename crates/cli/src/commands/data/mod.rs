//! `newsdesk data`: labelled data looked at and prepared, one module per command.

mod check;
mod convert;
mod read;
mod split;
mod stats;
mod tokens;

use crate::arguments::data::{Data, DataCommand};
use crate::output::corpus::CorpusOutput;
use anyhow::Result;
use newsdesk_data::Row;
use newsdesk_run::{Output, RunError, StreamOutput};
use std::process::ExitCode;

pub fn run(options: Data) -> Result<ExitCode> {
    match options.command {
        DataCommand::Check(options) => check::run(&options),
        DataCommand::Stats(options) => stats::run(&options),
        DataCommand::Split(options) => split::run(&options),
        DataCommand::Convert(options) => convert::run(&options),
    }
}

/// Writes a row as it is. One that a table has no place for is that row's trouble, not the corpus's.
fn write_row(output: &mut CorpusOutput<StreamOutput>, row: &Row) -> Result<bool, RunError> {
    match output.row(row, &[]) {
        Ok(()) => Ok(true),
        Err(error) => match error.misfit(row) {
            Some(reject) => {
                output.reject(&reject)?;
                Ok(false)
            }
            None => Err(error),
        },
    }
}
