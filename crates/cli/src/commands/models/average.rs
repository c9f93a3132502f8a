//! `newsdesk models average`: averages the weights of several models that were trained from one base.

use crate::arguments::Average;
use crate::commands::model_folder::{check_new_model, model_name};
use crate::commands::open::open_encoder;
use crate::failure::say;
use anyhow::Result;
use newsdesk_model::folder::save;
use newsdesk_model::{Device, Model};
use newsdesk_train::average;
use std::process::ExitCode;

pub fn run(options: &Average) -> Result<ExitCode> {
    check_new_model(&options.output, false)?;
    let models: Vec<Model> =
        options.models.iter().map(|folder| open_encoder(Some(folder), &Device::Cpu)).collect::<Result<_>>()?;
    let weights = if options.weights.is_empty() { vec![1.0; models.len()] } else { options.weights.clone() };
    let mut model = average(&models, &weights)?;
    model.manifest.name = model_name(options.name.as_deref(), &options.output);
    save(&model, &options.output, options.storage.dtype())?;
    let folder = options.output.display();
    say(&format!("wrote {folder}"));
    say(&format!("next: fit its scores with `newsdesk calibrate {folder} --data SET`"));
    Ok(ExitCode::SUCCESS)
}
