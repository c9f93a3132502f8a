//! `newsdesk models export`: writes a head as a classifier of transformers.

use crate::arguments::Export;
use crate::commands::model_folder::{check_new_model, refuse_own_origin, remove_old_model};
use crate::commands::open::{model_path, open_encoder};
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use anyhow::Result;
use newsdesk_model::Device;
use newsdesk_model::folder::export;

pub fn run(options: &Export) -> Result<ExitCode> {
    let given = model_path(options.model.as_deref()).map(std::path::Path::to_path_buf);
    refuse_own_origin(&options.output, &given)?;
    check_new_model(&options.output, false, options.overwrite)?;
    let model = open_encoder(options.model.as_deref(), &Device::Cpu, options.opening)?;
    let names: Vec<&str> = model.manifest.heads.iter().map(|head| head.name.as_str()).collect();
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let head = match (&options.head, &names[..]) {
        (Some(name), _) if names.contains(&name.as_str()) => name.clone(),
        (Some(name), _) => {
            let message = format!("cannot export the head `{name}`: the model has no such head");
            return Err(Usage::new(message, format!("choose from {listed}")).into());
        }
        (None, [only]) => (*only).to_owned(),
        (None, []) => {
            let message = "cannot export the model: it has no heads";
            return Err(Usage::new(message, "train a head on it with `newsdesk train --base`").into());
        }
        (None, _) => {
            let message =
                "cannot export the model: a classifier of transformers has one head, and the model has several";
            return Err(Usage::new(message, format!("choose one with `--head`: {listed}")).into());
        }
    };
    remove_old_model(&options.output, options.overwrite)?;
    export(&model, &head, &options.output, options.dtype.into())?;
    say(&format!("wrote {}", options.output.display()));
    Ok(ExitCode::SUCCESS)
}
