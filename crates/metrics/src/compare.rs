//! Comparison of two models on the same cases.

use crate::bootstrap::{RESAMPLES, percentiles, resample};
use crate::counts::mean;
use crate::interval::{CONFIDENCE_LEVEL, Interval};
use serde::{Deserialize, Serialize};

/// The difference in accuracy between two models on the same cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The accuracy of the second model minus that of the first.
    pub accuracy: f64,
    /// The confidence interval of the difference, by the bootstrap.
    pub interval: Interval,
    /// The number of cases that only the first model predicts correctly.
    pub only_first: u64,
    /// The number of cases that only the second model predicts correctly.
    pub only_second: u64,
    /// The p-value of McNemar's exact test, two-sided.
    pub p: f64,
}

/// Compares two models by which of the same cases each predicts correctly.
///
/// # Panics
/// If the two lists differ in length.
pub fn difference(first: &[bool], second: &[bool]) -> Difference {
    assert_eq!(first.len(), second.len(), "both models need predictions for the same cases");
    let only = |a: bool, b: bool| first.iter().zip(second).filter(|(x, y)| (**x, **y) == (a, b)).count() as u64;
    let (only_first, only_second) = (only(true, false), only(false, true));
    let gains: Vec<f64> =
        first.iter().zip(second).map(|(a, b)| f64::from(u8::from(*b)) - f64::from(u8::from(*a))).collect();
    let mut differences = Vec::with_capacity(RESAMPLES);
    resample(gains.len(), |times| {
        let sum: f64 = gains.iter().zip(times).map(|(gain, times)| gain * f64::from(*times)).sum();
        differences.push(sum / gains.len() as f64);
    });
    let [low, high] = percentiles(&mut differences, CONFIDENCE_LEVEL);
    Difference {
        accuracy: mean(gains.iter().copied()),
        interval: Interval { low, high },
        only_first,
        only_second,
        p: mcnemar(only_first, only_second),
    }
}

/// Returns the two-sided p-value of McNemar's exact test ("Note on the sampling error of the difference between correlated
/// proportions", 1947), and 1 without cases.
///
/// `only_first` and `only_second` are the numbers of cases that only one of the two models predicts correctly.
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let (all, fewer) = (only_first + only_second, only_first.min(only_second));
    // The lower tail of the binomial distribution at one half, in logarithms.
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = term;
    for drawn in 1..=fewer {
        term += ((all - drawn + 1) as f64 / drawn as f64).ln();
        let (large, small) = if term > tail { (term, tail) } else { (tail, term) };
        tail = large + (small - large).exp().ln_1p();
    }
    (2.0 * tail.exp()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_predictions_have_no_difference() {
        let same = difference(&[true, false, true], &[true, false, true]);
        assert_eq!((same.accuracy, same.interval, same.p), (0.0, Interval { low: 0.0, high: 0.0 }, 1.0));
        let none = difference(&[], &[]);
        assert_eq!((none.accuracy, none.p, none.only_first), (0.0, 1.0, 0));
    }

    #[test]
    fn large_difference_is_significant() {
        let first: Vec<bool> = (0..1000).map(|case| case % 10 < 7).collect();
        let second: Vec<bool> = (0..1000).map(|case| case % 10 < 8).collect();
        let found = difference(&first, &second);
        assert_eq!((found.only_first, found.only_second), (0, 100));
        assert!((found.accuracy - 0.1).abs() < 1e-12 && found.interval.low > 0.07 && found.p < 1e-25, "{found:?}");
    }

    #[test]
    fn mcnemar_does_not_underflow_with_millions_of_cases() {
        let p = mcnemar(1_000_000, 1_002_000);
        // By the normal distribution: 2000 / sqrt(2002000) standard errors.
        assert!((p - 0.1576).abs() < 1e-3, "{p}");
        assert_eq!(mcnemar(0, 0), 1.0);
    }
}
