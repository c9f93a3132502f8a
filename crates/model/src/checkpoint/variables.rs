//! The variables of training.

use super::weights::Weights;
use crate::error::{ModelError, Result};
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

/// The name of the variables in errors, in place of a file.
const ORIGIN: &str = "the training variables";

/// Trainable tensors under the names of the checkpoint, so that the trained ones can be saved.
#[derive(Default)]
pub struct Variables {
    variables: BTreeMap<String, Var>,
}

impl Variables {
    /// Copies weights into variables.
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

    /// Adds or replaces a variable.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn insert(&mut self, name: &str, tensor: &Tensor) -> Result<()> {
        self.variables.insert(name.into(), Var::from_tensor(tensor)?);
        Ok(())
    }

    /// Keeps only the variables for whose names `keep` returns true.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.variables.retain(|name, _| keep(name));
    }

    /// Returns the variable of this name.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`] if there is none.
    pub fn get(&self, name: &str) -> Result<&Var> {
        let missing = || ModelError::MissingTensor { file: ORIGIN.into(), name: name.into() };
        self.variables.get(name).ok_or_else(missing)
    }

    /// Iterates over names and variables, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.variables.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// Returns the variables as weights. Training the variables trains every network built from these weights.
    pub fn weights(&self) -> Weights {
        let tensors = self.variables.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
        Weights::from_tensors(tensors, ORIGIN)
    }

    /// Copies the current values into weights that no longer change.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn snapshot(&self) -> Result<Weights> {
        let mut tensors = BTreeMap::new();
        for (name, variable) in &self.variables {
            tensors.insert(name.clone(), variable.as_tensor().copy()?.detach());
        }
        Ok(Weights::from_tensors(tensors, ORIGIN))
    }
}
