//! A model of any kind. The manifest in its folder tells which kind it is.

use super::checkpoint::OpenOptions;
use super::linear::{linear_manifest, open_linear};
use super::names::MANIFEST;
use super::{Manifest, Model};
use crate::error::Result;
use crate::linear::LinearModel;
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
        Self::open_with(folder, device, OpenOptions::default())
    }

    /// Opens a model folder with options.
    ///
    /// # Errors
    /// The same as [`AnyModel::open`].
    pub fn open_with(folder: &Path, device: &Device, options: OpenOptions) -> Result<Self> {
        match linear_manifest(folder)? {
            None => Ok(Self::Encoder(Box::new(Model::open_with(folder, device, options)?))),
            Some(manifest) => {
                let mut model = open_linear(folder, manifest)?;
                if let Some(activation) = options.activation {
                    model.manifest.set_activation(activation, &folder.join(MANIFEST).display().to_string())?;
                }
                Ok(model.into())
            }
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
