//! Typed options to checked settings, and back to what they are called on the command line.

use crate::arguments::{Arguments, Command, ScheduleName, Train};
use crate::commands::threads;
use crate::failure::Usage;
use anyhow::Result;
use clap::Parser;
use newsdesk_model::folder::WindowRecord;
use newsdesk_model::{Combine, Model};
use newsdesk_train::{ClassWeights, Distillation, Freeze, Schedule, Settings};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Tokens of a window unless the options say otherwise or the base takes fewer.
const DEFAULT_LENGTH: usize = 256;

/// The settings that the options ask for, on this base.
pub fn settings(options: &Train, base: &Model) -> Result<Settings> {
    let batch_size = options.batch_size.unwrap_or(32);
    // A processor's threads each take a part of a step; a GPU is kept busy by large parts alone.
    let together = if base.weights.device().is_cpu() { 16 } else { batch_size };
    let longest = base.config.max_position_embeddings;
    let window = options.window.unwrap_or(longest.min(DEFAULT_LENGTH));
    let room = window.saturating_sub(base.tokenizer.frame_length()).max(1);
    Ok(Settings {
        epochs: options.epochs.unwrap_or(3),
        learning_rate: options.learning_rate.unwrap_or(5e-5),
        head_rate_factor: options.head_rate_factor,
        warmup: options.warmup,
        schedule: match options.schedule {
            ScheduleName::Linear => Schedule::Linear,
            ScheduleName::Cosine => Schedule::Cosine,
        },
        layer_decay: options.layer_decay,
        label_smoothing: options.label_smoothing,
        focal: options.focal,
        class_weights: class_weights(&options.class_weights)?,
        distillation: (!options.teacher.is_empty()).then(|| distillation(options)),
        freeze: options.freeze.unwrap_or(Freeze::Nothing),
        patience: options.patience,
        weight_decay: options.weight_decay,
        clip: options.clip,
        batch_size,
        micro_batch: options.micro_batch.unwrap_or(together).min(batch_size),
        rows_per_epoch: options.rows_per_epoch,
        set_weights: named_numbers(&options.set_weights, "the set weight", "weights are SET=NUMBER each")?,
        length: options.length.unwrap_or(longest.min(DEFAULT_LENGTH)),
        window: WindowRecord {
            length: window,
            stride: options.stride.unwrap_or((window * 3 / 4).clamp(1, room)),
            combine: Combine::Mean,
        },
        seed: options.seed,
        checkpoint_every: options.checkpoint_every,
        threads: threads(&options.running),
    })
}

fn distillation(options: &Train) -> Distillation {
    Distillation {
        weight: options.teacher_weight.unwrap_or(0.5),
        temperature: options.teacher_temperature.unwrap_or(2.0),
        fills: !options.teacher_labelled_only,
    }
}

/// What `--class-weights` says.
fn class_weights(given: &[String]) -> Result<ClassWeights> {
    match given {
        [] => return Ok(ClassWeights::Equal),
        [auto] if auto == "auto" => return Ok(ClassWeights::Auto),
        _ => {}
    }
    let hint = "weights are `auto`, or LABEL=NUMBER each";
    Ok(ClassWeights::Given(named_numbers(given, "the class weight", hint)?))
}

/// What NAME=NUMBER says, for each of these; the name may have a `=` in it.
fn named_numbers(given: &[String], what: &str, hint: &str) -> Result<BTreeMap<String, f64>> {
    let number = |text: &String| -> Result<(String, f64)> {
        let (name, number) = text.rsplit_once('=').unwrap_or((text, ""));
        let number = number.parse().map_err(|_| Usage::new(format!("Failed to read {what} `{text}`"), hint))?;
        Ok((name.into(), number))
    };
    given.iter().map(number).collect()
}

/// An option of `newsdesk train` that is not at its default.
pub struct Changed {
    /// Its name, without dashes before it.
    pub option: String,
    /// Its values as they are typed.
    pub values: Vec<String>,
    /// Those of the default.
    pub default: Vec<String>,
}

/// The options of `newsdesk train` when none is given.
pub fn default_options() -> Result<Option<Train>> {
    let typed = ["newsdesk", "train", "--data", "set.csv", "--output", "model"];
    Ok(match Arguments::try_parse_from(typed)?.command {
        Command::Train(plain) => Some(*plain),
        _ => None,
    })
}

/// The options in which settings differ from what `newsdesk train` would take on this base. The seed is no such option.
pub fn changed(settings: &Settings, base: &Model) -> Result<Vec<Changed>> {
    let Some(plain) = default_options()? else { return Ok(vec![]) };
    let default = self::settings(&plain, base)?;
    // Without teachers there are no such settings, also not by default.
    let distillation = settings.distillation.and(Some(distillation(&plain)));
    differing(settings, &Settings { distillation, ..default })
}

/// The options in which two settings differ. The seed is no such option.
pub fn differing(settings: &impl Serialize, default: &impl Serialize) -> Result<Vec<Changed>> {
    let mut defaults: BTreeMap<_, _> = options(&serde_json::to_value(default)?).into_iter().collect();
    let differs = |(option, values): (String, Vec<String>)| {
        let default = defaults.remove(&option).unwrap_or_default();
        (values != default && option != "seed").then_some(Changed { option, values, default })
    };
    Ok(options(&serde_json::to_value(settings)?).into_iter().filter_map(differs).collect())
}

/// Settings as options with their values.
fn options(settings: &Value) -> Vec<(String, Vec<String>)> {
    let fields = settings.as_object().into_iter().flatten();
    let option = |(name, value): (&String, &Value)| match name.as_str() {
        "window" => ["length", "stride"].map(|key| (key.replace("length", "window"), values(&value[key]))).to_vec(),
        "distillation" => {
            let only = if value["fills"] == false { vec!["true".into()] } else { vec![] };
            vec![
                ("teacher-weight".into(), number(&value["weight"])),
                ("teacher-temperature".into(), number(&value["temperature"])),
                ("teacher-labelled-only".into(), only),
            ]
        }
        "features" => {
            let characters = match value["characters"].as_array() {
                Some(lengths) => lengths.iter().map(Value::to_string).collect::<Vec<_>>().join("-"),
                None => "none".into(),
            };
            vec![
                ("buckets".into(), number(&value["buckets"])),
                ("word-ngrams".into(), number(&value["words"])),
                ("char-ngrams".into(), vec![characters]),
            ]
        }
        "set_weights" => vec![("set-weights".into(), named(value))],
        _ => vec![(name.replace('_', "-"), values(value))],
    };
    fields.flat_map(option).collect()
}

/// A setting's value as it is typed: `{"layers": 2}` is 2, and `{"given": {"sport": 2.0}}` is `sport=2.0`.
fn values(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Object(kinds) => kinds
            .values()
            .flat_map(|value| match value {
                entries @ Value::Object(_) => named(entries),
                other => values(other),
            })
            .collect(),
        other => vec![other.to_string()],
    }
}

/// A number as it is typed; nothing where there is none.
fn number(value: &Value) -> Vec<String> {
    value.as_f64().map(|number| number.to_string()).into_iter().collect()
}

/// The numbers of a table with their names, as they are typed.
fn named(table: &Value) -> Vec<String> {
    let entries = table.as_object().into_iter().flatten();
    entries.map(|(name, value)| format!("{name}={value}")).collect()
}
