//! `newsdesk models average`: several models of one base to the model of their mean weights.

use super::new_model::{check_output, model_name};
use super::open_model;
use crate::arguments::Average;
use crate::failure::say;
use anyhow::Result;
use newsdesk_model::folder::{Storage, save};
use newsdesk_model::{Device, Model};
use newsdesk_train::average;
use std::process::ExitCode;

pub fn run(options: &Average) -> Result<ExitCode> {
    check_output(&options.output, false)?;
    let models: Vec<Model> =
        options.models.iter().map(|folder| open_model(Some(folder), &Device::Cpu)).collect::<Result<_>>()?;
    let shares = if options.shares.is_empty() { vec![1.0; models.len()] } else { options.shares.clone() };
    let mut model = average(&models, &shares)?;
    model.manifest.name = model_name(options.name.as_deref(), &options.output);
    save(&model, &options.output, if options.full_precision { Storage::F32 } else { Storage::F16 })?;
    let folder = options.output.display();
    say(&format!("wrote {folder}"));
    say(&format!("next: `newsdesk calibrate {folder} --data SET`, which finds out what its scores mean"));
    Ok(ExitCode::SUCCESS)
}
