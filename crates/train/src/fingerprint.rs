//! The fingerprint of a run: everything that decides its result. A run resumes only from a checkpoint with the same one.
//!
//! Texts that are hashed here must not change: otherwise a checkpoint of an earlier version would be refused.

use crate::error::Result;
use crate::setting_names;
use crate::settings::Settings;
use newsdesk_data::{GoldLabels, LabelId, LabelledSet, StableHash};
use newsdesk_model::{Head, HeadActivation, HeadLabel, Model};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Everything that decides the result of a run. Two runs with the same fingerprint give the same model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// The name of the base, a fingerprint of its weights, and its pooling.
    base: String,
    /// The heads, each with a hash of its labels.
    heads: Vec<String>,
    /// The names of the training sets, and a hash of every labelled article in them.
    training: String,
    /// The same for the validation sets.
    validation: String,
    /// The teachers, each with a hash.
    teachers: Vec<String>,
    /// All settings that matter.
    #[serde(deserialize_with = "setting_names::deserialize")]
    settings: Value,
}

impl Fingerprint {
    /// Returns the fingerprint of a run. `teachers` are lines with a hash for each.
    pub(crate) fn new(
        base: &Model,
        heads: &[Head],
        training: &[LabelledSet],
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
            training: description(training),
            validation: description(validation),
            teachers: teachers.to_vec(),
            settings: serde_json::to_value(settings).unwrap_or_default(),
        })
    }

    /// Returns a hash of the whole fingerprint.
    pub(crate) fn hash(&self) -> String {
        let hashed = Self { settings: setting_names::original(&self.settings), ..self.clone() };
        let text = serde_json::to_string(&hashed).unwrap_or_default();
        format!("{:016x}", StableHash::new().with(text.as_bytes()).value())
    }

    /// Returns how `self`, read from a checkpoint, differs from the fingerprint of this run. Each difference is one clause.
    pub(crate) fn differences(&self, run: &Self) -> Vec<String> {
        let lists = |list: &[String]| if list.is_empty() { "none".to_string() } else { list.join(", ") };
        let pairs = [
            ("base", self.base.clone(), run.base.clone()),
            ("heads", lists(&self.heads), lists(&run.heads)),
            ("training rows", self.training.clone(), run.training.clone()),
            ("validation rows", self.validation.clone(), run.validation.clone()),
            ("teachers", lists(&self.teachers), lists(&run.teachers)),
        ];
        let pairs = pairs.into_iter().map(|(what, checkpoint, run)| (what.to_string(), checkpoint, run));
        let tables = self.settings.as_object().into_iter().chain(run.settings.as_object());
        let names: BTreeSet<&String> = tables.flatten().map(|(name, _)| name).collect();
        let value =
            |settings: &Value, name: &String| settings.get(name).map_or_else(|| "none".into(), Value::to_string);
        let settings =
            names.into_iter().map(|name| (name.clone(), value(&self.settings, name), value(&run.settings, name)));
        let differing = pairs.chain(settings).filter(|(_, checkpoint, run)| checkpoint != run);
        differing.map(|(what, checkpoint, run)| format!("{what}: {checkpoint} there, {run} here")).collect()
    }
}

/// Returns the names of data sets, and a hash of their texts and gold labels.
fn description(sets: &[LabelledSet]) -> String {
    let articles = sets.iter().flat_map(|set| &set.articles);
    let hash = articles.fold(StableHash::new(), |hash, row| {
        hash.with(row.article.input().as_bytes()).with(gold_labels_text(&row.gold_labels).as_bytes())
    });
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    format!("{} ({:016x})", names.join(", "), hash.value())
}

/// Returns the gold labels of an article as text, such as `[Some(One(LabelId(2))), None]`.
fn gold_labels_text(gold_labels: &[Option<GoldLabels>]) -> String {
    let ids = |labels: &[LabelId]| {
        let ids: Vec<String> = labels.iter().map(|label| format!("LabelId({})", label.0)).collect();
        ids.join(", ")
    };
    let head = |gold_labels: &Option<GoldLabels>| match gold_labels {
        None => "None".to_string(),
        Some(GoldLabels::One(label)) => format!("Some(One({}))", ids(&[*label])),
        Some(GoldLabels::AnyOf(labels)) => format!("Some(AnyOf([{}]))", ids(labels)),
        Some(GoldLabels::All(labels)) => format!("Some(All([{}]))", ids(labels)),
    };
    format!("[{}]", gold_labels.iter().map(head).collect::<Vec<_>>().join(", "))
}

/// Returns the heads of a teacher as text, in the notation of Rust.
pub(crate) fn heads_text(heads: &[Head]) -> String {
    let label = |HeadLabel { name, code, threshold }: &HeadLabel| {
        format!("HeadLabel {{ name: {name:?}, code: {code:?}, threshold: {threshold:?} }}")
    };
    let head = |Head { name, activation, temperature, labels }: &Head| {
        let activation = match activation {
            HeadActivation::Softmax => "Softmax",
            HeadActivation::Sigmoid => "Sigmoid",
            HeadActivation::None => "None",
        };
        let labels = labels.iter().map(label).collect::<Vec<_>>().join(", ");
        format!("Head {{ name: {name:?}, activation: {activation}, temperature: {temperature:?}, labels: [{labels}] }}")
    };
    format!("[{}]", heads.iter().map(head).collect::<Vec<_>>().join(", "))
}

/// Returns a fingerprint of a model's weights: a hash of the tensors' sums, not a checksum of the file.
pub(crate) fn weights_hash(model: &Model) -> Result<StableHash> {
    let mut hash = StableHash::new();
    // Under the names of the file, as in earlier versions, so that their runs can be resumed.
    for tensor in model.layout.stored_weights(&model.weights)?.tensors() {
        let (name, tensor) = tensor?;
        hash = hash.with(name.as_bytes());
        // The sums of the tensors tell models apart well enough, and are fast to compute.
        hash = hash.with(&tensor.sum_all()?.to_scalar::<f32>()?.to_le_bytes());
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    /// A fingerprint as the first version wrote it into a checkpoint, and its hash then.
    const ORIGINAL: &str = r#"{"base":"tiny (00) by cls","heads":["h, softmax (00)"],"training":"a (00)","validation":"b (00)",
        "teachers":[],"settings":{"epochs":3,"learning_rate":0.001,"head_rate_factor":1.0,"warmup":0.1,"schedule":"linear",
        "layer_decay":1.0,"label_smoothing":0.0,"focal":1.0,"class_weights":"auto","freeze":"nothing","patience":0,
        "weight_decay":0.01,"clip":0.5,"batch_size":32,"micro_batch":16,"rows_per_epoch":0,"set_weights":{},"length":32,
        "window":{"length":64,"stride":48,"combine":"mean"},"seed":1}}"#;

    #[test]
    fn a_fingerprint_of_the_first_version_keeps_its_hash_and_equals_the_current_one() {
        let compact = serde_json::from_str::<Value>(ORIGINAL).unwrap().to_string();
        let read: Fingerprint = serde_json::from_str(ORIGINAL).unwrap();
        assert_eq!(read.hash(), format!("{:016x}", StableHash::new().with(compact.as_bytes()).value()));
        let current: Fingerprint = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
        assert_eq!((&current, current.differences(&read).len()), (&read, 0));
        assert_eq!((&current.settings["overlap"], &current.settings["max_train_length"]), (&json!(16), &json!(32)));
        let mut other = current.clone();
        other.settings["max_grad_norm"] = json!(1.0);
        assert_eq!(read.differences(&other), ["max_grad_norm: 0.5 there, 1.0 here"]);
    }

    #[test]
    fn hashed_texts_are_those_of_the_first_version() {
        let ids = |ids: &[u32]| ids.iter().map(|&id| LabelId(id)).collect::<Vec<_>>();
        let gold_labels = [
            Some(GoldLabels::One(LabelId(2))),
            None,
            Some(GoldLabels::AnyOf(ids(&[0, 3]))),
            Some(GoldLabels::All(ids(&[]))),
        ];
        assert_eq!(
            gold_labels_text(&gold_labels),
            "[Some(One(LabelId(2))), None, Some(AnyOf([LabelId(0), LabelId(3)])), Some(All([]))]"
        );
        let label = |code: Option<&str>, threshold| HeadLabel {
            name: "a \"b\"".into(),
            code: code.map(str::to_string),
            threshold,
        };
        let labels = vec![label(Some("c"), None), label(None, Some(0.5))];
        let head = Head { name: "h".into(), activation: HeadActivation::Sigmoid, temperature: 1.0, labels };
        let expected = r#"[Head { name: "h", activation: Sigmoid, temperature: 1.0, labels: [HeadLabel { name: "a \"b\"", code: Some("c"), threshold: None }, HeadLabel { name: "a \"b\"", code: None, threshold: Some(0.5) }] }]"#;
        assert_eq!(heads_text(&[head]), expected);
    }
}
