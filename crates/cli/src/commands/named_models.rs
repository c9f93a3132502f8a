//! Opens several models and gives each a unique name.

use super::open::{hub_source, model_path, open_any};
use crate::arguments::OpenArguments;
use crate::failure::Usage;
use crate::hub;
use anyhow::Result;
use newsdesk_model::{AnyModel, Device};
use std::path::{Path, PathBuf};

/// One of several models.
pub struct NamedModel {
    /// The argument that names it.
    pub argument: String,
    /// The name in its manifest, or the given argument if two models share a manifest name.
    pub name: String,
    /// Its folder; `None` for the built-in model.
    pub folder: Option<PathBuf>,
    /// Where on the hub it comes from: `ORG/NAME@COMMIT`.
    pub source: Option<String>,
    pub model: AnyModel,
}

/// Opens the models that the command line names.
///
/// # Errors
/// If a model is named twice or cannot be opened.
pub fn open_all(given: &[String], device: &Device, opening: OpenArguments) -> Result<Vec<NamedModel>> {
    if let Some((_, twice)) = given.iter().enumerate().find(|(index, name)| given[..*index].contains(name)) {
        let message = format!("cannot compare `{twice}` with itself");
        return Err(Usage::new(message, "name each model once").into());
    }
    let open = |name: &String| {
        let given = Some(Path::new(name));
        let model = open_any(given, device, opening)?;
        let folder = model_path(given).map(|given| hub::find(given, opening)).transpose()?.map(|found| found.folder);
        let (name_of_model, source) = (model.manifest().name.clone(), hub_source(given, opening)?);
        Ok(NamedModel { argument: name.clone(), name: name_of_model, folder, source, model })
    };
    let mut models: Vec<NamedModel> = given.iter().map(open).collect::<Result<_>>()?;
    let own: Vec<String> = models.iter().map(|model| model.name.clone()).collect();
    let is_unique = |name: &String| own.iter().filter(|other| *other == name).count() == 1;
    // All models switch to their arguments together: an argument may equal the manifest name of another model.
    if !own.iter().all(is_unique) {
        models.iter_mut().for_each(|model| model.name.clone_from(&model.argument));
    }
    Ok(models)
}
