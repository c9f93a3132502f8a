//! Score thresholds per precision, measured on labelled articles and stored in the manifest.

use crate::head::Head;
use serde::{Deserialize, Serialize};

/// The calibration of one head.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationRecord {
    /// Name of the head.
    pub head: String,
    /// Data sets on which the temperature was fitted, each with its number of articles labelled for the head.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temperature_sets: Vec<String>,
    /// Data sets on which the thresholds were measured, each with its number of articles labelled for the head.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threshold_sets: Vec<String>,
    /// Number of articles in the threshold sets together, without duplicates.
    pub articles: u64,
    /// Thresholds for the precisions that the head reaches, the lowest precision first.
    #[serde(default, rename = "threshold", skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<ThresholdRecord>,
}

/// The score threshold at which predictions reach a precision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdRecord {
    /// The precision that predictions reach, as far as the number of articles can show.
    pub min_precision: f64,
    /// The smallest score at which they reach it.
    pub min_score: f32,
    /// Share of predictions with at least this score.
    pub coverage: f64,
    /// Number of predictions with at least this score. Older versions wrote `answers`.
    #[serde(alias = "answers")]
    pub accepted: u64,
    /// Share of these predictions that were correct.
    pub precision: f64,
}

impl CalibrationRecord {
    /// Returns the threshold for a precision. A precision between two measured ones uses the higher one. Returns `None`
    /// if the head does not reach the precision.
    pub fn threshold(&self, precision: f64) -> Option<&ThresholdRecord> {
        self.thresholds.iter().find(|threshold| threshold.min_precision >= precision)
    }
}

/// Returns the key and the cause of the first fault in the records for these heads, if there is one.
pub(crate) fn find_fault(records: &[CalibrationRecord], heads: &[Head]) -> Option<(&'static str, String)> {
    let is_share = |x: f64| (0.0..=1.0).contains(&x);
    for (index, record) in records.iter().enumerate() {
        let name = &record.head;
        if !heads.iter().any(|head| head.name == *name) {
            return Some(("calibration.head", format!("there is no head `{name}`")));
        }
        if records[..index].iter().any(|earlier| earlier.head == *name) {
            return Some(("calibration.head", format!("there are two records for `{name}`")));
        }
        for threshold in &record.thresholds {
            let ThresholdRecord { min_precision, min_score, coverage, precision, .. } = *threshold;
            if !is_share(f64::from(min_score)) {
                let cause = format!("{min_score} of `{name}` is not within 0..=1");
                return Some(("calibration.threshold.min_score", cause));
            }
            if let Some(outside) = [min_precision, coverage, precision].into_iter().find(|&x| !is_share(x)) {
                return Some(("calibration.threshold", format!("{outside} of `{name}` is not within 0..=1")));
            }
        }
        if !record.thresholds.is_sorted_by(|a, b| a.min_precision < b.min_precision) {
            let cause = format!("the thresholds of `{name}` are not sorted by precision");
            return Some(("calibration.threshold.min_precision", cause));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::HeadActivation;

    fn record(thresholds: &[(f64, f32)]) -> CalibrationRecord {
        let row = |&(min_precision, min_score)| ThresholdRecord {
            min_precision,
            min_score,
            coverage: 0.5,
            accepted: 50,
            precision: 1.0,
        };
        CalibrationRecord {
            head: "desk".into(),
            temperature_sets: vec!["a validation: 100 articles".into()],
            threshold_sets: vec!["a validation: 100 articles".into()],
            articles: 100,
            thresholds: thresholds.iter().map(row).collect(),
        }
    }

    #[test]
    fn a_precision_uses_the_next_higher_threshold() {
        let record = record(&[(0.8, 0.4), (0.9, 0.6)]);
        let score = |precision| record.threshold(precision).map(|threshold| threshold.min_score);
        assert_eq!([0.5, 0.8, 0.81, 0.9, 0.91].map(score), [Some(0.4), Some(0.4), Some(0.6), Some(0.6), None]);
    }

    #[test]
    fn invalid_records_are_refused() {
        let heads =
            [Head { name: "desk".into(), activation: HeadActivation::Softmax, temperature: 1.0, labels: vec![] }];
        let key = |records: &[CalibrationRecord]| find_fault(records, &heads).map(|(key, _)| key);
        assert_eq!(key(&[record(&[(0.8, 0.4), (0.9, 0.6)])]), None);
        let other = CalibrationRecord { head: "section".into(), ..record(&[]) };
        assert_eq!(key(&[other]), Some("calibration.head"));
        assert_eq!(key(&[record(&[]), record(&[])]), Some("calibration.head"));
        for score in [-0.1, 1.1, f32::NAN] {
            assert_eq!(key(&[record(&[(0.8, score)])]), Some("calibration.threshold.min_score"));
        }
        assert_eq!(key(&[record(&[(f64::NAN, 0.4)])]), Some("calibration.threshold"));
        let disordered = record(&[(0.9, 0.6), (0.8, 0.4)]);
        assert_eq!(key(&[disordered]), Some("calibration.threshold.min_precision"));
    }
}
