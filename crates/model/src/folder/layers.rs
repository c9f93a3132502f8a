//! A model with only some of its layers, as a student starts.

use super::open::Model;
use crate::architecture::{Architecture, LayerSpec, config_with_layers};
use crate::error::{ModelError, Result};
use std::collections::BTreeMap;

/// The names of the tensors of a layer begin with this and its number.
const LAYER: &str = "encoder.layer.";

impl Model {
    /// Returns this model with only these layers, given by their numbers from 0. It has other hidden states than this one, so it
    /// must be trained.
    ///
    /// # Errors
    /// [`ModelError::Layers`] if the numbers are not those of layers in ascending order, if layers share their weights, or if a
    /// layer cannot stand at its new place.
    pub fn with_layers(&self, kept: &[usize]) -> Result<Self> {
        let fail = |cause: String| Err(ModelError::Layers { cause });
        let layers = &self.encoder.layers;
        if kept.is_empty() {
            return fail("there is none".into());
        }
        if let Some(number) = kept.iter().find(|&&number| number >= layers.len()) {
            return fail(format!("there is no layer {number}; the last one is {}", layers.len() - 1));
        }
        if let Some(pair) = kept.windows(2).find(|pair| pair[0] >= pair[1]) {
            return fail(format!("{} does not come before {}", pair[0], pair[1]));
        }
        if self.encoder.distinct_layers() < layers.len() {
            return fail("the layers of this model share their weights".into());
        }
        let config_json = config_with_layers(&self.config_json, &self.encoder, kept);
        let Architecture { encoder, layout } = Architecture::from_json(&config_json, "config.json")?;
        let layout = layout.of_file(&self.file)?;
        for (place, (&number, layer)) in kept.iter().zip(&encoder.layers).enumerate() {
            if *layer != (LayerSpec { weights: place, ..layers[number].clone() }) {
                return fail(format!("layer {number} cannot be layer {place} in this architecture"));
            }
        }
        let mut weights = BTreeMap::new();
        for name in self.weights.names() {
            let layer = name.strip_prefix(LAYER).and_then(|rest| rest.split_once('.'));
            let renamed = match layer.and_then(|(number, part)| Some((number.parse::<usize>().ok()?, part))) {
                None => Some(name.to_string()),
                Some((number, part)) => {
                    kept.iter().position(|&kept| kept == number).map(|place| format!("{LAYER}{place}.{part}"))
                }
            };
            if let Some(renamed) = renamed {
                weights.insert(renamed, self.weights.stored(name)?.clone());
            }
        }
        Ok(Self { encoder, layout, config_json, weights: self.weights.with_tensors(weights), ..self.clone() })
    }
}
