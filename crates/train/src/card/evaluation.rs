//! The metrics of a model, and the calibration of its scores.

use super::contents::Card;
use super::markdown::{plain, table};
use super::tables::{overview, per_label};
use super::training::counted_tries;
use newsdesk_eval::HeadCalibration;
use newsdesk_model::Head;

/// Returns the section on metrics, overall and per label.
pub(super) fn evaluation(card: &Card) -> String {
    let is_fitted = card.calibration.iter().any(|head| head.not_fitted.is_none());
    let fitted = if is_fitted { " and fitted the temperatures and thresholds" } else { "" };
    let (searched, slightly) = match card.tries {
        Some(tries) => (format!(" and the settings (chosen from {} on these sets)", counted_tries(tries)), ""),
        None => (String::new(), "slightly "),
    };
    let mut text = format!(
        "## Evaluation\n\nMetrics on the validation sets, over whole articles. These sets also chose the best \
         epoch{searched}{fitted}, so the metrics are {slightly}too high.\n\n{}",
        overview(card.validation)
    );
    if !card.test.is_empty() {
        text += &format!("\nMetrics on the test sets, which influenced no choice:\n\n{}", overview(card.test));
    }
    card.caveats.iter().for_each(|caveat| text += &format!("\n{}\n", plain(caveat)));
    let heads = || card.validation.iter().chain(card.test).flat_map(|set| &set.heads);
    if heads().any(|head| head.any_of && !head.report.uses_data_set_labels) {
        text += "\n*Any gold label*: articles have several gold labels, and a prediction is correct if it is one of them.\n";
    }
    if heads().any(|head| head.report.uses_data_set_labels) {
        text += "\n*Sets of labels*: the data set has labels of its own, each of which allows several labels of the head. A \
                 prediction is correct if it is one of these. That is more lenient than exact labels.\n";
    }
    if heads().any(|head| head.report.micro_f1.is_some()) {
        text += "\nFor a head with any number of labels, accuracy counts the articles whose labels are all correct.\n";
    }
    for head in &card.model.manifest().heads {
        text += &per_label(&head.name, card.validation, card.test);
    }
    text
}

/// Returns the section on temperatures and minimum scores.
pub(super) fn calibration(heads: &[Head], calibration: &[HeadCalibration]) -> String {
    let mut text = String::from(
        "## Calibration\n\nThis page describes the model as trained. `newsdesk calibrate` changes temperatures and thresholds later; \
         `newsdesk models info` shows the present ones.\n\n",
    );
    for head in calibration {
        let name = plain(&head.head);
        text += &match &head.not_fitted {
            None => format!(
                "- **{name}**: temperature {}, fitted on {} validation articles. A score estimates the probability that the label \
                 is correct.\n",
                head.temperature, head.articles
            ),
            Some(cause) => format!(
                "- **{name}**: temperature {}; the scores are not calibrated: {}\n",
                head.temperature,
                plain(cause)
            ),
        };
    }
    for head in heads.iter().filter(|head| calibration.iter().all(|known| known.head != head.name)) {
        text += &format!(
            "- **{}**: the scores are not calibrated: no validation article is labelled for this head\n",
            plain(&head.name)
        );
    }
    let rows = calibration.iter().flat_map(|head| {
        head.calibration.thresholds.iter().map(|row| {
            let numbers = [row.min_precision, f64::from(row.min_score), row.coverage].map(|x| format!("{x:.4}"));
            [&[plain(&head.head)], &numbers[..], &[row.accepted.to_string()]].concat()
        })
    });
    let rows: Vec<Vec<String>> = rows.collect();
    text += &match rows.is_empty() {
        true => {
            "\nThe validation data confirms no precision of 0.8 or more, so `--min-precision` cannot be used.\n".into()
        }
        false => format!(
            "\n`newsdesk classify --min-precision` leaves out predictions below these scores:\n\n{}",
            table(&["head", "precision", "minimum score", "coverage", "predictions"], &[1, 2, 3, 4], rows)
        ),
    };
    text
}
