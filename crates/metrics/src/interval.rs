//! Confidence intervals: of accuracy by Wilson's formula, of macro-F1 by the bootstrap.

use crate::bootstrap::{RESAMPLES, percentiles, resample};
use crate::case::Case;
use crate::counts::Counts;
use serde::{Deserialize, Serialize};

/// The confidence level of all intervals.
pub const CONFIDENCE_LEVEL: f64 = 0.95;

/// The quantile of the normal distribution for [`CONFIDENCE_LEVEL`], two-sided.
const STANDARD_ERRORS: f64 = 1.959_963_984_540_054;

/// A confidence interval at [`CONFIDENCE_LEVEL`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The confidence intervals of a head's metrics on one data set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// The interval of the accuracy.
    pub accuracy: Interval,
    /// The interval of macro-F1, over the labels that occur in each resample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macro_f1: Option<Interval>,
}

/// Returns the intervals of accuracy (see [`wilson_interval`]) and macro-F1 (bootstrap) of a head with `labels` labels.
///
/// For [`Gold::AnyOf`](crate::Gold::AnyOf) a case counts under the predicted label if it is allowed. Without cases the
/// intervals are from 0 to 0.
pub fn intervals(labels: usize, cases: &[Case]) -> Intervals {
    let mut f1s = Vec::with_capacity(RESAMPLES);
    // The gold and the predicted labels of each case.
    let pairs: Vec<(Vec<usize>, Vec<usize>)> = cases
        .iter()
        .map(|case| {
            let predicted = case.predicted_set();
            (case.gold.labels_nearest(&predicted), predicted)
        })
        .collect();
    resample(cases.len(), |times| {
        let mut counts = Counts::new(labels);
        for ((gold, predicted), &times) in pairs.iter().zip(times).filter(|(_, times)| **times > 0) {
            counts.add_times(gold, predicted, u64::from(times));
        }
        f1s.push(counts.macro_f1());
    });
    let correct = cases.iter().filter(|case| case.is_correct(labels)).count() as u64;
    let [low, high] = percentiles(&mut f1s, CONFIDENCE_LEVEL);
    Intervals { accuracy: wilson_interval(correct, cases.len() as u64), macro_f1: Some(Interval { low, high }) }
}

/// Returns Wilson's score interval of a proportion ("Probable inference, the law of succession, and statistical
/// inference", 1927), from 0 to 0 without cases.
///
/// With few cases it is wide even if all of them are correct, where a bootstrap interval would have no width.
pub fn wilson_interval(correct: u64, cases: u64) -> Interval {
    if cases == 0 {
        return Interval { low: 0.0, high: 0.0 };
    }
    let (n, share) = (cases as f64, correct as f64 / cases as f64);
    let square = STANDARD_ERRORS * STANDARD_ERRORS;
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = STANDARD_ERRORS / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    // Rounding must not exclude the proportion itself.
    Interval { low: (middle - half).clamp(0.0, share), high: (middle + half).clamp(share, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_interval_agrees_with_statsmodels() {
        // statsmodels' proportion_confint(method="wilson").
        let close = |correct, cases, low: f64, high: f64| {
            let found = wilson_interval(correct, cases);
            let is_close = (found.low - low).abs() < 1e-4 && (found.high - high).abs() < 1e-4;
            assert!(is_close, "{correct} of {cases}: {found:?}");
        };
        close(320, 400, 0.7580, 0.8363);
        close(5, 5, 0.5655, 1.0);
        close(0, 1, 0.0, 0.7935);
        assert_eq!(wilson_interval(0, 0), Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn macro_f1_interval_is_about_two_standard_errors_wide() {
        let case = |i: usize| {
            let predicted = vec![if i.is_multiple_of(5) { 1 - i % 2 } else { i % 2 }];
            Case { gold: crate::Gold::One(i % 2), predicted, also_correct: vec![], data_set_label: None }
        };
        let cases: Vec<Case> = (0..400).map(case).collect();
        let Interval { low, high } = intervals(2, &cases).macro_f1.expect("it is always computed");
        // 0.8, plus and minus two standard errors of about 0.02, from a thousand resamples.
        assert!((low - 0.7608).abs() < 0.008 && (high - 0.8392).abs() < 0.008, "{low} {high}");
        assert_eq!(intervals(2, &cases), intervals(2, &cases));
        assert_eq!(intervals(2, &[]).macro_f1, Some(Interval { low: 0.0, high: 0.0 }));
    }
}
