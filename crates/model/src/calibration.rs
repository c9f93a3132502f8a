//! From which score on a head's answers are right often enough: what was measured on labelled articles, and kept in the
//! manifest for later runs without any.

use crate::head::Head;
use serde::{Deserialize, Serialize};

/// What one head's answers on labelled articles said about its scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationRecord {
    /// The head.
    pub head: String,
    /// Labelled sets by which its temperature was fitted, with the articles that are labelled for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temperature_sets: Vec<String>,
    /// Labelled sets by which its thresholds were found, with the articles that are labelled for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threshold_sets: Vec<String>,
    /// Articles of the latter together, those with the same words counted once.
    pub articles: u64,
    /// The precisions that are reached, the lowest first.
    #[serde(default, rename = "threshold", skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<ThresholdRecord>,
}

/// From which score on answers reach a precision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdRecord {
    /// Share of the answers that is right at least, as far as the articles can tell.
    pub min_precision: f64,
    /// The lowest score from which on that holds.
    pub min_score: f32,
    /// Share of the answers that have such a score.
    pub coverage: f64,
    /// Number of answers that have such a score.
    pub answers: u64,
    /// Share of these that was right.
    pub precision: f64,
}

impl CalibrationRecord {
    /// The lowest score from which on at least this share of the answers is right. A precision between two that were
    /// looked for takes the higher one's; `None` if that is not reached.
    pub fn threshold(&self, precision: f64) -> Option<&ThresholdRecord> {
        self.thresholds.iter().find(|threshold| threshold.min_precision >= precision)
    }
}

/// Key and cause of what is wrong with the records for these heads, if anything.
pub(crate) fn fault(records: &[CalibrationRecord], heads: &[Head]) -> Option<(&'static str, String)> {
    let share = |x: f64| (0.0..=1.0).contains(&x);
    for (number, record) in records.iter().enumerate() {
        let name = &record.head;
        if !heads.iter().any(|head| head.name == *name) {
            return Some(("calibration.head", format!("there is no head `{name}`")));
        }
        if records[..number].iter().any(|earlier| earlier.head == *name) {
            return Some(("calibration.head", format!("`{name}` is there twice")));
        }
        for threshold in &record.thresholds {
            let ThresholdRecord { min_precision, min_score, coverage, precision, .. } = *threshold;
            if !share(f64::from(min_score)) {
                let cause = format!("{min_score} of `{name}` is not within 0..=1");
                return Some(("calibration.threshold.min_score", cause));
            }
            if let Some(wrong) = [min_precision, coverage, precision].into_iter().find(|&x| !share(x)) {
                return Some(("calibration.threshold", format!("{wrong} of `{name}` is not within 0..=1")));
            }
        }
        if !record.thresholds.is_sorted_by(|a, b| a.min_precision < b.min_precision) {
            let cause = format!("those of `{name}` are not in the order of their precisions");
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
            answers: 50,
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
    fn a_precision_takes_the_next_higher_one() {
        let record = record(&[(0.8, 0.4), (0.9, 0.6)]);
        let score = |precision| record.threshold(precision).map(|threshold| threshold.min_score);
        assert_eq!([0.5, 0.8, 0.81, 0.9, 0.91].map(score), [Some(0.4), Some(0.4), Some(0.6), Some(0.6), None]);
    }

    #[test]
    fn records_that_cannot_be() {
        let heads =
            [Head { name: "desk".into(), activation: HeadActivation::Softmax, temperature: 1.0, labels: vec![] }];
        let key = |records: &[CalibrationRecord]| fault(records, &heads).map(|(key, _)| key);
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
