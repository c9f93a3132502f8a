//! The tensors of a checkpoint by name, checked against the shapes that the configuration requires.

use super::stored::{Bytes, NumberFormat, Region, Stored};
use super::table::RowTable;
use super::values::with_values;
use crate::error::{ModelError, Result};
use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Maximum length of a header in bytes. A model of 100 layers needs about 200 KB.
const MAX_HEADER: u64 = 16 << 20;

/// The tensors of a checkpoint, seen from one of its name prefixes.
///
/// A tensor of a file stays as bytes until it is requested. Each user then converts only what it needs, once, into the
/// layout that it needs.
#[derive(Clone)]
pub struct Weights {
    file: Arc<str>,
    tensors: Arc<BTreeMap<String, Stored>>,
    device: Device,
    prefix: String,
}

impl Weights {
    /// Reads the contents of a safetensors file; `file` names it in errors. Tensors become f32 on `device` when
    /// requested.
    ///
    /// The old names `LayerNorm.gamma` and `LayerNorm.beta` are read as `weight` and `bias`.
    ///
    /// # Errors
    /// If the bytes are not safetensors, or a tensor is not of floating-point type.
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static, file: &str, device: &Device) -> Result<Self> {
        let bytes: Bytes = Arc::new(bytes);
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        if let Some(length) = (*bytes).as_ref().first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
            && length > MAX_HEADER
        {
            return Err(invalid("header", format!("its length is given as {length} bytes, more than {MAX_HEADER}")));
        }
        let (header, metadata) =
            SafeTensors::read_metadata((*bytes).as_ref()).map_err(|e| invalid("header", e.to_string()))?;
        // Offsets count from the end of the header, whose length is stored in the first eight bytes.
        let start = header + size_of::<u64>();
        let mut tensors = BTreeMap::new();
        for (name, info) in metadata.tensors() {
            let format = match info.dtype {
                Dtype::F32 => NumberFormat::F32,
                Dtype::F16 => NumberFormat::F16,
                Dtype::BF16 => NumberFormat::Bf16,
                // Old checkpoints store position ids, which are not weights.
                Dtype::I64 | Dtype::I32 => continue,
                other => return Err(invalid(&name, format!("tensors of type {other:?} are not supported"))),
            };
            let (from, to) = info.data_offsets;
            let range = start + from..start + to;
            let name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias");
            let region = Region { file: bytes.clone(), range, format, shape: info.shape.clone() };
            tensors.insert(name, Stored::Bytes(region));
        }
        Ok(Self { file: file.into(), tensors: Arc::new(tensors), device: device.clone(), prefix: String::new() })
    }

    /// Wraps tensors that are in memory, all on the same device; `file` names them in errors.
    pub fn from_tensors(tensors: BTreeMap<String, Tensor>, file: &str) -> Self {
        let device = tensors.values().next().map_or(Device::Cpu, |tensor| tensor.device().clone());
        let tensors = tensors.into_iter().map(|(name, tensor)| (name, Stored::Tensor(tensor))).collect();
        Self { file: file.into(), tensors: Arc::new(tensors), device, prefix: String::new() }
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
            stored @ Stored::Bytes(_) => {
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
        Self { tensors: Arc::new(tensors), ..self.clone() }
    }

    /// Iterates over all tensors with their full names, in the order of the names. An item is an error if the device
    /// fails.
    pub fn tensors(&self) -> impl Iterator<Item = Result<(&str, Tensor)>> {
        self.tensors.iter().map(|(name, stored)| Ok((name.as_str(), stored.tensor(&self.device)?)))
    }

    /// Returns the SHA-256 of the weights file in hexadecimal, as `sha256sum` prints it. For tensors from memory,
    /// returns the hash of their values.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sha256(&self) -> Result<String> {
        let mut hash = Sha256::new();
        match self.tensors.values().find_map(|stored| match stored {
            Stored::Bytes(region) => Some(&region.file),
            Stored::Tensor(_) => None,
        }) {
            Some(file) => hash.update((**file).as_ref()),
            None => {
                for tensor in self.tensors() {
                    let values = tensor?.1.flatten_all()?.to_vec1::<f32>()?;
                    values.iter().for_each(|value| hash.update(value.to_le_bytes()));
                }
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns the number of values in all tensors.
    pub fn parameters(&self) -> usize {
        self.tensors.values().map(|stored| stored.shape().iter().product::<usize>()).sum()
    }
}
