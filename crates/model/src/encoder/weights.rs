//! Tensors by checkpoint name: read from safetensors, checked against the shape that the configuration asks for.

use crate::error::{ModelError, Result};
use candle_core::{Device, Tensor, Var};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tensors of a checkpoint in f32, seen from one of its name prefixes.
#[derive(Clone)]
pub struct Weights {
    file: Arc<str>,
    tensors: Arc<BTreeMap<String, Tensor>>,
    prefix: String,
}

impl Weights {
    /// Reads the contents of a safetensors file and widens f16 and bf16 to f32; `file` names it in errors.
    ///
    /// The old names `LayerNorm.gamma` and `LayerNorm.beta` are read as `weight` and `bias`.
    ///
    /// # Errors
    /// If the bytes are not safetensors, or a tensor is not of floating-point type.
    pub fn from_bytes(bytes: &[u8], file: &str, device: &Device) -> Result<Self> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        let parsed = SafeTensors::deserialize(bytes).map_err(|e| invalid("header", e.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in parsed.tensors() {
            let values = match view.dtype() {
                Dtype::F32 => {
                    view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
                }
                Dtype::F16 => widen(view.data(), f16::from_le_bytes),
                Dtype::BF16 => widen(view.data(), bf16::from_le_bytes),
                // Position ids, which old checkpoints carry, are no weights.
                Dtype::I64 | Dtype::I32 => continue,
                other => return Err(invalid(&name, format!("tensors of type {other:?} are not supported"))),
            };
            let name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias");
            tensors.insert(name, Tensor::from_vec(values, view.shape(), device)?);
        }
        Ok(Self::from_tensors(tensors, file))
    }

    /// Tensors that are in memory already.
    pub fn from_tensors(tensors: BTreeMap<String, Tensor>, file: &str) -> Self {
        Self { file: file.into(), tensors: Arc::new(tensors), prefix: String::new() }
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
        self.tensors.get(&self.path(name)).map(|t| t.dims())
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
    /// [`ModelError::MissingTensor`] or [`ModelError::WrongShape`].
    pub fn get_shaped(&self, shape: &[usize], name: &str) -> Result<Tensor> {
        let name = self.path(name);
        let file = || self.file.to_string();
        match self.tensors.get(&name) {
            None => Err(ModelError::MissingTensor { file: file(), name }),
            Some(tensor) if tensor.dims() != shape => Err(ModelError::WrongShape {
                file: file(),
                name,
                found: tensor.dims().to_vec(),
                expected: shape.to_vec(),
                asked_by: if self.prefix.starts_with("heads.") { "newsdesk.toml" } else { "config.json" },
            }),
            Some(tensor) => Ok(tensor.clone()),
        }
    }

    /// The same tensors with one replaced or added, by its whole name.
    pub fn with(&self, name: &str, tensor: Tensor) -> Self {
        let mut tensors = (*self.tensors).clone();
        tensors.insert(name.into(), tensor);
        Self { tensors: Arc::new(tensors), ..self.clone() }
    }

    /// All tensors with their whole names.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }
}

/// Widens little-endian 16-bit numbers, a block at a time so that the conversion can use vector instructions
/// whatever the alignment of the bytes.
fn widen<T: Copy + Default>(bytes: &[u8], read: impl Fn([u8; 2]) -> T) -> Vec<f32>
where
    [T]: HalfFloatSliceExt,
{
    const BLOCK: usize = 4096;
    let mut narrow = [T::default(); BLOCK];
    let mut wide = vec![0f32; bytes.len() / 2];
    for (out, block) in wide.chunks_mut(BLOCK).zip(bytes.chunks(2 * BLOCK)) {
        for (value, pair) in narrow.iter_mut().zip(block.chunks_exact(2)) {
            *value = read([pair[0], pair[1]]);
        }
        narrow[..out.len()].convert_to_f32_slice(out);
    }
    wide
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
        for (name, tensor) in weights.tensors() {
            variables.insert(name.clone(), Var::from_tensor(tensor)?);
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
