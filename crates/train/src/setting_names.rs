//! Settings as earlier versions wrote them, with other names. Checkpoints and logs of such runs can still be resumed.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// Earlier and current names, where they differ. The window was a table of its own: see [`current_window`].
const RENAMED: [(&str, &str); 8] = [
    ("head_rate_factor", "head_lr_multiplier"),
    ("warmup", "warmup_ratio"),
    ("schedule", "lr_scheduler"),
    ("layer_decay", "layer_lr_decay"),
    ("focal", "focal_gamma"),
    ("clip", "max_grad_norm"),
    ("micro_batch", "micro_batch_size"),
    ("length", "max_train_length"),
];

/// Earlier and current names within `distillation`.
const RENAMED_DISTILLATION: [(&str, &str); 1] = [("fills", "include_unlabelled")];

/// Deserializes settings and converts earlier names to current ones.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Ok(current(&Value::deserialize(deserializer)?))
}

/// Returns settings with the current names.
pub(crate) fn current(settings: &Value) -> Value {
    let Some(settings) = settings.as_object() else { return settings.clone() };
    let mut current = Map::new();
    for (name, value) in settings {
        match name.as_str() {
            "window" => current.extend(current_window(value)),
            "distillation" => {
                current.insert(name.clone(), rename(value, |key| lookup(&RENAMED_DISTILLATION, key)));
            }
            "class_weights" if value == "auto" => {
                current.insert(name.clone(), "balanced".into());
            }
            _ => {
                current.insert(lookup(&RENAMED, name).into(), value.clone());
            }
        }
    }
    current.into()
}

/// Returns settings with the names and in the order of the first version, over which a run's fingerprint is hashed. So the
/// hash of a run does not change when settings are renamed.
pub(crate) fn original(settings: &Value) -> Value {
    let Some(settings) = settings.as_object() else { return settings.clone() };
    let mut original = Map::new();
    for (name, value) in settings {
        match name.as_str() {
            "max_length" => {
                original.insert("window".into(), original_window(settings));
            }
            "overlap" | "combine" => {}
            "distillation" => {
                original.insert(name.clone(), rename(value, |key| reverse_lookup(&RENAMED_DISTILLATION, key)));
            }
            "class_weights" if value == "balanced" => {
                original.insert(name.clone(), "auto".into());
            }
            _ => {
                original.insert(reverse_lookup(&RENAMED, name).into(), value.clone());
            }
        }
    }
    original.into()
}

/// Converts `{"length", "stride", "combine"}`. The stride was the step from one window to the next.
fn current_window(window: &Value) -> Map<String, Value> {
    let (length, stride) = (window["length"].as_u64(), window["stride"].as_u64());
    let overlap = length.zip(stride).map(|(length, stride)| length.saturating_sub(stride));
    let entries = [("max_length", json!(length)), ("overlap", json!(overlap)), ("combine", window["combine"].clone())];
    entries.map(|(name, value)| (name.to_string(), value)).into_iter().collect()
}

fn original_window(settings: &Map<String, Value>) -> Value {
    let number = |name: &str| settings.get(name).and_then(Value::as_u64).unwrap_or_default();
    let length = number("max_length");
    json!({"length": length, "stride": length.saturating_sub(number("overlap")), "combine": settings.get("combine")})
}

fn rename(table: &Value, name: impl Fn(&str) -> &str) -> Value {
    match table.as_object() {
        Some(entries) => entries.iter().map(|(key, value)| (name(key).to_string(), value.clone())).collect(),
        None => table.clone(),
    }
}

fn lookup<'a>(names: &[(&'static str, &'static str)], name: &'a str) -> &'a str {
    names.iter().find(|(earlier, _)| *earlier == name).map_or(name, |(_, current)| current)
}

fn reverse_lookup<'a>(names: &[(&'static str, &'static str)], name: &'a str) -> &'a str {
    names.iter().find(|(_, current)| *current == name).map_or(name, |(earlier, _)| earlier)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::settings::Settings;

    /// Settings as the first version wrote them.
    const ORIGINAL: &str = r#"{"epochs":3,"learning_rate":0.00005,"head_rate_factor":2.0,"warmup":0.06,"schedule":"cosine",
        "layer_decay":0.9,"label_smoothing":0.1,"focal":1.0,"class_weights":"auto",
        "distillation":{"weight":0.5,"temperature":2.0,"fills":true},"freeze":{"layers":2},"patience":1,"weight_decay":0.01,
        "clip":1.0,"batch_size":32,"micro_batch":16,"rows_per_epoch":0,"set_weights":{"a":2.0},"length":160,
        "window":{"length":256,"stride":192,"combine":"mean"},"seed":7}"#;

    #[test]
    fn earlier_names_are_converted_to_current_ones() {
        let original: Value = serde_json::from_str(ORIGINAL).unwrap();
        let current = current(&original);
        let settings: Settings = serde_json::from_value(current.clone()).unwrap();
        assert_eq!((settings.max_length, settings.overlap, settings.max_train_length), (256, 64, 160));
        assert_eq!((settings.warmup_ratio, settings.max_grad_norm, settings.micro_batch_size), (0.06, 1.0, 16));
        assert!(settings.distillation.unwrap().include_unlabelled);
        assert_eq!(serde_json::to_value(&settings).unwrap(), current);
        assert_eq!(self::current(&current), current);
    }

    #[test]
    fn current_settings_have_the_text_of_the_first_version() {
        let compact = serde_json::from_str::<Value>(ORIGINAL).unwrap().to_string();
        let settings: Settings = serde_json::from_value(current(&serde_json::from_str(ORIGINAL).unwrap())).unwrap();
        assert_eq!(original(&serde_json::to_value(settings).unwrap()).to_string(), compact);
    }
}
