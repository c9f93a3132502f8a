//! `newsdesk data`: commands that inspect and prepare labelled data, one module each.

mod check;
mod convert;
mod read;
mod split;
mod stats;
mod tokens;

use crate::arguments::data::{Data, DataCommand};
use crate::exit_code::ExitCode;
use crate::output::reporting::ReportingOutput;
use anyhow::Result;
use newsdesk_data::Row;
use newsdesk_run::{Output, RunError, StreamOutput};

pub fn run(options: Data) -> Result<ExitCode> {
    match options.command {
        DataCommand::Check(options) => check::run(&options),
        DataCommand::Stats(options) => stats::run(&options),
        DataCommand::Split(options) => split::run(&options),
        DataCommand::Convert(options) => convert::run(&options),
    }
}

/// Writes a row unchanged. A row that does not fit the table's columns is rejected. Returns whether the row was
/// written.
fn write_row(output: &mut ReportingOutput<StreamOutput>, row: &Row) -> Result<bool, RunError> {
    match output.row(row, &[]) {
        Ok(()) => Ok(true),
        Err(error) => match error.as_reject(row) {
            Some(reject) => {
                output.reject(&reject)?;
                Ok(false)
            }
            None => Err(error),
        },
    }
}
