//! Tensors by checkpoint name: read from safetensors when they are asked for, and checked against the shape that the
//! configuration asks for.

use crate::error::{ModelError, Result};
use candle_core::{CpuStorage, Device, Layout, Tensor, Var};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The tensors of a checkpoint, seen from one of its name prefixes. A tensor of a file stays as bytes until it is asked
/// for, so that each user widens what it needs, once, into the form it needs.
#[derive(Clone)]
pub struct Weights {
    file: Arc<str>,
    tensors: Arc<BTreeMap<String, Stored>>,
    device: Device,
    prefix: String,
}

/// The contents of a weights file: in memory, in the program, or mapped from disk.
type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

#[derive(Clone)]
enum Stored {
    Tensor(Tensor),
    Bytes(Region),
}

/// A tensor's place in a file.
#[derive(Clone)]
struct Region {
    bytes: Bytes,
    place: Range<usize>,
    kind: Kind,
    shape: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    F32,
    F16,
    Bf16,
}

impl Kind {
    fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Widens little-endian numbers into as many floats.
    fn widen(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Self::F32 => out
                .iter_mut()
                .zip(bytes.as_chunks::<4>().0)
                .for_each(|(value, bytes)| *value = f32::from_le_bytes(*bytes)),
            Self::F16 => widen(bytes, f16::from_le_bytes, out),
            Self::Bf16 => widen(bytes, bf16::from_le_bytes, out),
        }
    }
}

impl Region {
    fn bytes(&self) -> &[u8] {
        &(*self.bytes).as_ref()[self.place.clone()]
    }
}

impl Stored {
    fn shape(&self) -> &[usize] {
        match self {
            Self::Tensor(tensor) => tensor.dims(),
            Self::Bytes(region) => &region.shape,
        }
    }

    fn tensor(&self, device: &Device) -> Result<Tensor> {
        match self {
            Self::Tensor(tensor) => Ok(tensor.clone()),
            Self::Bytes(region) => {
                let mut values = vec![0f32; region.shape.iter().product()];
                region.kind.widen(region.bytes(), &mut values);
                Ok(Tensor::from_vec(values, region.shape.as_slice(), device)?)
            }
        }
    }

    /// Appends the values in row-major order.
    fn read(&self, out: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Tensor(tensor) => out.extend(tensor.flatten_all()?.to_vec1::<f32>()?),
            Self::Bytes(region) => {
                let start = out.len();
                out.resize(start + region.shape.iter().product::<usize>(), 0.0);
                region.kind.widen(region.bytes(), &mut out[start..]);
            }
        }
        Ok(())
    }
}

/// A matrix whose rows are read one at a time, from wherever they are stored.
pub struct Table {
    rows: Rows,
    width: usize,
}

enum Rows {
    Values(Vec<f32>),
    Stored(Region),
}

impl Table {
    /// Copies a row.
    ///
    /// # Panics
    /// If there is no such row, or `out` has another length.
    pub fn row(&self, number: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.width, "table: a row has another width");
        match &self.rows {
            Rows::Values(values) => out.copy_from_slice(&values[number * self.width..(number + 1) * self.width]),
            Rows::Stored(region) => {
                let size = self.width * region.kind.size();
                region.kind.widen(&region.bytes()[number * size..(number + 1) * size], out);
            }
        }
    }
}

impl Weights {
    /// Reads the contents of a safetensors file; `file` names it in errors. What it holds becomes f32 on `device` when it
    /// is asked for.
    ///
    /// The old names `LayerNorm.gamma` and `LayerNorm.beta` are read as `weight` and `bias`.
    ///
    /// # Errors
    /// If the bytes are not safetensors, or a tensor is not of floating-point type.
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static, file: &str, device: &Device) -> Result<Self> {
        let bytes: Bytes = Arc::new(bytes);
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        // Says where each tensor stands after the header, whose length the first eight bytes hold.
        let (header, metadata) =
            SafeTensors::read_metadata((*bytes).as_ref()).map_err(|e| invalid("header", e.to_string()))?;
        let start = header + size_of::<u64>();
        let mut tensors = BTreeMap::new();
        for (name, info) in metadata.tensors() {
            let kind = match info.dtype {
                Dtype::F32 => Kind::F32,
                Dtype::F16 => Kind::F16,
                Dtype::BF16 => Kind::Bf16,
                // Position ids, which old checkpoints carry, are no weights.
                Dtype::I64 | Dtype::I32 => continue,
                other => return Err(invalid(&name, format!("tensors of type {other:?} are not supported"))),
            };
            let (from, to) = info.data_offsets;
            let place = start + from..start + to;
            let name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias");
            let region = Region { bytes: bytes.clone(), place, kind, shape: info.shape.clone() };
            tensors.insert(name, Stored::Bytes(region));
        }
        Ok(Self { file: file.into(), tensors: Arc::new(tensors), device: device.clone(), prefix: String::new() })
    }

    /// Tensors that are in memory already, on one device.
    pub fn from_tensors(tensors: BTreeMap<String, Tensor>, file: &str) -> Self {
        let device = tensors.values().next().map_or(Device::Cpu, |tensor| tensor.device().clone());
        let tensors = tensors.into_iter().map(|(name, tensor)| (name, Stored::Tensor(tensor))).collect();
        Self { file: file.into(), tensors: Arc::new(tensors), device, prefix: String::new() }
    }

    /// The device of the tensors.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same tensors, seen from a longer prefix: `pp("encoder.layer").pp(0)`.
    pub fn pp(&self, name: impl std::fmt::Display) -> Self {
        let prefix = if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) };
        Self { prefix, ..self.clone() }
    }

    fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.into() } else { format!("{}.{name}", self.prefix) }
    }

    /// Whether there is a tensor of this name under the prefix.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(&self.path(name))
    }

    /// The shape of a tensor, if it is there.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(&self.path(name)).map(Stored::shape)
    }

    /// The tensor of this name and shape.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`] or [`ModelError::WrongShape`].
    pub fn get<const N: usize>(&self, shape: [usize; N], name: &str) -> Result<Tensor> {
        self.get_shaped(&shape, name)
    }

    /// As [`Weights::get`], for a shape that is known at run time only.
    ///
    /// # Errors
    /// As [`Weights::get`].
    pub fn get_shaped(&self, shape: &[usize], name: &str) -> Result<Tensor> {
        self.find(shape, name)?.tensor(&self.device)
    }

    /// Appends the values of the tensor of this name and shape, in row-major order.
    ///
    /// # Errors
    /// As [`Weights::get`].
    pub fn read(&self, shape: &[usize], name: &str, out: &mut Vec<f32>) -> Result<()> {
        self.find(shape, name)?.read(out)
    }

    /// Calls `f` with the values of the tensor of this name and shape, in row-major order.
    ///
    /// # Errors
    /// As [`Weights::get`], and if the tensor is not on the processor.
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

    /// The matrix of this name and shape, to be read by rows.
    ///
    /// # Errors
    /// As [`Weights::get`].
    pub fn table(&self, shape: [usize; 2], name: &str) -> Result<Table> {
        let rows = match self.find(&shape, name)? {
            Stored::Bytes(region) => Rows::Stored(region.clone()),
            stored @ Stored::Tensor(_) => {
                let mut values = vec![];
                stored.read(&mut values)?;
                Rows::Values(values)
            }
        };
        Ok(Table { rows, width: shape[1] })
    }

    fn find(&self, shape: &[usize], name: &str) -> Result<&Stored> {
        let name = self.path(name);
        let file = || self.file.to_string();
        // Heads, and all of a linear model, are described by the manifest.
        let by_manifest = name.starts_with("heads.") || name == crate::linear::SQUARES;
        let asked_by = if by_manifest { "newsdesk.toml" } else { "config.json" };
        match self.tensors.get(&name) {
            None => Err(ModelError::MissingTensor { file: file(), name }),
            Some(stored) if stored.shape() != shape => Err(ModelError::WrongShape {
                file: file(),
                name,
                found: stored.shape().to_vec(),
                expected: shape.to_vec(),
                asked_by,
            }),
            Some(stored) => Ok(stored),
        }
    }

    /// The same tensors with one replaced or added, by its whole name.
    pub fn with(&self, name: &str, tensor: Tensor) -> Self {
        let mut tensors = (*self.tensors).clone();
        tensors.insert(name.into(), Stored::Tensor(tensor));
        Self { tensors: Arc::new(tensors), ..self.clone() }
    }

    /// The same tensors under other names.
    pub fn renamed(&self, rename: impl Fn(&str) -> String) -> Self {
        let tensors = self.tensors.iter().map(|(name, stored)| (rename(name), stored.clone())).collect();
        Self { tensors: Arc::new(tensors), ..self.clone() }
    }

    /// All tensors with their whole names, in name order.
    ///
    /// # Errors
    /// Each one, if the device fails.
    pub fn tensors(&self) -> impl Iterator<Item = Result<(&str, Tensor)>> {
        self.tensors.iter().map(|(name, stored)| Ok((name.as_str(), stored.tensor(&self.device)?)))
    }

    /// SHA-256 of the file that the tensors came from, in hexadecimal, as `sha256sum` says it. Tensors that came from no file
    /// are hashed as their file would be without its header.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sha256(&self) -> Result<String> {
        let mut hash = Sha256::new();
        match self.tensors.values().find_map(|stored| match stored {
            Stored::Bytes(region) => Some(&region.bytes),
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

    /// Number of values in all tensors.
    pub fn parameters(&self) -> usize {
        self.tensors.values().map(|stored| stored.shape().iter().product::<usize>()).sum()
    }
}

/// Calls `f` with the values of a tensor on the processor, in row-major order.
pub(crate) fn with_values<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(storage) => Ok(f(values(storage, layout)?)),
        _ => candle_core::bail!("a tensor of the processor was expected"),
    }
}

/// The values of a contiguous f32 tensor.
pub(crate) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let (start, end) = layout.contiguous_offsets().ok_or(candle_core::Error::RequiresContiguous { op: "newsdesk" })?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Widens little-endian 16-bit numbers, a block at a time so that the conversion can use vector instructions
/// whatever the alignment of the bytes.
fn widen<T: Copy + Default>(bytes: &[u8], read: impl Fn([u8; 2]) -> T, wide: &mut [f32])
where
    [T]: HalfFloatSliceExt,
{
    const BLOCK: usize = 512;
    let mut narrow = [T::default(); BLOCK];
    for (out, block) in wide.chunks_mut(BLOCK).zip(bytes.chunks(2 * BLOCK)) {
        for (value, pair) in narrow.iter_mut().zip(block.chunks_exact(2)) {
            *value = read([pair[0], pair[1]]);
        }
        narrow[..out.len()].convert_to_f32_slice(out);
    }
}

/// Trainable tensors by name. The same names as in the checkpoint, so that what is trained can be saved.
#[derive(Default)]
pub struct Variables {
    variables: BTreeMap<String, Var>,
}

impl Variables {
    /// Copies `weights` into variables.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn copy_of(weights: &Weights) -> Result<Self> {
        let mut variables = BTreeMap::new();
        for tensor in weights.tensors() {
            let (name, tensor) = tensor?;
            variables.insert(name.into(), Var::from_tensor(&tensor)?);
        }
        Ok(Self { variables })
    }

    /// Adds a variable or replaces it.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn insert(&mut self, name: &str, tensor: &Tensor) -> Result<()> {
        self.variables.insert(name.into(), Var::from_tensor(tensor)?);
        Ok(())
    }

    /// Leaves out the variables whose names `keep` refuses.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.variables.retain(|name, _| keep(name));
    }

    /// The variable of this name.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`].
    pub fn get(&self, name: &str) -> Result<&Var> {
        let missing = || ModelError::MissingTensor { file: "the variables in training".into(), name: name.into() };
        self.variables.get(name).ok_or_else(missing)
    }

    /// Names and variables, in name order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.variables.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// The variables as weights: what is built from these is trained when the variables are.
    pub fn weights(&self) -> Weights {
        let tensors = self.variables.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
        Weights::from_tensors(tensors, "the variables in training")
    }

    /// The variables' present values, as weights that no longer change.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn snapshot(&self) -> Result<Weights> {
        let mut tensors = BTreeMap::new();
        for (name, variable) in &self.variables {
            tensors.insert(name.clone(), variable.as_tensor().copy()?.detach());
        }
        Ok(Weights::from_tensors(tensors, "the variables in training"))
    }
}
