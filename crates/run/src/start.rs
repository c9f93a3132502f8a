//! The version, settings and inputs of a run, and how another run differs.

use crate::inputs::InputFile;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;

/// The version, settings and inputs of a run. A resumed run must have the same settings and inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStart {
    /// The version of Newsdesk.
    pub newsdesk: String,
    /// All settings that affect the output, by name.
    #[serde(deserialize_with = "settings")]
    pub settings: Map<String, Value>,
    /// The input files.
    pub inputs: Vec<InputFile>,
    /// The time of the start, as RFC 3339.
    pub started: String,
}

/// The names of settings in older journals and manifests, with the names that they have now.
const RENAMED_SETTINGS: [(&str, &str); 5] = [
    ("precision", "dtype"),
    ("windows", "max_windows"),
    ("mention_field", "target_field"),
    ("mention_start", "target_start"),
    ("mention_end", "target_end"),
];

/// Reads settings and gives those of older versions their current names.
fn settings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let settings = Map::deserialize(deserializer)?;
    let current = |name: String| match RENAMED_SETTINGS.iter().find(|(old, _)| *old == name) {
        Some((_, new)) => (*new).to_owned(),
        None => name,
    };
    Ok(settings.into_iter().map(|(name, value)| (current(name), value)).collect())
}

impl RunStart {
    /// Returns how `now` differs from this. If it does not differ, the run can be resumed.
    pub fn changes(&self, now: &RunStart) -> Vec<RunChange> {
        let mut changes = vec![];
        if self.newsdesk != now.newsdesk {
            changes.push(RunChange::Version { before: self.newsdesk.clone(), now: now.newsdesk.clone() });
        }
        let names: BTreeSet<&String> = self.settings.keys().chain(now.settings.keys()).collect();
        for name in names {
            // An older version may lack a setting. That is the same as a setting that is not given.
            let value = |start: &RunStart| start.settings.get(name).filter(|value| !value.is_null()).cloned();
            let (before, now) = (value(self), value(now));
            if before != now {
                changes.push(RunChange::Setting { name: name.clone(), before, now });
            }
        }
        changes.extend(input_changes(&self.inputs, &now.inputs).into_iter().map(RunChange::Input));
        changes
    }
}

/// A difference between two runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunChange {
    /// The version of Newsdesk differs.
    Version {
        /// The version of the first run.
        before: String,
        /// The version of the second run.
        now: String,
    },
    /// A setting differs.
    Setting {
        /// The name, with underscores.
        name: String,
        /// The value in the first run, if it was given.
        before: Option<Value>,
        /// The value in the second run, if it is given.
        now: Option<Value>,
    },
    /// The inputs differ, as a clause.
    Input(String),
}

impl RunChange {
    /// Returns the change as a clause. `first` and `second` say which run a value belongs to, such as `before` and
    /// `after`.
    pub fn describe(&self, first: &str, second: &str) -> String {
        match self {
            Self::Version { before, now } => format!("version of Newsdesk: {before} {first}, {now} {second}"),
            Self::Setting { name, before, now } => {
                let (before, now) = (shown(before.as_ref()), shown(now.as_ref()));
                format!("{}: {before} {first}, {now} {second}", name.replace('_', " "))
            }
            Self::Input(change) => change.clone(),
        }
    }
}

impl fmt::Display for RunChange {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.describe("in the first run", "now"))
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "not given".into(),
        Some(Value::Bool(true)) => "on".into(),
        Some(Value::Bool(false)) => "off".into(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => value.to_string(),
    }
}

fn input_changes(before: &[InputFile], now: &[InputFile]) -> Vec<String> {
    let names = |inputs: &[InputFile]| inputs.iter().map(|input| input.file.clone()).collect::<Vec<_>>();
    let (old_names, new_names) = (names(before), names(now));
    if old_names == new_names {
        return before.iter().zip(now).filter_map(|(before, now)| now.change_from(before)).collect();
    }
    let change = if let Some(removed) = old_names.iter().find(|name| !new_names.contains(name)) {
        format!("`{removed}` is no longer among the inputs")
    } else if let Some(added) = new_names.iter().find(|name| !old_names.contains(name)) {
        format!("`{added}` was not among the inputs")
    } else {
        "the inputs are in a different order, or their number differs".into()
    };
    vec![change]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn start(settings: Value, files: &[(&str, u64)]) -> RunStart {
        let file =
            |(file, bytes): &(&str, u64)| InputFile { file: (*file).into(), bytes: Some(*bytes), modified: Some(1) };
        RunStart {
            newsdesk: "1".into(),
            settings: settings.as_object().unwrap().clone(),
            inputs: files.iter().map(file).collect(),
            started: "then".into(),
        }
    }

    #[test]
    fn changes_name_settings_and_inputs() {
        let before = start(json!({"dtype": "f32", "text_field": null}), &[("a", 3), ("b", 4)]);
        assert!(before.changes(&before).is_empty());
        let now = start(json!({"dtype": "int8", "text_field": "body"}), &[("a", 3), ("b", 5)]);
        let shown = |now: &RunStart| before.changes(now).iter().map(RunChange::to_string).collect::<Vec<_>>();
        let changes = [
            "dtype: `f32` in the first run, `int8` now",
            "text field: not given in the first run, `body` now",
            "`b` had 4 bytes and has 5",
        ];
        assert_eq!(shown(&now), changes);
        assert_eq!(before.changes(&now)[0].describe("before", "after"), "dtype: `f32` before, `int8` after");
        let inputs = |files: &[(&str, u64)]| shown(&start(json!({"dtype": "f32"}), files));
        assert_eq!(inputs(&[("a", 3)]), ["`b` is no longer among the inputs"]);
        assert_eq!(inputs(&[("a", 3), ("b", 4), ("c", 5)]), ["`c` was not among the inputs"]);
        assert_eq!(inputs(&[("b", 4), ("a", 3)]), ["the inputs are in a different order, or their number differs"]);
        let version = RunStart { newsdesk: "2".into(), ..before.clone() };
        assert_eq!(shown(&version), ["version of Newsdesk: 1 in the first run, 2 now"]);
        let with_scores = |on: bool| start(json!({"dtype": "f32", "scores": on}), &[("a", 3), ("b", 4)]);
        let change = with_scores(false).changes(&with_scores(true))[0].to_string();
        assert_eq!(change, "scores: off in the first run, on now");
    }

    #[test]
    fn settings_of_older_versions_get_their_current_names() {
        let text = r#"{
            "newsdesk": "1",
            "settings": {
                "precision": "int8", "windows": 2, "text_field": "body",
                "mention_field": "who", "mention_start": "from", "mention_end": null
            },
            "inputs": [],
            "started": "then"
        }"#;
        let read: RunStart = serde_json::from_str(text).unwrap();
        let current = json!({
            "dtype": "int8", "max_windows": 2, "text_field": "body", "target_field": "who", "target_start": "from"
        });
        assert_eq!(read.changes(&start(current, &[])), []);
    }
}
