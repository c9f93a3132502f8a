//! What decides the result of a run, so that a run goes on only from what the same run left.

use crate::error::Result;
use crate::settings::Settings;
use crate::teacher::weights_hash;
use newsdesk_data::{LabelledSet, StableHash};
use newsdesk_model::{Head, Model};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// What decides the result of a run. Two runs with the same one give the same model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// Name of the model that training starts from, a hash of its weights, and how it pools.
    base: String,
    /// The heads, each with a hash of its labels.
    heads: Vec<String>,
    /// Names of the sets that are learned from, and a hash of every labelled article in them.
    training: String,
    /// The same of those that the best epoch is chosen by.
    validation: String,
    /// Each teacher with a hash.
    teachers: Vec<String>,
    /// All settings that matter.
    settings: Value,
}

impl Fingerprint {
    pub(crate) fn new(
        base: &Model,
        heads: &[Head],
        sets: &[LabelledSet],
        validation: &[LabelledSet],
        teachers: &[String],
        settings: &Settings,
    ) -> Result<Self> {
        let (name, pooling, weights) = (&base.manifest.name, base.manifest.pooling, weights_hash(base)?.value());
        let head = |head: &Head| {
            let labels = head.labels.iter().fold(StableHash::new(), |hash, label| {
                hash.with(label.name.as_bytes()).with(label.code.as_deref().unwrap_or_default().as_bytes())
            });
            format!("{}, {} ({:016x})", head.name, head.activation, labels.value())
        };
        Ok(Self {
            base: format!("{name} ({weights:016x}) by {pooling}"),
            heads: heads.iter().map(head).collect(),
            training: described(sets),
            validation: described(validation),
            teachers: teachers.to_vec(),
            settings: serde_json::to_value(settings).unwrap_or_default(),
        })
    }

    /// All of it as one number.
    pub(crate) fn hash(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{:016x}", StableHash::new().with(text.as_bytes()).value())
    }

    /// In what a run with another one differs from the run with this one, each as a clause of a sentence.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let lists = |list: &[String]| if list.is_empty() { "none".to_string() } else { list.join(", ") };
        let pairs = [
            ("base", self.base.clone(), other.base.clone()),
            ("heads", lists(&self.heads), lists(&other.heads)),
            ("training rows", self.training.clone(), other.training.clone()),
            ("validation rows", self.validation.clone(), other.validation.clone()),
            ("teachers", lists(&self.teachers), lists(&other.teachers)),
        ];
        let pairs = pairs.into_iter().map(|(what, own, of_other)| (what.to_string(), own, of_other));
        let (own, of_other) = (self.settings.as_object(), other.settings.as_object());
        let names = own.into_iter().chain(of_other).flatten().map(|(name, _)| name);
        let names: BTreeSet<&String> = names.collect();
        let value = |of: &Value, name: &String| of.get(name).map_or_else(|| "none".into(), Value::to_string);
        let settings = names
            .into_iter()
            .map(|name| (name.replace('_', "-"), value(&self.settings, name), value(&other.settings, name)));
        let differing = pairs.chain(settings).filter(|(_, own, of_other)| own != of_other);
        differing.map(|(what, own, of_other)| format!("{what}: {own} there, {of_other} here")).collect()
    }
}

/// Names of sets, and a hash of what is labelled how in them.
fn described(sets: &[LabelledSet]) -> String {
    let articles = sets.iter().flat_map(|set| &set.articles);
    let hash = articles.fold(StableHash::new(), |hash, row| {
        hash.with(row.article.input().as_bytes()).with(format!("{:?}", row.targets).as_bytes())
    });
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    format!("{} ({:016x})", names.join(", "), hash.value())
}
