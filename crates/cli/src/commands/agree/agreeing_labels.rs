//! Which labels of two models mean the same: those of the same name, and those that `--label-map` maps to each other.

use super::loaded_model::LoadedModel;
use crate::data_sets::label_map;
use crate::failure::Usage;
use anyhow::Result;
use std::collections::BTreeSet;
use std::path::Path;

/// Pairs of labels that agree, in either order.
#[derive(Debug, Clone, Default)]
pub struct AgreeingLabels(BTreeSet<(String, String)>);

impl AgreeingLabels {
    /// Reads the file of `--label-map`; without one, only equal labels agree.
    ///
    /// # Errors
    /// If the file cannot be read, or has a label that no model predicts.
    pub fn open(path: Option<&Path>, models: &[LoadedModel]) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let heads = models.iter().flat_map(|model| model.classifier.heads());
        let known: BTreeSet<String> = heads.flat_map(|head| head.names()).collect();
        let mut pairs = BTreeSet::new();
        for (one, others) in label_map(path)? {
            if let Some(label) = others.iter().chain([&one]).find(|label| !known.contains(*label)) {
                let message =
                    format!("cannot use the label map `{}`: no model has the label `{label}`", path.display());
                let hint = "write labels as `newsdesk models info MODEL` shows them";
                return Err(Usage::new(message, hint).into());
            }
            pairs.extend(others.into_iter().map(|other| (one.clone(), other)));
        }
        Ok(Self(pairs))
    }

    /// Returns whether two predictions agree.
    pub fn agree(&self, one: &str, other: &str) -> bool {
        let has = |one: &str, other: &str| self.0.contains(&(one.to_owned(), other.to_owned()));
        one == other || (!self.0.is_empty() && (has(one, other) || has(other, one)))
    }
}
