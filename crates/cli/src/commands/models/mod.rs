//! `newsdesk models`: commands about models, one module each.

mod average;
mod certify;
mod checkpoint;
mod convert;
mod info;

use crate::arguments::{Models, ModelsCommand};
use anyhow::Result;
use std::process::ExitCode;

pub fn run(options: Models) -> Result<ExitCode> {
    match options.command {
        ModelsCommand::Info { model, opening, json } => info::run(model.as_deref(), opening, json),
        ModelsCommand::Certify(options) => certify::run(*options),
        ModelsCommand::Average(options) => average::run(&options),
        ModelsCommand::Convert(options) => convert::run(&options),
    }
}
