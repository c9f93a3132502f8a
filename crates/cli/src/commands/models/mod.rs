//! `newsdesk models`: commands about models, one module each.

mod average;
mod certify;
mod info;

use crate::arguments::{Models, ModelsCommand};
use anyhow::Result;
use std::process::ExitCode;

pub fn run(options: Models) -> Result<ExitCode> {
    match options.command {
        ModelsCommand::Info { model, json } => info::run(model.as_deref(), json),
        ModelsCommand::Certify(options) => certify::run(*options),
        ModelsCommand::Average(options) => average::run(&options),
    }
}
