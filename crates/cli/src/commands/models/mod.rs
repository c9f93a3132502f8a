//! `newsdesk models`: commands about models, one module each.

mod average;
mod certify;
mod checkpoint;
mod convert;
mod export;
mod info;
mod list;
#[cfg(feature = "hub")]
mod on_hub;
mod pull;
mod rm;
mod teacher_scores;

use crate::arguments::{Models, ModelsCommand};
use crate::exit_code::ExitCode;
use anyhow::Result;

pub fn run(options: Models) -> Result<ExitCode> {
    match options.command {
        ModelsCommand::List { json } => list::run(json),
        ModelsCommand::Pull { models, allow_pickle } => pull::run(&models, allow_pickle),
        ModelsCommand::Rm { models } => rm::run(&models),
        ModelsCommand::Info { model, opening, json } => info::run(model.as_deref(), opening, json),
        ModelsCommand::Certify(options) => certify::run(*options),
        ModelsCommand::TeacherScores(options) => teacher_scores::run(&options),
        ModelsCommand::Average(options) => average::run(&options),
        ModelsCommand::Convert(options) => convert::run(&options),
        ModelsCommand::Export(options) => export::run(&options),
    }
}
