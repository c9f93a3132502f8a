//! A model of either kind, as a folder says which it is.

use super::files::{self, WeightsFile};
use super::{Manifest, Model};
use crate::error::{ModelError, Result};
use crate::linear::{LinearModel, LinearTable};
use candle_core::Device;
use std::path::Path;

/// A model with an encoder, or one without.
#[derive(Clone)]
pub enum AnyModel {
    /// Text to tokens to windows through an encoder to heads.
    Encoder(Box<Model>),
    /// Text to features to heads.
    Linear(Box<LinearModel>),
}

impl AnyModel {
    /// Reads a model folder; an encoder's weights onto a device.
    ///
    /// # Errors
    /// Naming the file, and the key or tensor in it, that is missing or not understood.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        match linear_manifest(folder)? {
            None => Ok(Self::Encoder(Box::new(Model::open(folder, device)?))),
            Some(manifest) => Ok(open_linear(folder, manifest)?.into()),
        }
    }

    /// What its numbers mean and where they come from.
    pub fn manifest(&self) -> &Manifest {
        match self {
            Self::Encoder(model) => &model.manifest,
            Self::Linear(model) => &model.manifest,
        }
    }

    /// The same, to be changed.
    pub fn manifest_mut(&mut self) -> &mut Manifest {
        match self {
            Self::Encoder(model) => &mut model.manifest,
            Self::Linear(model) => &mut model.manifest,
        }
    }

    /// SHA-256 of its weights file, as `sha256sum` says it.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sha256(&self) -> Result<String> {
        match self {
            Self::Encoder(model) => model.weights.sha256(),
            Self::Linear(model) => model.table().sha256(&model.manifest.heads),
        }
    }

    /// Numbers in its weights.
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

/// The manifest in a folder if it is that of a linear model. Whatever else is in the folder, or not, is for those to say who
/// read it as what it is.
pub(super) fn linear_manifest(folder: &Path) -> Result<Option<Manifest>> {
    let path = folder.join(files::MANIFEST);
    let is_linear = |text: &String| toml::from_str(text).is_ok_and(|keys: toml::Table| keys.contains_key("linear"));
    let Some(text) = std::fs::read_to_string(&path).ok().filter(is_linear) else { return Ok(None) };
    let name = path.display().to_string();
    let manifest = Manifest::parse(&text, &name)?;
    manifest.check_heads(&name)?;
    Ok(Some(manifest))
}

fn open_linear(folder: &Path, manifest: Manifest) -> Result<LinearModel> {
    let path = folder.join(files::WEIGHTS);
    let bytes = WeightsFile::open(&path).map_err(|source| ModelError::Read { path: path.clone(), source })?;
    let buckets = manifest.linear.map_or(0, |features| features.buckets as usize);
    let table = LinearTable::from_bytes(bytes, &path.display().to_string(), buckets, &manifest.heads)?;
    LinearModel::new(manifest, table)
}
