//! The files of a checkpoint, opened but not yet read, and the tensors in them.

use super::bytes::Bytes;
use super::checks::check_index;
use super::index::Index;
use super::part::{NamedTensor, Part};
use super::stored::Stored;
use super::{pickle, safetensors};
use crate::error::{ModelError, Result};
use std::collections::BTreeMap;

/// The files with the weights of a model.
pub(crate) struct Checkpoint {
    /// Names the weights in errors: the only file, or the index.
    pub(super) file: String,
    /// The format of each part.
    pub(super) format: FileFormat,
    /// One file, or the parts that the index names, in the order of their names.
    pub(super) parts: Vec<Part>,
    /// The index of several parts.
    pub(super) index: Option<Index>,
}

/// The format of a file with tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Safetensors,
    /// A zip archive of `torch.save`.
    Pickle,
}

impl Checkpoint {
    /// Returns a checkpoint in one safetensors file; `file` names it in errors.
    pub(crate) fn one(file: &str, bytes: Bytes) -> Self {
        Self::new(file.into(), FileFormat::Safetensors, vec![Part::new(file, file.into(), bytes)], None)
    }

    /// Returns a checkpoint in these parts; `file` names it in errors.
    pub(crate) fn new(file: String, format: FileFormat, parts: Vec<Part>, index: Option<Index>) -> Self {
        Self { file, format, parts, index }
    }

    /// Reads the names, types and shapes of all tensors. Their values stay in the files. Returns those that hold
    /// weights.
    ///
    /// # Errors
    /// If a part is damaged, has a tensor of a type that is not supported or that another part has as well, or lacks
    /// one that the index promises.
    pub(super) fn read(&self) -> Result<BTreeMap<String, Stored>> {
        let mut places: BTreeMap<String, &Part> = BTreeMap::new();
        let mut weights = BTreeMap::new();
        for part in &self.parts {
            let tensors = match self.format {
                FileFormat::Safetensors => safetensors::read(&part.bytes, &part.file)?,
                FileFormat::Pickle => pickle::read(&part.bytes, &part.file)?,
            };
            for NamedTensor { name, values } in tensors {
                if let Some(other) = places.get(&name) {
                    let cause = format!("`{}` holds a tensor of this name as well", other.file);
                    return Err(ModelError::Invalid { file: part.file.clone(), key: name, cause });
                }
                weights.extend(values.map(|values| (name.clone(), values)));
                places.insert(name, part);
            }
        }
        if let Some(index) = &self.index {
            check_index(index, &places, &self.file)?;
        }
        Ok(weights)
    }
}
