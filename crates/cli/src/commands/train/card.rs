//! The card of a finished model, and the command that trains such a one.

use super::sets::Sets;
use super::settings::Changed;
use crate::arguments::Train;
use crate::commands::outside;
use clap::ValueEnum;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{Calibrated, SetReport};
use newsdesk_model::AnyModel;
use newsdesk_train::{Card, Source};
use std::path::Path;

/// What a card is made of, besides the model: what it learned from, how it was called for, and what was found out about it.
pub struct Made<'a> {
    pub options: &'a Train,
    /// The name of the model that training began with; `None` for linear models.
    pub base: Option<&'a str>,
    pub seed: u64,
    /// Settings that are not at their defaults.
    pub changed: &'a [Changed],
    pub sets: &'a Sets,
    pub calibrated: &'a Calibrated,
    pub test: &'a [SetReport],
}

/// The card of a model, in Markdown.
pub fn card(model: &AnyModel, made: &Made) -> String {
    let Made { options, base, seed, changed, sets, calibrated, test } = *made;
    let listed = |of: &Changed| [of.option.clone(), of.values.join(" "), of.default.join(" ")];
    let mut listed: Vec<[String; 3]> = changed.iter().map(listed).collect();
    listed.extend(pooling(options).map(|name| ["pooling".into(), name, "that of the base".into()]));
    let card = Card {
        model,
        sources: &sources(sets),
        changed: &listed,
        command: &command(options, base, seed, changed),
        calibrated: &calibrated.heads,
        validation: &calibrated.after,
        test,
        caveats: &sets.repeats,
    };
    card.text()
}

fn sources(sets: &Sets) -> Vec<Source> {
    let uses = [("training", &sets.training), ("validation", &sets.validation), ("test", &sets.test)];
    let mut sources: Vec<Source> = vec![];
    for (purpose, of) in uses {
        for set in of {
            let LabelledSet { name, split, articles, .. } = set;
            // A set that is listed twice is one set.
            if !sources.iter().any(|s| (s.purpose, &s.set, &s.split) == (purpose, name, split)) {
                let licence = sets.licences.get(name).cloned();
                sources.push(Source {
                    purpose,
                    set: name.clone(),
                    split: split.clone(),
                    rows: articles.len(),
                    licence,
                });
            }
        }
    }
    sources
}

/// A command that trains such a model, with the names of files and folders alone.
fn command(options: &Train, base: Option<&str>, seed: u64, changed: &[Changed]) -> String {
    let names = |arguments: &[String]| arguments.iter().map(|argument| file_name(argument)).collect::<Vec<_>>();
    let mut parts = vec![("data", names(&options.data))];
    for (option, sets) in [("validation", &options.validation), ("test", &options.test)] {
        parts.push((option, names(sets)));
    }
    let labelled = &options.labelled;
    let (text, title) = (&labelled.columns.text_field, &labelled.columns.title_field);
    let mention = &labelled.mention;
    let named = [
        ("head", &labelled.head),
        ("label-field", &labelled.label_field),
        ("label-separator", &labelled.label_separator),
        ("text-field", text),
        ("title-field", title),
        ("mention-field", &mention.mention_field),
        ("mention-start", &mention.mention_start),
        ("mention-end", &mention.mention_end),
    ];
    parts.extend(named.map(|(option, value)| (option, value.iter().cloned().collect())));
    let labels = options.labels.iter().map(|path| file_name(&path.to_string_lossy()));
    parts.push(("labels", labels.collect()));
    parts.push(("pooling", pooling(options).into_iter().collect()));
    match base {
        // The embedded model has a name, but no folder of this name.
        Some(base) => {
            let given = outside(options.base.as_deref()).map(|_| base.into());
            parts.push(("base", given.into_iter().collect()));
        }
        None => parts.push(("arch", vec!["linear".into()])),
    }
    let teachers = options.teacher.iter().map(|folder| file_name(&folder.to_string_lossy()));
    parts.push(("teacher", teachers.collect()));
    parts.extend(changed.iter().map(|of| (of.option.as_str(), of.values.clone())));
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

/// What `--pooling` names.
fn pooling(options: &Train) -> Option<String> {
    Some(options.pooling.as_ref()?.to_possible_value()?.get_name().into())
}

/// The last part of a path.
fn file_name(argument: &str) -> String {
    Path::new(argument).file_name().map_or_else(|| argument.into(), |name| name.to_string_lossy().into_owned())
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+".contains(c);
    match !argument.is_empty() && argument.chars().all(is_plain) {
        true => argument.into(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}
