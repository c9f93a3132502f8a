//! Finds the scores above which a head's predictions reach a precision.

use crate::cases::scored_prediction;
use crate::head_data::{HeadData, descriptions};
use newsdesk_data::{LabelledArticle, TextHash};
use newsdesk_metrics::{ScoredPrediction, threshold_for_precision};
use newsdesk_model::{CalibrationRecord, Prediction, ThresholdRecord};
use std::collections::HashSet;

/// The precisions for which a minimum score is searched.
const PRECISIONS: [f64; 6] = [0.80, 0.85, 0.90, 0.95, 0.98, 0.99];

/// Finds the minimum score for each precision and writes them into the record. `predictions` are those of all data sets.
///
/// Where a data set's label stands for several of the head's, more predictions are correct than with exact labels. So such
/// data sets count only if there is none with exact labels.
pub(super) fn find_precision_thresholds(
    record: &mut CalibrationRecord,
    mut data: Vec<HeadData>,
    predictions: &[Vec<Prediction>],
) {
    if data.iter().any(|data| data.is_exact() && data.labelled() > 0) {
        data.retain(HeadData::is_exact);
    }
    // Repeated texts would make a precision look more certain than it is.
    let mut seen = HashSet::new();
    let mut is_new = |row: &LabelledArticle| seen.insert(TextHash::with_target(&row.article));
    let mut scored: Vec<ScoredPrediction> = vec![];
    for data in &data {
        scored.extend(scored_predictions(data, &predictions[data.set_index], &mut is_new));
    }
    record.threshold_sets = descriptions(&data);
    record.articles = seen.len() as u64;
    record.thresholds = PRECISIONS.iter().filter_map(|&precision| record_for(&scored, precision)).collect();
}

/// Returns the predicted labels, with their scores, of the labelled articles that `counts` accepts.
fn scored_predictions(
    data: &HeadData,
    predictions: &[Prediction],
    counts: &mut dyn FnMut(&LabelledArticle) -> bool,
) -> Vec<ScoredPrediction> {
    let mut scored = vec![];
    for (row, prediction) in data.set.articles.iter().zip(predictions) {
        let Some(gold_labels) = row.gold_labels[data.head_index].as_ref().filter(|_| counts(row)) else { continue };
        let gold = data.matched.gold(gold_labels);
        let predicted = prediction.heads[data.matched.head].predicted();
        scored.extend(predicted.iter().map(|label| scored_prediction(label, &gold)));
    }
    scored
}

/// Returns the minimum score for a precision; `None` if the predictions do not reach it.
fn record_for(scored: &[ScoredPrediction], precision: f64) -> Option<ThresholdRecord> {
    let found = threshold_for_precision(scored, precision)?;
    let round = |x: f64| (x * 1e4).round() / 1e4;
    Some(ThresholdRecord {
        min_precision: precision,
        // Lossless: the score is one of the model's, which are f32.
        min_score: found.min_score as f32,
        coverage: round(found.coverage),
        accepted: found.accepted,
        precision: round(found.accuracy),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_above_the_minimum_score_reach_the_precision() {
        let scored: Vec<ScoredPrediction> = (0..400)
            .map(|i| ScoredPrediction { score: 1.0 - f64::from(i) / 512.0, is_correct: i < 100 || i % 5 > 0 })
            .collect();
        let records: Vec<ThresholdRecord> =
            PRECISIONS.iter().filter_map(|&precision| record_for(&scored, precision)).collect();
        let precisions: Vec<f64> = records.iter().map(|record| record.min_precision).collect();
        assert_eq!(precisions, [0.8, 0.85, 0.9, 0.95]);
        assert!(records.is_sorted_by(|a, b| a.min_score < b.min_score && a.coverage > b.coverage));
        for record in records {
            let above: Vec<_> =
                scored.iter().filter(|prediction| prediction.score >= f64::from(record.min_score)).collect();
            let precision = above.iter().filter(|prediction| prediction.is_correct).count() as f64 / above.len() as f64;
            assert_eq!((above.len() as u64, (precision * 1e4).round() / 1e4), (record.accepted, record.precision));
            assert!(precision >= record.min_precision);
        }
    }
}
