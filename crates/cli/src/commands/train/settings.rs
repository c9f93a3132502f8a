//! Turns options into training settings, and settings back into options for the model card.

use crate::arguments::{Arguments, Command, Epochs, LrScheduler, QuantiseName, Train};
use crate::commands::open::threads;
use crate::failure::Usage;
use anyhow::Result;
use clap::Parser;
use newsdesk_model::{Combine, Model};
use newsdesk_train::{self as train, Augmentation, ClassWeights, Distillation, Freeze, Settings};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Default length of a window, in tokens; shorter if the base model takes fewer.
const DEFAULT_LENGTH: usize = 256;

/// Default learning rate.
pub const DEFAULT_LEARNING_RATE: f64 = 5e-5;

/// Maximum number of epochs with `--epochs auto`.
const AUTO_EPOCHS: usize = 10;

/// Epochs without a better one after which `--epochs auto` stops.
const AUTO_PATIENCE: usize = 2;

/// Returns the settings for these options and this base.
///
/// # Errors
/// If a value cannot be parsed.
pub fn settings(options: &Train, base: &Model) -> Result<Settings> {
    let batch_size = options.batch_size.unwrap_or(32);
    // The threads of a CPU share a step in small parts; a GPU needs large parts.
    let micro_batch_size = if base.weights.device().is_cpu() { 16 } else { batch_size };
    let longest = base.encoder.max_length;
    let window = options.max_length.unwrap_or(longest.min(DEFAULT_LENGTH));
    let room = window.saturating_sub(base.tokenizer.special_tokens()).max(1);
    let (epochs, patience) =
        options.epochs.unwrap_or(Epochs::Count(3)).resolve(options.patience, AUTO_EPOCHS, AUTO_PATIENCE);
    Ok(Settings {
        epochs,
        learning_rate: options.learning_rate.unwrap_or(DEFAULT_LEARNING_RATE),
        head_lr_multiplier: options.head_lr_multiplier,
        warmup_ratio: options.warmup_ratio,
        lr_scheduler: match options.lr_scheduler {
            LrScheduler::Linear => train::LrScheduler::Linear,
            LrScheduler::Cosine => train::LrScheduler::Cosine,
        },
        layer_lr_decay: options.layer_lr_decay,
        label_smoothing: options.label_smoothing,
        focal_gamma: options.focal_gamma,
        class_weights: class_weights(&options.class_weights)?,
        ordinal: named_numbers(&options.ordinal, "the weight", "HEAD=NUMBER", "give HEAD=NUMBER for each head")?,
        augmentation: Augmentation {
            drop_title: options.drop_title,
            later_window: options.later_window,
            text_noise: options.text_noise,
        },
        distillation: options.has_teachers().then(|| distillation(options)),
        quantise: options.quantise.map(|QuantiseName::Int8| train::Quantise::Int8),
        layers: (!options.layers.is_empty()).then(|| options.layers.clone()),
        freeze: options.freeze.unwrap_or(Freeze::Nothing),
        patience,
        weight_decay: options.weight_decay,
        max_grad_norm: options.max_grad_norm,
        batch_size,
        micro_batch_size: options.micro_batch_size.unwrap_or(micro_batch_size).min(batch_size),
        rows_per_epoch: options.rows_per_epoch,
        set_weights: named_numbers(
            &options.set_weights,
            "the data set weight",
            "DATASET=NUMBER",
            "give DATASET=NUMBER for each data set",
        )?,
        max_train_length: options.max_train_length.unwrap_or(longest.min(DEFAULT_LENGTH)),
        max_length: window,
        overlap: options.overlap(window)?.unwrap_or(window.saturating_sub((window * 3 / 4).clamp(1, room))),
        combine: Combine::Mean,
        seed: options.seed,
        save_steps: options.save_steps,
        threads: threads(&options.compute),
    })
}

fn distillation(options: &Train) -> Distillation {
    Distillation {
        weight: options.teacher_weight.unwrap_or(0.5),
        temperature: options.teacher_temperature.unwrap_or(2.0),
        include_unlabelled: !options.teacher_labelled_only,
        hidden_state_weight: options.hidden_state_weight.unwrap_or(0.0),
        relation_weight: options.relation_weight.unwrap_or(0.0),
    }
}

/// Parses `--class-weights`.
///
/// # Errors
/// If a value is neither `balanced` nor LABEL=NUMBER.
pub fn class_weights(given: &[String]) -> Result<ClassWeights> {
    match given {
        [] => return Ok(ClassWeights::Equal),
        [word] if matches!(word.as_str(), "balanced" | "auto") => return Ok(ClassWeights::Balanced),
        _ => {}
    }
    let hint = "use `balanced`, or LABEL=NUMBER for several labels";
    Ok(ClassWeights::Given(named_numbers(given, "the class weight", "LABEL=NUMBER", hint)?))
}

/// Parses values of the form NAME=NUMBER, as `form` says it; the name may contain `=`.
fn named_numbers(given: &[String], what: &str, form: &str, hint: &str) -> Result<BTreeMap<String, f64>> {
    let number = |text: &String| -> Result<(String, f64)> {
        let (name, number) = text.rsplit_once('=').unwrap_or((text, ""));
        let number =
            number.parse().map_err(|_| Usage::new(format!("cannot read {what} `{text}`: it is not {form}"), hint))?;
        Ok((name.into(), number))
    };
    given.iter().map(number).collect()
}

/// An option of `newsdesk train` with another value than the default.
pub struct Changed {
    /// Its name, without leading dashes.
    pub option: String,
    /// Its values as typed.
    pub values: Vec<String>,
    /// The default values.
    pub default: Vec<String>,
}

/// Returns the options of `newsdesk train` with all defaults.
///
/// # Errors
/// If the command line cannot be parsed.
pub fn default_options() -> Result<Option<Train>> {
    let typed = ["newsdesk", "train", "--data", "set.csv", "--output", "model"];
    Ok(match Arguments::try_parse_from(typed)?.command {
        Command::Train(defaults) => Some(*defaults),
        _ => None,
    })
}

/// Returns the options, except the seed, whose settings differ from the defaults for this base.
///
/// # Errors
/// If the settings cannot be serialized.
pub fn changed(settings: &Settings, base: &Model) -> Result<Vec<Changed>> {
    let Some(defaults) = default_options()? else { return Ok(vec![]) };
    let default = self::settings(&defaults, base)?;
    // Without teachers, settings have no distillation, so that the defaults need none either.
    let distillation = settings.distillation.and(Some(distillation(&defaults)));
    differing(settings, &Settings { distillation, ..default })
}

/// Returns the options, except the seed, in which two settings differ.
///
/// # Errors
/// If the settings cannot be serialized.
pub fn differing(settings: &impl Serialize, default: &impl Serialize) -> Result<Vec<Changed>> {
    let mut defaults: BTreeMap<_, _> = options(&serde_json::to_value(default)?).into_iter().collect();
    let differs = |(option, values): (String, Vec<String>)| {
        let default = defaults.remove(&option).unwrap_or_default();
        (values != default && option != "seed").then_some(Changed { option, values, default })
    };
    Ok(options(&serde_json::to_value(settings)?).into_iter().filter_map(differs).collect())
}

/// Converts serialized settings into options with their values.
pub fn options(settings: &Value) -> Vec<(String, Vec<String>)> {
    let fields = settings.as_object().into_iter().flatten();
    let option = |(name, value): (&String, &Value)| match name.as_str() {
        "distillation" => {
            // A weight of zero is not serialized.
            let weight = |name: &str| vec![value[name].as_f64().unwrap_or(0.0).to_string()];
            let only = if value["include_unlabelled"] == false { vec!["true".into()] } else { vec![] };
            vec![
                ("teacher-weight".into(), number(&value["weight"])),
                ("teacher-temperature".into(), number(&value["temperature"])),
                ("teacher-labelled-only".into(), only),
                ("hidden-state-weight".into(), weight("hidden_state_weight")),
                ("relation-weight".into(), weight("relation_weight")),
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
        "set_weights" | "ordinal" => vec![(name.replace('_', "-"), named(value))],
        _ => vec![(name.replace('_', "-"), values(value))],
    };
    fields.flat_map(option).collect()
}

/// Returns a setting's values as typed: `{"layers": 2}` is `2`, `[0, 2]` is `0,2`, and `{"given": {"sport": 2.0}}` is `sport=2.0`.
fn values(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => vec![items.iter().map(Value::to_string).collect::<Vec<_>>().join(",")],
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

/// Returns a number as typed; nothing for another value.
fn number(value: &Value) -> Vec<String> {
    value.as_f64().map(|number| number.to_string()).into_iter().collect()
}

/// Returns the numbers of a table as typed: NAME=NUMBER.
fn named(table: &Value) -> Vec<String> {
    let entries = table.as_object().into_iter().flatten();
    entries.map(|(name, value)| format!("{name}={value}")).collect()
}
