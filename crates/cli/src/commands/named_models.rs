//! Opens several models and gives each a unique name.

use super::open::{model_path, open_any};
use crate::failure::Usage;
use anyhow::Result;
use newsdesk_model::{AnyModel, Device, OpenOptions};
use std::path::{Path, PathBuf};

/// One of several models.
pub struct NamedModel {
    /// The argument that names it.
    pub argument: String,
    /// The name in its manifest, or the given argument if two models share a manifest name.
    pub name: String,
    /// Its folder; `None` for the built-in model.
    pub folder: Option<PathBuf>,
    pub model: AnyModel,
}

/// Opens the models that the command line names.
///
/// # Errors
/// If a model is named twice or cannot be opened.
pub fn open_all(given: &[String], device: &Device, options: OpenOptions) -> Result<Vec<NamedModel>> {
    if let Some((_, twice)) = given.iter().enumerate().find(|(index, name)| given[..*index].contains(name)) {
        let message = format!("cannot compare `{twice}` with itself");
        return Err(Usage::new(message, "name each model once").into());
    }
    let open = |name: &String| {
        let folder = model_path(Some(Path::new(name))).map(Path::to_path_buf);
        let model = open_any(folder.as_deref(), device, options)?;
        Ok(NamedModel { argument: name.clone(), name: model.manifest().name.clone(), folder, model })
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
