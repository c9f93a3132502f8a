//! Folders of linear models.

use super::files::{self, WeightsFile};
use super::manifest::Manifest;
use crate::error::{ModelError, Result};
use crate::linear::{LinearModel, LinearTable};
use std::path::Path;

/// Returns the manifest in a folder if it describes a linear model. Returns `None` for a folder without a readable
/// manifest; opening the folder as an encoder then reports what is wrong.
pub(super) fn linear_manifest(folder: &Path) -> Result<Option<Manifest>> {
    let path = folder.join(files::MANIFEST);
    let is_linear = |text: &String| toml::from_str(text).is_ok_and(|keys: toml::Table| keys.contains_key("linear"));
    let Some(text) = std::fs::read_to_string(&path).ok().filter(is_linear) else { return Ok(None) };
    let name = path.display().to_string();
    let manifest = Manifest::parse(&text, &name)?;
    manifest.check_heads(&name)?;
    Ok(Some(manifest))
}

/// Opens the folder of a linear model.
pub(super) fn open_linear(folder: &Path, manifest: Manifest) -> Result<LinearModel> {
    let path = folder.join(files::WEIGHTS);
    let bytes = WeightsFile::open(&path).map_err(|source| ModelError::Read { path: path.clone(), source })?;
    let buckets = manifest.linear.map_or(0, |features| features.buckets as usize);
    let table = LinearTable::from_bytes(bytes, &path.display().to_string(), buckets, &manifest.heads)?;
    LinearModel::new(manifest, table)
}
