//! Several models, each with a name that no other one of them has.

use super::{open_any, outside};
use crate::failure::Usage;
use anyhow::Result;
use newsdesk_model::{AnyModel, Device};
use std::path::{Path, PathBuf};

/// A model among several.
pub struct Named {
    /// The name that it has itself, or how it was given where others have that name, too.
    pub name: String,
    /// Where it is; `None` for the model inside.
    pub folder: Option<PathBuf>,
    pub model: AnyModel,
}

/// Opens models as the command line names them.
pub fn open_all(given: &[String], device: &Device) -> Result<Vec<Named>> {
    if let Some(twice) = given.iter().enumerate().find(|(place, name)| given[..*place].contains(name)) {
        let message = format!("Failed to compare `{}` with itself", twice.1);
        return Err(Usage::new(message, "name each model once").into());
    }
    let open = |name: &String| {
        let folder = outside(Some(Path::new(name))).map(Path::to_path_buf);
        let model = open_any(folder.as_deref(), device)?;
        Ok(Named { name: model.manifest().name.clone(), folder, model })
    };
    let mut models: Vec<Named> = given.iter().map(open).collect::<Result<_>>()?;
    let own: Vec<String> = models.iter().map(|model| model.name.clone()).collect();
    let is_unique = |name: &String| own.iter().filter(|other| *other == name).count() == 1;
    // One rule for all: with two of one name, a model that is given by the name of another would be a third.
    if !own.iter().all(is_unique) {
        models.iter_mut().zip(given).for_each(|(model, given)| model.name.clone_from(given));
    }
    Ok(models)
}
