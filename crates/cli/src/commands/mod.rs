//! One module per command: typed arguments to checked settings, then the work.

pub mod agree;
pub mod average;
pub mod bench;
pub mod calibrate;
pub mod certify;
pub mod classify;
pub mod completions;
pub mod data;
pub mod diff;
pub mod eval;
mod minimum;
pub mod models;
mod named;
mod new_model;
pub mod train;
pub mod verify;

use crate::arguments::Running;
use crate::failure::{Usage, say};
use crate::hub;
use anyhow::Result;
use newsdesk_model::folder::{Manifest, check_writable};
use newsdesk_model::{
    AnyModel, Classifier, Device, DeviceChoice, DtypeChoice, InstructionSet, Model, Options, processors,
};
use std::path::Path;

/// The exit code of what was interrupted, by Ctrl-C or a friendly kill.
const INTERRUPTED: u8 = 130;

/// How the model inside is named on the command line, where no folder has this name.
const INSIDE: &str = "default";

/// Where a model is that the command line names; `None` for the one inside.
fn outside(given: Option<&Path>) -> Option<&Path> {
    given.filter(|given| *given != Path::new(INSIDE) || given.exists())
}

/// The model in a folder, or the one inside, of whichever kind.
fn open_any(folder: Option<&Path>, device: &Device) -> Result<AnyModel> {
    match outside(folder) {
        Some(given) => {
            let folder = hub::folder(given)?;
            let mut model = AnyModel::open(&folder, device)?;
            name_as_given(model.manifest_mut(), given, &folder);
            Ok(model)
        }
        None => Ok(open_model(None, device)?.into()),
    }
}

/// The model with an encoder in a folder, or the one inside.
fn open_model(folder: Option<&Path>, device: &Device) -> Result<Model> {
    match outside(folder) {
        Some(given) => {
            let folder = hub::folder(given)?;
            let mut model = Model::open(&folder, device)?;
            name_as_given(&mut model.manifest, given, &folder);
            Ok(model)
        }
        #[cfg(feature = "embedded-model")]
        None => Ok(Model::embedded(device)?),
        #[cfg(not(feature = "embedded-model"))]
        None => Err(Usage::new(
            "Failed to open the default model: this build has none inside",
            "name a model folder, or build with the feature `embedded-model`",
        )
        .into()),
    }
}

/// A model from the cache of a hub that has no name of its own is called as it was asked for: its folder's name is that of a commit.
fn name_as_given(manifest: &mut Manifest, given: &Path, folder: &Path) {
    if given != folder && !folder.join("newsdesk.toml").exists() {
        manifest.name = given.display().to_string();
    }
}

/// Checks that a model's folder is one that may be written to, before the work whose result goes there.
fn check_own_folder(given: &Path) -> Result<()> {
    if outside(Some(given)).is_none() {
        let message =
            format!("Failed to write into `{}`: it is the model inside, which does not change", given.display());
        return Err(Usage::new(message, "name the folder of a model of your own").into());
    }
    if *hub::folder(given)? != *given {
        let message = format!("Failed to write into `{}`: it is in the Hugging Face cache", given.display());
        return Err(Usage::new(message, "copy the model into a folder of your own, and name that").into());
    }
    Ok(check_writable(given)?)
}

/// A classifier on the model in a folder, or on the one inside.
fn open_classifier(
    folder: Option<&Path>,
    running: &Running,
    precision: DtypeChoice,
    windows: Option<u32>,
) -> Result<Classifier> {
    let options = Options {
        device: running.device,
        threads: Some(threads(running)),
        windows: windows.map(|n| n as usize),
        dtype: precision,
        instructions: instructions()?,
    };
    let device = running.device.open()?;
    if running.device == DeviceChoice::Auto && device.is_cpu() && cfg!(any(feature = "cuda", feature = "metal")) {
        say("warning: no GPU could be opened, so the processor does the work");
    }
    Ok(Classifier::new(open_any(folder, &device)?, &options)?)
}

/// The vector instructions that the environment asks for; `None` for the best ones.
fn instructions() -> Result<Option<InstructionSet>> {
    const VARIABLE: &str = "NEWSDESK_INSTRUCTIONS";
    let Some(name) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else { return Ok(None) };
    let set = name.to_string_lossy().parse::<InstructionSet>();
    let set = set.and_then(|set| if set.is_available() { Ok(set) } else { Err(format!("this machine has no {set}")) });
    set.map(Some).map_err(|cause| {
        let available = InstructionSet::ALL.into_iter().filter(|set| set.is_available());
        let names: Vec<String> = available.map(|set| set.to_string()).collect();
        let hint = format!("unset `{VARIABLE}`, or choose from {}", names.join(", "));
        Usage::new(format!("Failed to use `{VARIABLE}`: {cause}"), hint).into()
    })
}

/// Threads as asked for, or one per processor.
fn threads(running: &Running) -> usize {
    running.threads.map_or_else(processors, usize::from)
}
