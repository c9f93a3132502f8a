//! Folders of linear models.

use super::files::{open_weights, read_optional};
use super::manifest::Manifest;
use super::names::{MANIFEST, WEIGHTS};
use crate::error::Result;
use crate::linear::{LinearModel, LinearTable};
use std::path::Path;

/// Returns the manifest in a folder if it describes a linear model. Returns `None` for a folder without a manifest
/// or with one that is no TOML; opening the folder as an encoder then reports what is wrong.
pub(super) fn linear_manifest(folder: &Path) -> Result<Option<Manifest>> {
    let path = folder.join(MANIFEST);
    let is_linear = |text: &String| toml::from_str(text).is_ok_and(|keys: toml::Table| keys.contains_key("linear"));
    let Some(text) = read_optional(folder, MANIFEST)?.filter(is_linear) else { return Ok(None) };
    let name = path.display().to_string();
    let manifest = Manifest::parse(&text, &name)?;
    manifest.check_heads(&name)?;
    Ok(Some(manifest))
}

/// Opens the folder of a linear model.
pub(super) fn open_linear(folder: &Path, manifest: Manifest) -> Result<LinearModel> {
    let path = folder.join(WEIGHTS);
    let bytes = open_weights(folder)?;
    let buckets = manifest.linear.map_or(0, |features| features.buckets as usize);
    let table = LinearTable::from_bytes(bytes, &path.display().to_string(), buckets, &manifest.heads)?;
    LinearModel::new(manifest, table)
}
