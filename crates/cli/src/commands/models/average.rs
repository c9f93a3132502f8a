//! `newsdesk models average`: averages the weights of several models that were trained from one base.

use crate::arguments::Average;
use crate::commands::model_folder::{check_new_model, model_name};
use crate::commands::open::open_any;
use crate::failure::{Usage, say};
use anyhow::Result;
use newsdesk_model::folder::save;
use newsdesk_model::{AnyModel, Device, Model};
use newsdesk_train::average;
use std::path::Path;
use std::process::ExitCode;

pub fn run(options: &Average) -> Result<ExitCode> {
    check_new_model(&options.output, false)?;
    let models: Vec<Model> = options.models.iter().map(|folder| open(folder)).collect::<Result<_>>()?;
    let weights = if options.weights.is_empty() { vec![1.0; models.len()] } else { options.weights.clone() };
    let mut model = average(&models, &weights)?;
    model.manifest.name = model_name(options.name.as_deref(), &options.output);
    save(&model, &options.output, options.storage.dtype())?;
    let folder = options.output.display();
    say(&format!("wrote {folder}"));
    say(&format!("next: check that the average is better than each model: `newsdesk eval {folder} --data DATASET`"));
    say(&format!("next: then fit its temperatures: `newsdesk calibrate {folder} --data DATASET`"));
    Ok(ExitCode::SUCCESS)
}

/// Opens a model to average.
///
/// # Errors
/// If it cannot be opened, or is linear.
fn open(folder: &Path) -> Result<Model> {
    match open_any(Some(folder), &Device::Cpu)? {
        AnyModel::Encoder(model) => Ok(*model),
        AnyModel::Linear(_) => {
            let message = format!("cannot average `{}`: linear models cannot be averaged", folder.display());
            Err(Usage::new(message, "name models with an encoder").into())
        }
    }
}
