//! `newsdesk models convert`: copies a checkpoint into a folder with one safetensors file.

use crate::arguments::{Convert, ConvertedDtype};
use crate::commands::model_folder::{check_new_model, refuse_own_origin, remove_old_model};
use crate::commands::open::{model_path, open_any};
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::hub;
use anyhow::Result;
use newsdesk_model::folder::{convert, files_beside_weights, save};
use newsdesk_model::{AnyModel, Device};

pub fn run(options: &Convert) -> Result<ExitCode> {
    refuse_own_origin(&options.output, [&options.model])?;
    check_new_model(&options.output, false, options.overwrite)?;
    if model_path(Some(&options.model)).is_none() {
        let message = format!("cannot convert `{}`: it is the built-in model", options.model.display());
        return Err(Usage::new(message, "name the folder of a checkpoint").into());
    }
    let folder = hub::find(&options.model, options.opening)?.folder;
    let is_there = |name: &&str| options.output.join(name).exists();
    if let Some(name) = files_beside_weights().find(is_there).filter(|_| !options.overwrite.overwrite) {
        let message = format!("cannot write the model: `{}` already exists", options.output.join(name).display());
        return Err(Usage::new(message, "choose another folder for `--output`, or move that file away").into());
    }
    // Opening checks that the weights fit the configuration.
    let AnyModel::Encoder(mut model) = open_any(Some(&options.model), &Device::Cpu, options.opening)? else {
        let message = format!("cannot convert `{}`: it is a linear model", options.model.display());
        return Err(Usage::new(message, "use it as it is: linear models are always one safetensors file").into());
    };
    remove_old_model(&options.output, options.overwrite)?;
    match options.save_dtype {
        None => convert(&folder, &model, &options.output)?,
        Some(dtype) => {
            if dtype != ConvertedDtype::F32 && !model.manifest.certificates.is_empty() {
                model.manifest.certificates.clear();
                say("its certificates are removed, since its weights change: run `newsdesk models certify` again");
            }
            save(&model, &options.output, dtype.into())?;
        }
    }
    say(&format!("wrote {}", options.output.display()));
    Ok(ExitCode::SUCCESS)
}
