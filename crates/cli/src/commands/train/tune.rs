//! `newsdesk train --arch linear --tune`: searches for settings, prints the tries, and writes an options file that trains the same
//! model again.

use super::progress::Reporter;
use super::settings;
use super::training_data::TrainingData;
use crate::arguments::Train;
use crate::commands::model_folder::{OPTIONS, TRIES};
use crate::failure::Usage;
use crate::output::count::counted;
use crate::output::shell::quoted;
use anyhow::Result;
use newsdesk_files::write_atomic;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_train::{ClassWeights, Dimension, LinearSettings, Search, Stop, TrainError, Try, Tuned, tune_linear};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
use toml::{Table, Value};

/// A line of [`TRIES`].
#[derive(Serialize)]
struct TryRecord {
    #[serde(rename = "try")]
    number: usize,
    score: f64,
    best_epoch: usize,
    seconds: f64,
    best: bool,
    settings: LinearSettings,
}

/// The result of a search, with what is written about it.
pub struct Found {
    pub tuned: Tuned,
    tries: Vec<TryRecord>,
}

/// Searches for this time. Prints each try that is better than all before it.
///
/// # Errors
/// If a model cannot be trained, or the search is interrupted before it has one.
pub fn tune(
    options: &Train,
    time: Duration,
    first: LinearSettings,
    data: &TrainingData,
    stop: &Stop,
    reporter: &Reporter,
) -> Result<Found> {
    let free = free_dimensions(options);
    let minutes = time.as_secs_f64() / 60.0;
    reporter.say(&format!(
        "searching for settings for {}, by the score on the validation sets:",
        counted(minutes, "minute")
    ));
    reporter.say(&row([
        "try",
        "score",
        "seconds",
        "rate",
        "epochs",
        "words",
        "chars",
        "buckets",
        "batch",
        "smoothing",
        "classes",
    ]
    .map(str::to_string)));
    let (mut tries, since) = (vec![], Instant::now());
    reporter.report_search(0, 0, time.as_secs());
    let search = Search { first, free: &free, time, stop };
    let tuned = tune_linear(&data.training, &data.validation, &search, &mut |tried: Try| {
        if tried.best {
            reporter.say(&row(cells(&tried)));
        }
        reporter.report_search(tried.number, since.elapsed().as_secs(), time.as_secs());
        tries.push(TryRecord {
            number: tried.number,
            score: tried.score,
            best_epoch: tried.best_epoch,
            seconds: (tried.elapsed * 1e3).round() / 1e3,
            best: tried.best,
            settings: tried.settings.clone(),
        });
    })?;
    if let Some(count) = tuned.combinations {
        let only = if count == 1 { "only 1 combination".into() } else { format!("only {count} combinations") };
        reporter.say(&format!("the search ended early: your options leave {only} of settings to try"));
    }
    let ended = if stop.is_requested() { " before the interrupt" } else { "" };
    reporter.say(&format!("the best of {}{ended}: {:.4}", tries_text(tuned.tries), tuned.trained.score));
    Ok(Found { tuned, tries })
}

fn tries_text(count: usize) -> String {
    if count == 1 { "1 try".into() } else { format!("{count} tries") }
}

/// Returns the settings that the options leave open.
fn free_dimensions(options: &Train) -> Vec<Dimension> {
    let is_free = |dimension: &Dimension| match dimension {
        Dimension::LearningRate => options.learning_rate.is_none(),
        Dimension::Epochs => options.epochs.is_none(),
        Dimension::Words => options.word_ngrams.is_none(),
        Dimension::Characters => options.char_ngrams.is_none(),
        Dimension::Buckets => options.buckets.is_none(),
        Dimension::BatchSize => options.batch_size.is_none(),
        Dimension::LabelSmoothing => options.label_smoothing == 0.0,
        Dimension::ClassWeights => options.class_weights.is_empty(),
    };
    Dimension::ALL.into_iter().filter(is_free).collect()
}

/// Returns a row of the table of tries.
fn row(cells: [String; 11]) -> String {
    let widths = [4, 6, 7, 5, 6, 5, 5, 7, 5, 9, 8];
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_string()
}

fn cells(tried: &Try) -> [String; 11] {
    let LinearSettings { features, epochs, learning_rate, label_smoothing, class_weights, batch_size, .. } =
        tried.settings;
    let FeatureRecord { buckets, words, characters } = features;
    let characters = characters.map_or_else(|| "none".into(), |[min, max]| format!("{min}-{max}"));
    let weights = match class_weights {
        ClassWeights::Equal => "equal",
        ClassWeights::Balanced => "balanced",
        ClassWeights::Given(_) => "given",
    };
    [
        tried.number.to_string(),
        format!("{:.4}", tried.score),
        format!("{:.1}", tried.elapsed),
        learning_rate.to_string(),
        epochs.to_string(),
        words.to_string(),
        characters,
        buckets.to_string(),
        batch_size.to_string(),
        label_smoothing.to_string(),
        weights.into(),
    ]
}

/// Writes the tries and the options file into the folder of the model.
///
/// # Errors
/// If a file cannot be written.
pub fn write(found: &Found, options: &Train, folder: &Path, reporter: &Reporter) -> Result<()> {
    let mut lines = String::new();
    for tried in &found.tries {
        lines += &format!("{}\n", serde_json::to_string(tried)?);
    }
    // A line break in the name would end the comment.
    let named = quoted(&folder.join(OPTIONS).to_string_lossy()).replace(char::is_control, "?");
    let text = format!(
        "# Trains the model again, in the folder where the search was started:\n\
         #   newsdesk train --options {named} --output NEW\n\
         # Relative paths start from there. The settings are the best of {}.\n{}",
        tries_text(found.tuned.tries),
        toml::to_string(&options_table(options, &found.tuned.settings)?)?
    );
    for (name, text) in [(TRIES, lines), (OPTIONS, text)] {
        let path = folder.join(name);
        write_atomic(&path, text.as_bytes()).map_err(|source| TrainError::File { verb: "write", path, source })?;
    }
    let path = folder.join(OPTIONS);
    let path = quoted(&path.to_string_lossy());
    reporter.say(&format!("`newsdesk train --options {path} -o NEW` trains the same model again"));
    Ok(())
}

/// Refuses a search that would replace an options file of the user. A search leaves `tuning.jsonl` beside its own.
///
/// # Errors
/// If there is such a file.
pub fn refuse_foreign_options(options: &Train) -> Result<()> {
    let [own, file] = [TRIES, OPTIONS].map(|name| options.output.join(name));
    if options.tune.is_none() || !file.exists() || (options.overwrite.overwrite && own.exists()) {
        return Ok(());
    }
    let message = format!("cannot write `{}`: it already exists", file.display());
    Err(Usage::new(message, "choose another folder for `--output`, or move that file away").into())
}

/// Returns the options of a run with these settings, by their long names.
fn options_table(options: &Train, settings: &LinearSettings) -> Result<Table> {
    let mut table = Table::new();
    let mut add = |name: &str, value: Value| {
        table.insert(name.into(), value);
    };
    let list = |values: &[String]| Value::Array(values.iter().cloned().map(Value::String).collect());
    add("arch", Value::String("linear".into()));
    add("data", list(&options.data));
    for (name, values) in [("validation", &options.validation), ("test", &options.test)] {
        if !values.is_empty() {
            add(name, list(values));
        }
    }
    let data_set = &options.data_set;
    let files = &data_set.files;
    let (columns, target) = (&files.columns, &files.target);
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let texts = [
        ("data-root", Some(path(&files.data_root)).filter(|root| root != ".")),
        ("head", data_set.head.clone()),
        ("label-field", files.label_field.clone()),
        ("label-map", data_set.label_map.as_deref().map(path)),
        ("label-separator", files.label_separator.clone()),
        ("labels", options.labels.as_deref().map(path)),
        ("text-field", columns.text_field.clone()),
        ("title-field", columns.title_field.clone()),
        ("html", columns.html_value()),
        ("encoding", columns.encoding.map(|encoding| encoding.to_string())),
        ("target-field", target.target_field.clone()),
        ("target-start", target.target_start.clone()),
        ("target-end", target.target_end.clone()),
        ("name", options.name.clone()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            add(name, Value::String(text));
        }
    }
    for (name, values) in settings::options(&serde_json::to_value(settings)?) {
        match values.as_slice() {
            // No class weights are given as no option.
            [value] if name == "class-weights" && value == "equal" => {}
            [value] => add(&name, number_or_text(value)),
            values => add(&name, list(values)),
        }
    }
    Ok(table)
}

fn number_or_text(value: &str) -> Value {
    let integer = value.parse().map(Value::Integer);
    integer.or_else(|_| value.parse().map(Value::Float)).unwrap_or_else(|_| Value::String(value.into()))
}
