//! The card of a finished model, with the command that trains it.

use super::settings::Changed;
use super::training_data::TrainingData;
use crate::arguments::Train;
use crate::commands::open::model_path;
use crate::output::shell::quoted;
use clap::ValueEnum;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{CalibrationReport, SetReport};
use newsdesk_model::AnyModel;
use newsdesk_train::{Card, CardSet, Warning};
use std::path::Path;

/// The contents of a card, besides the model: options, data, calibration and test metrics.
pub struct CardInput<'a> {
    pub options: &'a Train,
    /// Name of the base model; `None` for linear models.
    pub base: Option<&'a str>,
    pub seed: u64,
    /// Options with other values than the default.
    pub changed: &'a [Changed],
    /// The number of tries of the search that chose the settings.
    pub tries: Option<usize>,
    pub data: &'a TrainingData,
    pub calibrated: &'a CalibrationReport,
    pub test: &'a [SetReport],
    pub warnings: &'a [Warning],
}

/// Returns the card of a model, in Markdown.
pub fn card(model: &AnyModel, input: &CardInput) -> String {
    let CardInput { options, base, seed, changed, tries, data, calibrated, test, warnings } = *input;
    let limiting = data.warnings.iter().chain(warnings).filter(|warning| warning.limits_use());
    let listed = |changed: &Changed| [changed.option.clone(), changed.values.join(" "), changed.default.join(" ")];
    let mut listed: Vec<[String; 3]> = changed.iter().map(listed).collect();
    listed.extend(pooling(options).map(|name| ["pooling".into(), name, "that of the base".into()]));
    let card = Card {
        model,
        sets: &card_sets(data),
        changed: &listed,
        tries,
        command: &command(options, base, seed, changed),
        calibration: &calibrated.heads,
        validation: &calibrated.after,
        test,
        caveats: &data.leaks,
        warnings: &limiting.map(Warning::to_string).collect::<Vec<_>>(),
    };
    card.text()
}

/// Returns the data sets of a run, each of them once.
fn card_sets(data: &TrainingData) -> Vec<CardSet> {
    let uses = [("training", &data.training), ("validation", &data.validation), ("test", &data.test)];
    let mut found: Vec<CardSet> = vec![];
    for (purpose, sets) in uses {
        for LabelledSet { name, split, articles, .. } in sets {
            if !found.iter().any(|known| (known.purpose, &known.set, &known.split) == (purpose, name, split)) {
                let licence = data.licences.get(name).cloned();
                let (set, split) = (name.clone(), split.clone());
                found.push(CardSet { purpose, set, split, rows: articles.len(), licence });
            }
        }
    }
    found
}

/// Returns the command that trains this model; paths are shortened to the names of files and folders.
fn command(options: &Train, base: Option<&str>, seed: u64, changed: &[Changed]) -> String {
    let names = |arguments: &[String]| arguments.iter().map(|argument| file_name(argument)).collect::<Vec<_>>();
    let mut parts = vec![("data", names(&options.data))];
    let others = [("validation", &options.validation), ("test", &options.test), ("unlabelled", &options.unlabelled)];
    for (option, sets) in others {
        parts.push((option, names(sets)));
    }
    let data_set = &options.data_set;
    let (text, title) = (&data_set.files.columns.text_field, &data_set.files.columns.title_field);
    let (html, target) = (data_set.files.columns.html_value(), &data_set.files.target);
    let named = [
        ("head", &data_set.head),
        ("label-field", &data_set.files.label_field),
        ("label-separator", &data_set.files.label_separator),
        ("text-field", text),
        ("title-field", title),
        ("html", &html),
        ("target-field", &target.target_field),
        ("target-start", &target.target_start),
        ("target-end", &target.target_end),
    ];
    parts.extend(named.map(|(option, value)| (option, value.iter().cloned().collect())));
    let labels = options.labels.iter().map(|path| file_name(&path.to_string_lossy()));
    parts.push(("labels", labels.collect()));
    parts.push(("pooling", pooling(options).into_iter().collect()));
    match base {
        // The built-in model has a name, but no folder of that name.
        Some(base) => {
            let given = model_path(options.base.as_deref()).map(|_| base.into());
            parts.push(("base", given.into_iter().collect()));
        }
        None => parts.push(("arch", vec!["linear".into()])),
    }
    for (option, paths) in [("teacher", &options.teacher), ("teacher-scores", &options.teacher_scores)] {
        parts.push((option, paths.iter().map(|path| file_name(&path.to_string_lossy())).collect()));
    }
    parts.extend(changed.iter().map(|changed| (changed.option.as_str(), changed.values.clone())));
    parts.push(("seed", vec![seed.to_string()]));
    parts.push(("output", vec!["MODEL".into()]));
    let typed = parts.iter().filter(|(_, values)| !values.is_empty()).map(|(option, values)| {
        if values == &["true"] {
            return format!("--{option}");
        }
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        format!("--{option} {}", values.join(" "))
    });
    format!("newsdesk train {}", typed.collect::<Vec<_>>().join(" \\\n  "))
}

/// Returns the value of `--pooling`.
fn pooling(options: &Train) -> Option<String> {
    Some(options.pooling.as_ref()?.to_possible_value()?.get_name().into())
}

/// Returns the last component of a path.
fn file_name(argument: &str) -> String {
    Path::new(argument).file_name().map_or_else(|| argument.into(), |name| name.to_string_lossy().into_owned())
}
