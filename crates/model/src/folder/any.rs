//! A model of any kind. The manifest in its folder tells which kind it is.

use super::files::{self, WeightsFile};
use super::{Manifest, Model};
use crate::error::{ModelError, Result};
use crate::linear::{LinearModel, LinearTable};
use candle_core::Device;
use std::path::Path;

/// A model with or without an encoder.
#[derive(Clone)]
pub enum AnyModel {
    /// An encoder with heads, which reads windows of tokens.
    Encoder(Box<Model>),
    /// A linear model, which reads features of the text.
    Linear(Box<LinearModel>),
}

impl AnyModel {
    /// Opens a model folder and puts an encoder's weights on a device.
    ///
    /// # Errors
    /// If a file, key or tensor is missing or invalid; the error names it.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        match linear_manifest(folder)? {
            None => Ok(Self::Encoder(Box::new(Model::open(folder, device)?))),
            Some(manifest) => Ok(open_linear(folder, manifest)?.into()),
        }
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &Manifest {
        match self {
            Self::Encoder(model) => &model.manifest,
            Self::Linear(model) => &model.manifest,
        }
    }

    /// Returns the manifest for changes.
    pub fn manifest_mut(&mut self) -> &mut Manifest {
        match self {
            Self::Encoder(model) => &mut model.manifest,
            Self::Linear(model) => &mut model.manifest,
        }
    }

    /// Returns the SHA-256 of the weights file in hexadecimal, as `sha256sum` prints it.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sha256(&self) -> Result<String> {
        match self {
            Self::Encoder(model) => model.weights.sha256(),
            Self::Linear(model) => model.table().sha256(&model.manifest.heads),
        }
    }

    /// Returns the number of weights.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Encoder(model) => model.weights.parameters(),
            Self::Linear(model) => model.table().parameters(),
        }
    }
}

impl From<Model> for AnyModel {
    fn from(model: Model) -> Self {
        Self::Encoder(Box::new(model))
    }
}

impl From<LinearModel> for AnyModel {
    fn from(model: LinearModel) -> Self {
        Self::Linear(Box::new(model))
    }
}

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
fn open_linear(folder: &Path, manifest: Manifest) -> Result<LinearModel> {
    let path = folder.join(files::WEIGHTS);
    let bytes = WeightsFile::open(&path).map_err(|source| ModelError::Read { path: path.clone(), source })?;
    let buckets = manifest.linear.map_or(0, |features| features.buckets as usize);
    let table = LinearTable::from_bytes(bytes, &path.display().to_string(), buckets, &manifest.heads)?;
    LinearModel::new(manifest, table)
}
