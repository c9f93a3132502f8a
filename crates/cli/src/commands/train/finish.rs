//! The last steps of every training run: evaluation on the test sets and the model card.

use super::progress::Reporter;
use crate::output::progress::progress_bar;
use anyhow::Result;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{SetReport, evaluate};
use newsdesk_model::{AnyModel, Classifier, Options};
use std::path::Path;

/// Writes a model's card into its folder. If `README.md` belongs to somebody else, the card goes to another file, and a
/// line says so.
///
/// # Errors
/// If the card cannot be written.
pub fn write_card(card: &str, folder: &Path, reporter: &Reporter) -> Result<()> {
    match newsdesk_train::write_card(card, folder)? {
        Some(path) if path.ends_with("README.md") => {}
        Some(path) => {
            let path = path.display();
            reporter.say(&format!("`README.md` was not written by newsdesk and is kept; the model card is `{path}`"));
        }
        None => reporter.say(
            "warning: the model card was not written: `README.md` and `MODEL_CARD.md` exist and were not written by newsdesk",
        ),
    }
    Ok(())
}

/// Returns lines with the commands that a user is likely to run next on a model.
pub fn next_steps(folder: &Path, is_encoder: bool) -> Vec<String> {
    let folder = folder.display();
    let mut lines = vec![format!("next: label articles with `newsdesk classify FILE --model {folder}`")];
    if is_encoder {
        lines.push(format!(
            "next: check faster dtypes, so that `--dtype auto` may use them: `newsdesk models certify {folder} --data DATASET`"
        ));
    }
    lines
}

/// Evaluates a finished model on the test sets.
///
/// # Errors
/// If the model cannot classify the articles.
pub fn evaluate_on_test(
    model: &AnyModel,
    sets: &[LabelledSet],
    options: &Options,
    reporter: &Reporter,
) -> Result<Vec<SetReport>> {
    if sets.is_empty() {
        return Ok(vec![]);
    }
    let classifier = Classifier::new(model.clone(), options)?;
    reporter.say("on the test sets, whole articles:");
    let evaluate_set = |set: &LabelledSet| {
        let bar = progress_bar(set.name.clone(), set.articles.len(), reporter.is_quiet());
        let report = evaluate(&classifier, set, &mut |done| bar.set_position(done as u64))?;
        bar.finish_and_clear();
        reporter.report_metrics(&report);
        Ok(report)
    };
    sets.iter().map(evaluate_set).collect()
}
