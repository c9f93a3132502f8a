//! Changes in the weights of a model.

use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A safetensors file: 8 bytes with the length of the header, the header as JSON, and the bytes of the tensors.
pub struct Weights {
    path: PathBuf,
    pub header: Map<String, Value>,
    data: Vec<u8>,
}

impl Weights {
    /// Reads the weights of a model folder.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join("model.safetensors");
        let bytes = fs::read(&path).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        Self { path, header, data: bytes[8 + length..].to_vec() }
    }

    pub fn names(&self) -> Vec<&str> {
        self.header.keys().map(String::as_str).filter(|name| *name != "__metadata__").collect()
    }

    /// Returns the bytes of a tensor.
    pub fn bytes(&self, name: &str) -> &[u8] {
        let [start, end] = [0, 1].map(|at| self.header[name]["data_offsets"][at].as_u64().unwrap() as usize);
        &self.data[start..end]
    }

    pub fn rename(&mut self, from: &str, to: &str) -> &mut Self {
        let tensor = self.header.remove(from).unwrap_or_else(|| panic!("no tensor `{from}`"));
        self.header.insert(to.into(), tensor);
        self
    }

    /// Adds a tensor with the first rows of another tensor.
    pub fn copy_rows(&mut self, from: &str, to: &str, rows: usize) -> &mut Self {
        let mut tensor = self.header[from].clone();
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let [start, end] = [0, 1].map(|at| number(&tensor["data_offsets"][at]));
        let bytes = (end - start) / number(&tensor["shape"][0]) * rows;
        tensor["shape"][0] = json!(rows);
        tensor["data_offsets"] = json!([self.data.len(), self.data.len() + bytes]);
        self.data.extend_from_within(start..start + bytes);
        self.header.insert(to.into(), tensor);
        self
    }

    /// Replaces the numbers of a tensor in F32 or BF16, in row-major order, for which `change` returns one.
    pub fn change(&mut self, name: &str, change: impl Fn(usize) -> Option<f32>) -> &mut Self {
        let size = if self.header[name]["dtype"] == "BF16" { 2 } else { 4 };
        let [start, end] = [0, 1].map(|at| self.header[name]["data_offsets"][at].as_u64().unwrap() as usize);
        for (index, number) in self.data[start..end].chunks_exact_mut(size).enumerate() {
            if let Some(value) = change(index) {
                // A BF16 is the upper half of an F32.
                number.copy_from_slice(&value.to_le_bytes()[4 - size..]);
            }
        }
        self
    }

    pub fn save(&self) {
        let header = serde_json::to_vec(&self.header).unwrap();
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_slice(), &self.data].concat();
        fs::write(&self.path, bytes).unwrap();
    }
}
