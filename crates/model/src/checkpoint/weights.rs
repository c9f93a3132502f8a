//! The tensors of a checkpoint by name, checked against the shapes that the configuration requires.

use super::part::Part;
use super::source::Checkpoint;
use super::stored::Stored;
use super::table::RowTable;
use super::values::with_values;
use crate::error::{ModelError, Result};
use candle_core::{Device, Tensor};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tensors of a checkpoint, seen from one of its name prefixes.
///
/// A tensor of a file stays as bytes until it is requested. Each user then converts only what it needs, once, into the
/// layout that it needs.
#[derive(Clone)]
pub struct Weights {
    file: Arc<str>,
    /// The files that the tensors are in; none for tensors from memory.
    parts: Arc<[Part]>,
    tensors: Arc<BTreeMap<String, Stored>>,
    device: Device,
    prefix: String,
}

impl Weights {
    /// Reads the contents of a safetensors file; `file` names it in errors. Tensors become f32 on `device` when
    /// requested.
    ///
    /// The old names `gamma` and `beta` of norms are read as `weight` and `bias`.
    ///
    /// # Errors
    /// If the bytes are not safetensors, or a tensor is not of floating-point type.
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static, file: &str, device: &Device) -> Result<Self> {
        Self::from_checkpoint(Checkpoint::one(file, Arc::new(bytes)), device)
    }

    /// Reads the tensors of a checkpoint. They become f32 on `device` when requested.
    ///
    /// The old names `gamma` and `beta` of norms are read as `weight` and `bias`.
    ///
    /// # Errors
    /// If a part is damaged, has a tensor of another type than floating-point, or does not fit the index.
    pub(crate) fn from_checkpoint(checkpoint: Checkpoint, device: &Device) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (name, stored) in checkpoint.read()? {
            let name = match (name.strip_suffix(".gamma"), name.strip_suffix(".beta")) {
                (Some(stem), _) => format!("{stem}.weight"),
                (_, Some(stem)) => format!("{stem}.bias"),
                _ => name,
            };
            if tensors.contains_key(&name) {
                let cause = "it occurs twice, also under its old name".into();
                return Err(ModelError::Invalid { file: checkpoint.file, key: name, cause });
            }
            tensors.insert(name, stored);
        }
        let (file, device) = (checkpoint.file.into(), device.clone());
        Ok(Self { file, parts: checkpoint.parts.into(), tensors: Arc::new(tensors), device, prefix: String::new() })
    }

    /// Wraps tensors that are in memory, all on the same device; `file` names them in errors.
    pub fn from_tensors(tensors: BTreeMap<String, Tensor>, file: &str) -> Self {
        let device = tensors.values().next().map_or(Device::Cpu, |tensor| tensor.device().clone());
        let tensors = tensors.into_iter().map(|(name, tensor)| (name, Stored::Tensor(tensor))).collect();
        Self { file: file.into(), parts: [].into(), tensors: Arc::new(tensors), device, prefix: String::new() }
    }

    /// Returns the device of the tensors.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns the same tensors, seen from a longer prefix: `pp("encoder.layer").pp(0)`.
    pub fn pp(&self, name: impl std::fmt::Display) -> Self {
        let prefix = if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) };
        Self { prefix, ..self.clone() }
    }

    fn full_name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.into() } else { format!("{}.{name}", self.prefix) }
    }

    /// Returns whether there is a tensor of this name under the prefix.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(&self.full_name(name))
    }

    /// Returns the shape of a tensor, if it exists.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(&self.full_name(name)).map(Stored::shape)
    }

    /// Returns the tensor of this name and shape.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`] or [`ModelError::WrongShape`].
    pub fn get<const N: usize>(&self, shape: [usize; N], name: &str) -> Result<Tensor> {
        self.get_shaped(&shape, name)
    }

    /// Returns a tensor as [`Weights::get`] does, for a shape whose rank is known only at run time.
    ///
    /// # Errors
    /// The same as [`Weights::get`].
    pub fn get_shaped(&self, shape: &[usize], name: &str) -> Result<Tensor> {
        self.find(shape, name)?.tensor(&self.device)
    }

    /// Appends the values of the tensor of this name and shape to `out`, in row-major order.
    ///
    /// # Errors
    /// The same as [`Weights::get`].
    pub fn read(&self, shape: &[usize], name: &str, out: &mut Vec<f32>) -> Result<()> {
        self.find(shape, name)?.read(out)
    }

    /// Calls `f` with the values of the tensor of this name and shape, in row-major order.
    ///
    /// # Errors
    /// The same as [`Weights::get`], or if the tensor is not on the CPU.
    pub fn visit<T>(&self, shape: &[usize], name: &str, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
        match self.find(shape, name)? {
            Stored::Tensor(tensor) => Ok(with_values(tensor, f)?),
            stored @ (Stored::Bytes(_) | Stored::Quantised(_)) => {
                let mut values = vec![];
                stored.read(&mut values)?;
                Ok(f(&values))
            }
        }
    }

    /// Returns the matrix of this name and shape, to be read row by row.
    ///
    /// # Errors
    /// The same as [`Weights::get`].
    pub fn table(&self, shape: [usize; 2], name: &str) -> Result<RowTable> {
        RowTable::new(self.find(&shape, name)?, shape[1])
    }

    /// Checks that there is a tensor of this name and shape. Reads none of its values.
    ///
    /// # Errors
    /// The same as [`Weights::get`].
    pub fn check<const N: usize>(&self, shape: [usize; N], name: &str) -> Result<()> {
        self.find(&shape, name).map(drop)
    }

    /// Checks that all tensors of the file hold finite numbers. Tensors from memory are not checked.
    ///
    /// # Errors
    /// [`ModelError::NotFiniteWeight`] with the first tensor that holds NaN or infinity.
    pub fn check_finite(&self) -> Result<()> {
        let found = self.tensors.iter().find_map(|(name, stored)| match stored {
            Stored::Bytes(region) => Some((name, region.format.not_finite(region.bytes())?)),
            Stored::Quantised(matrix) => Some((name, matrix.not_finite()?)),
            Stored::Tensor(_) => None,
        });
        found.map_or(Ok(()), |(name, value)| Err(self.not_finite(name, value)))
    }

    /// Returns the error for a tensor, given by its full name, that holds a value like this.
    pub(crate) fn not_finite(&self, name: &str, value: f32) -> ModelError {
        ModelError::NotFiniteWeight { file: self.file.to_string(), name: name.into(), value }
    }

    fn find(&self, shape: &[usize], name: &str) -> Result<&Stored> {
        let name = self.full_name(name);
        let file = || self.file.to_string();
        // The manifest describes the heads.
        let required_by = if name.starts_with("heads.") { "newsdesk.toml" } else { "config.json" };
        match self.tensors.get(&name) {
            None => Err(ModelError::MissingTensor { file: file(), name }),
            Some(stored) if stored.shape() != shape => Err(ModelError::WrongShape {
                file: file(),
                name,
                found: stored.shape().to_vec(),
                expected: shape.to_vec(),
                required_by,
            }),
            Some(stored) => Ok(stored),
        }
    }

    /// Returns the same tensors with one added or replaced, given by its full name.
    pub fn with(&self, name: &str, tensor: Tensor) -> Self {
        let mut tensors = (*self.tensors).clone();
        tensors.insert(name.into(), Stored::Tensor(tensor));
        Self { tensors: Arc::new(tensors), ..self.clone() }
    }

    /// Returns the same tensors under other names.
    pub fn renamed(&self, rename: impl Fn(&str) -> String) -> Self {
        let tensors = self.tensors.iter().map(|(name, stored)| (rename(name), stored.clone())).collect();
        self.with_tensors(tensors)
    }

    /// Returns other tensors of the same file and device, without a prefix.
    pub(crate) fn with_tensors(&self, tensors: BTreeMap<String, Stored>) -> Self {
        Self { tensors: Arc::new(tensors), prefix: String::new(), ..self.clone() }
    }

    /// Iterates over the full names of all tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Returns the name of the file for errors.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Returns the tensor of this full name as it is stored.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`].
    pub(crate) fn stored(&self, name: &str) -> Result<&Stored> {
        let missing = || ModelError::MissingTensor { file: self.file.to_string(), name: name.into() };
        self.tensors.get(name).ok_or_else(missing)
    }

    /// Returns part number `part` of `parts` equal parts of a tensor's rows. Each part has this shape.
    ///
    /// # Errors
    /// The same as [`Weights::get`].
    pub(crate) fn part(&self, shape: &[usize], name: &str, part: Option<(usize, usize)>) -> Result<Stored> {
        let Some((part, parts)) = part else { return Ok(self.find(shape, name)?.clone()) };
        let mut whole = shape.to_vec();
        whole[0] = whole[0].saturating_mul(parts);
        self.find(&whole, name)?.rows(part * shape[0]..(part + 1) * shape[0])
    }

    /// Returns tensors, by their full names, one below another.
    ///
    /// # Errors
    /// If one is missing, or their shapes do not fit.
    pub(crate) fn joined(&self, names: &[&str]) -> Result<Stored> {
        let tensors = names.iter().map(|name| self.stored(name)?.tensor(&self.device)).collect::<Result<Vec<_>>>()?;
        Ok(Stored::Tensor(Tensor::cat(&tensors, 0)?))
    }

    /// Iterates over all tensors with their full names, in the order of the names. An item is an error if the device
    /// fails.
    pub fn tensors(&self) -> impl Iterator<Item = Result<(&str, Tensor)>> {
        self.tensors.iter().map(|(name, stored)| Ok((name.as_str(), stored.tensor(&self.device)?)))
    }

    /// Returns all tensors as they are stored, with their full names, in the order of the names.
    pub(super) fn iter_stored(&self) -> impl Iterator<Item = (&str, &Stored)> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), stored))
    }

    /// Returns the SHA-256 of the weights file in hexadecimal, as `sha256sum` prints it.
    ///
    /// For weights in several parts, returns what `sha256sum PARTS | sha256sum` prints in their folder: the hash of the
    /// lines `HASH  NAME` of all parts, in the order of their names. For tensors from memory, returns the hash of their
    /// values.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sha256(&self) -> Result<String> {
        match &*self.parts {
            [] => {
                let mut hash = Sha256::new();
                for tensor in self.tensors() {
                    let values = tensor?.1.flatten_all()?.to_vec1::<f32>()?;
                    values.iter().for_each(|value| hash.update(value.to_le_bytes()));
                }
                Ok(hex(hash))
            }
            [file] => Ok(hex(Sha256::new_with_prefix(file.bytes()))),
            parts => {
                let mut hash = Sha256::new();
                parts.iter().for_each(|part| {
                    hash.update(format!("{}  {}\n", hex(Sha256::new_with_prefix(part.bytes())), part.name))
                });
                Ok(hex(hash))
            }
        }
    }

    /// Returns the number of values in all tensors.
    pub fn parameters(&self) -> usize {
        self.tensors.values().map(|stored| stored.shape().iter().product::<usize>()).sum()
    }
}

/// Returns a hash in hexadecimal.
fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
