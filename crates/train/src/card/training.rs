//! How a model was trained.

use super::contents::Card;
use super::markdown::{code, plain, table};
use newsdesk_model::AnyModel;
use newsdesk_model::folder::TrainingRecord;

/// Returns the section on training: base, data sets, settings and command.
pub(super) fn training(card: &Card) -> String {
    let mut text = String::from("## Training\n\n");
    if let Some(record) = &card.model.manifest().training {
        text += &summary(card.model, record);
    }
    if let Some(tries) = card.tries {
        text += &format!(
            "A search chose the settings: they are the best of {} on the validation sets.\n\n",
            counted_tries(tries)
        );
    }
    let rows = card.sets.iter().map(|set| {
        let licence = set.licence.as_deref().map_or_else(|| "not stated".into(), plain);
        vec![plain(&set.set), plain(&set.split), set.purpose.into(), set.rows.to_string(), licence]
    });
    text += &table(&["data set", "split", "used for", "rows", "licence as stated by its source"], &[3], rows);
    let mut seen = vec![];
    for sample in card.model.manifest().training.iter().flat_map(|training| &training.sets) {
        if !seen.contains(&sample) {
            seen.push(sample);
        }
    }
    text += "\nRows per epoch:\n\n";
    text += &seen.iter().map(|sample| format!("- {}\n", plain(sample))).collect::<String>();
    text += &match card.changed {
        [] => "\nAll settings have their default values.\n".to_string(),
        changed => {
            let rows = changed.iter().map(|[name, value, default]| vec![plain(name), plain(value), plain(default)]);
            format!(
                "\nSettings that differ from their defaults:\n\n{}",
                table(&["setting", "value", "default"], &[], rows)
            )
        }
    };
    text += &format!("\nThe command, with file names instead of paths:\n\n```\n{}\n```\n", card.command);
    text
}

/// Returns the number of tries of a search with its noun.
pub(super) fn counted_tries(tries: usize) -> String {
    if tries == 1 { "1 try".into() } else { format!("{tries} tries") }
}

/// Returns the paragraphs on base, seed, epochs and teachers.
fn summary(model: &AnyModel, record: &TrainingRecord) -> String {
    let TrainingRecord { base, teachers, best_epoch, newsdesk, settings, .. } = record;
    let (start, log) = match model {
        AnyModel::Encoder(_) => (
            format!("Fine-tuned from the base `{}`", code(base)),
            " `training.jsonl` is the log of the run, and `training.svg` its training curve.",
        ),
        AnyModel::Linear(_) => ("Trained".to_string(), ""),
    };
    let up_to = if settings["patience"].as_u64().is_some_and(|patience| patience > 0) { "up to " } else { "" };
    let epochs = match settings["epochs"].as_u64() {
        Some(1) => "1 epoch".into(),
        _ => format!("{} epochs", settings["epochs"]),
    };
    let mut text = format!(
        "{start} with Newsdesk {newsdesk}, seed {}, for {up_to}{}. The model is that of epoch {best_epoch}, the best one on \
         the validation sets.{log}\n\n",
        settings["seed"], epochs
    );
    if !teachers.is_empty() {
        // Each with its name and a hash.
        text += &format!(
            "Besides the labels, it learned from the predictions of other models (distillation): {}.\n\n",
            plain(&teachers.join(", "))
        );
    }
    text
}
