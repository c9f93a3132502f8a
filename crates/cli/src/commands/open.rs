//! Opens the models and classifiers that the command line names.

use crate::arguments::{ComputeOptions, OpenArguments};
use crate::failure::{Usage, say};
use crate::hub::{self, Found};
use crate::threads;
use anyhow::Result;
use newsdesk_model::folder::Manifest;
use newsdesk_model::{
    AnyModel, Classifier, Device, DeviceChoice, DtypeChoice, InstructionSet, Model, Options, ZeroShot,
};
use newsdesk_train::{has_checkpoint, holds_log};
use std::path::Path;

/// Name of the built-in model on the command line, unless a folder has that name.
const BUILT_IN: &str = "default";

/// Returns the path of the named model, or `None` for the built-in model.
pub fn model_path(given: Option<&Path>) -> Option<&Path> {
    given.filter(|given| *given != Path::new(BUILT_IN) || given.exists())
}

/// Opens the model in a folder, or the built-in one: an encoder or a linear model.
///
/// # Errors
/// If the model cannot be found or read.
pub fn open_any(folder: Option<&Path>, device: &Device, opening: OpenArguments) -> Result<AnyModel> {
    let model = open_without_warnings(folder, device, opening)?;
    if let AnyModel::Encoder(model) = &model {
        warn(model);
    }
    Ok(model)
}

/// Opens a model as [`open_any`] does, but prints none of its warnings.
///
/// # Errors
/// The same as [`open_any`].
pub fn open_without_warnings(folder: Option<&Path>, device: &Device, opening: OpenArguments) -> Result<AnyModel> {
    match model_path(folder) {
        Some(given) => {
            let found = hub::find(given, opening)?;
            refuse_unfinished(&found.folder)?;
            let mut model = AnyModel::open_with(&found.folder, device, opening.options())?;
            name_hub_model(model.manifest_mut(), &found);
            Ok(model)
        }
        None => Ok(open_encoder(None, device, opening)?.into()),
    }
}

/// Opens the encoder model in a folder, or the built-in one.
///
/// # Errors
/// If the model cannot be found or read, or is not an encoder.
pub fn open_encoder(folder: Option<&Path>, device: &Device, opening: OpenArguments) -> Result<Model> {
    match model_path(folder) {
        Some(given) => {
            let found = hub::find(given, opening)?;
            refuse_unfinished(&found.folder)?;
            let mut model = Model::open_with(&found.folder, device, opening.options())?;
            warn(&model);
            name_hub_model(&mut model.manifest, &found);
            Ok(model)
        }
        #[cfg(feature = "embedded-model")]
        None => {
            let mut model = Model::embedded(device)?;
            if let Some(activation) = opening.activation {
                model.manifest.set_activation(activation, "the built-in model")?;
            }
            Ok(model)
        }
        #[cfg(not(feature = "embedded-model"))]
        None => Err(Usage::new(
            "cannot open the built-in model: this build has none",
            "name a model folder, or build with the feature `embedded-model`",
        )
        .into()),
    }
}

/// Prints what a user should know about a checkpoint.
fn warn(model: &Model) {
    model.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
}

/// Refuses the folder of a training run that has not written its model yet.
fn refuse_unfinished(folder: &Path) -> Result<()> {
    // The weights are the last file of a model. A folder without a checkpoint may be one that lost them.
    let has = |name: &str| folder.join(name).exists();
    let is_unfinished = has_checkpoint(folder) || (!has("config.json") && holds_log(folder)?);
    if has("model.safetensors") || !is_unfinished {
        return Ok(());
    }
    let message = format!("cannot open the model `{}`: its training is not finished", folder.display());
    Err(Usage::new(message, "finish it: repeat its `newsdesk train` command with `--resume`").into())
}

/// Names a model of the hub as it was asked for, if it has no manifest with a name: its folder is named after a commit.
fn name_hub_model(manifest: &mut Manifest, found: &Found) {
    if let Some(origin) = found.origin.as_ref().filter(|_| !found.folder.join("newsdesk.toml").exists()) {
        manifest.name = origin.name.to_string();
    }
}

/// Returns the model of the hub that the command line names, with its commit: `ORG/NAME@COMMIT`. `None` for a folder and for the
/// built-in model.
///
/// # Errors
/// If the model can be neither found nor downloaded.
pub fn hub_source(given: Option<&Path>, opening: OpenArguments) -> Result<Option<String>> {
    let found = model_path(given).map(|given| hub::find(given, opening)).transpose()?;
    Ok(found.and_then(|found| found.origin).map(|origin| origin.source()))
}

/// Opens a classifier on the model in a folder, or on the built-in one. `zero_shot` replaces the model's labels.
///
/// # Errors
/// If the model, the device or the instruction set cannot be used.
pub fn open_classifier(
    folder: Option<&Path>,
    opening: OpenArguments,
    zero_shot: Option<&ZeroShot>,
    compute: &ComputeOptions,
    dtype: DtypeChoice,
    max_windows: Option<u32>,
) -> Result<Classifier> {
    let options = Options {
        device: compute.device,
        threads: Some(threads(compute)),
        max_windows: max_windows.map(|n| n as usize),
        dtype,
        open: opening.options(),
        instructions: instructions()?,
    };
    let device = compute.device.open()?;
    if compute.device == DeviceChoice::Auto && device.is_cpu() && cfg!(any(feature = "cuda", feature = "metal")) {
        say("warning: no GPU could be opened, so the model runs on the CPU");
    }
    match zero_shot {
        None => Ok(Classifier::new(open_any(folder, &device, opening)?, &options)?),
        Some(labels) => {
            let mut model = open_encoder(folder, &device, opening)?;
            // The languages belong to the model's own labels. Without them, nothing is said about articles in others.
            model.manifest.languages.clear();
            Ok(Classifier::zero_shot(model, labels, &options)?)
        }
    }
}

/// Returns the instruction set that `NEWSDESK_INSTRUCTIONS` names; `None` means the fastest one of this CPU.
///
/// # Errors
/// If the name is unknown, or this CPU lacks the instructions.
pub fn instructions() -> Result<Option<InstructionSet>> {
    const VARIABLE: &str = "NEWSDESK_INSTRUCTIONS";
    let Some(name) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else { return Ok(None) };
    let set = name.to_string_lossy().parse::<InstructionSet>();
    let set =
        set.and_then(|set| if set.is_available() { Ok(set) } else { Err(format!("this CPU does not support {set}")) });
    set.map(Some).map_err(|cause| {
        let available = InstructionSet::ALL.into_iter().filter(|set| set.is_available());
        let names: Vec<String> = available.map(|set| set.to_string()).collect();
        let hint = format!("unset `{VARIABLE}`, or choose from {}", names.join(", "));
        Usage::new(format!("cannot use `{VARIABLE}`: {cause}"), hint).into()
    })
}

/// Returns the number of threads, as [`threads::count`] limits it.
pub fn threads(compute: &ComputeOptions) -> usize {
    threads::count(compute.threads)
}
