//! How sure a figure is: of a share by a formula, of others by what it would be on other samples of the same size, drawn from the one
//! that there is.
//!
//! The bootstrap (Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979) with percentile intervals. Draws follow from a
//! fixed seed, so the same cases have the same interval.

use crate::counts::{Counts, mean};
use crate::truth::Case;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// How likely the true figure is within an interval.
pub const LEVEL: f64 = 0.95;

/// Samples that are drawn.
pub const SAMPLES: usize = 1000;

const SEED: u64 = 0;

/// Standard errors of a normal distribution between which [`LEVEL`] of it lies.
const STANDARD_ERRORS: f64 = 1.959_963_984_540_054;

/// Where a figure is likely to be; [`LEVEL`] says how likely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The intervals of a head's figures on one data set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Of the accuracy.
    pub accuracy: Interval,
    /// Of macro-F1 over the labels that occur in a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macro_f1: Option<Interval>,
}

/// A difference between two models on the same cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The second one's accuracy less the first one's.
    pub accuracy: f64,
    /// Where that is likely to be.
    pub interval: Interval,
    /// Cases that only the first one has right.
    pub only_first: u64,
    /// Cases that only the second one has right.
    pub only_second: u64,
    /// How likely so large a difference is if both are equally good: McNemar's exact test, two-sided.
    pub p: f64,
}

/// The intervals of accuracy (see [`share_interval`]) and macro-F1 (bootstrap) of a head of so many labels. Where any of several labels would do, a case counts under
/// the predicted one if it is among them. Without cases they go from 0 to 0.
pub fn intervals(labels: usize, cases: &[Case]) -> Intervals {
    let mut f1s = Vec::with_capacity(SAMPLES);
    // What a case adds to the counts of labels.
    let parts: Vec<(Vec<usize>, Vec<usize>)> = cases
        .iter()
        .map(|case| {
            let predicted = case.predicted_set();
            (case.truth.labels_nearest(&predicted), predicted)
        })
        .collect();
    samples(cases.len(), |times| {
        let mut counts = Counts::new(labels);
        for ((truth, predicted), &times) in parts.iter().zip(times).filter(|(_, times)| **times > 0) {
            counts.add_times(truth, predicted, u64::from(times));
        }
        f1s.push(counts.macro_f1());
    });
    let right = cases.iter().filter(|case| case.is_right(labels)).count() as u64;
    Intervals { accuracy: share_interval(right, cases.len() as u64), macro_f1: Some(percentiles(&mut f1s)) }
}

/// The interval of a share of right answers, by Wilson's score ("Probable inference, the law of succession, and statistical inference",
/// 1927): unlike samples drawn from so many right ones, it knows that a few right answers of a few say little. From 0 to 0 without any.
pub fn share_interval(right: u64, all: u64) -> Interval {
    if all == 0 {
        return Interval { low: 0.0, high: 0.0 };
    }
    let (n, share) = (all as f64, right as f64 / all as f64);
    let square = STANDARD_ERRORS * STANDARD_ERRORS;
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = STANDARD_ERRORS / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    // Rounding must not part an end from the share itself.
    Interval { low: (middle - half).clamp(0.0, share), high: (middle + half).clamp(share, 1.0) }
}

/// Compares two models by which of the same cases they have right.
///
/// # Panics
/// If there are not as many of the one as of the other.
pub fn difference(first: &[bool], second: &[bool]) -> Difference {
    assert_eq!(first.len(), second.len(), "two models on the same cases");
    let only = |a: bool, b: bool| first.iter().zip(second).filter(|(x, y)| (**x, **y) == (a, b)).count() as u64;
    let (only_first, only_second) = (only(true, false), only(false, true));
    let gains: Vec<f64> =
        first.iter().zip(second).map(|(a, b)| f64::from(u8::from(*b)) - f64::from(u8::from(*a))).collect();
    let mut differences = Vec::with_capacity(SAMPLES);
    samples(gains.len(), |times| {
        let sum: f64 = gains.iter().zip(times).map(|(gain, times)| gain * f64::from(*times)).sum();
        differences.push(sum / gains.len() as f64);
    });
    Difference {
        accuracy: mean(gains.iter().copied()),
        interval: percentiles(&mut differences),
        only_first,
        only_second,
        p: mcnemar(only_first, only_second),
    }
}

/// The two-sided p-value of McNemar's exact test ("Note on the sampling error of the difference between correlated proportions",
/// 1947): how likely cases that only one of two models has right are so unevenly spread by chance. 1 if there are none.
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let (all, fewer) = (only_first + only_second, only_first.min(only_second));
    // The binomial distribution's lower tail at one half, in logarithms.
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = term;
    for drawn in 1..=fewer {
        term += ((all - drawn + 1) as f64 / drawn as f64).ln();
        let (large, small) = if term > tail { (term, tail) } else { (tail, term) };
        tail = large + (small - large).exp().ln_1p();
    }
    (2.0 * tail.exp()).min(1.0)
}

/// Draws samples of as many cases as there are, with replacement; `sample` is told how often each case is in it. Nothing is drawn
/// where there are no cases.
fn samples(cases: usize, mut sample: impl FnMut(&[u32])) {
    if cases == 0 {
        return;
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut times = vec![0u32; cases];
    for _ in 0..SAMPLES {
        times.fill(0);
        (0..cases).for_each(|_| times[random.random_range(0..cases)] += 1);
        sample(&times);
    }
}

/// The middle [`LEVEL`] of what was drawn.
fn percentiles(drawn: &mut [f64]) -> Interval {
    if drawn.is_empty() {
        return Interval { low: 0.0, high: 0.0 };
    }
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn[((drawn.len() - 1) as f64 * share).round() as usize];
    Interval { low: at((1.0 - LEVEL) / 2.0), high: at((1.0 + LEVEL) / 2.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_share_is_wilsons() {
        // statsmodels' proportion_confint(method="wilson").
        let close = |right, all, low: f64, high: f64| {
            let found = share_interval(right, all);
            assert!((found.low - low).abs() < 1e-4 && (found.high - high).abs() < 1e-4, "{right} of {all}: {found:?}");
        };
        close(320, 400, 0.7580, 0.8363);
        close(5, 5, 0.5655, 1.0);
        close(0, 1, 0.0, 0.7935);
        assert_eq!(share_interval(0, 0), Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn macro_f1_varies_about_as_a_mean_of_shares() {
        let case = |i: usize| {
            let predicted = vec![if i.is_multiple_of(5) { 1 - i % 2 } else { i % 2 }];
            Case { truth: crate::Truth::One(i % 2), predicted, also: vec![], source_label: None }
        };
        let cases: Vec<Case> = (0..400).map(case).collect();
        let Interval { low, high } = intervals(2, &cases).macro_f1.expect("one right label");
        // 0.8 and twice a standard error of about 0.02, drawn a thousand times.
        assert!((low - 0.7608).abs() < 0.008 && (high - 0.8392).abs() < 0.008, "{low} {high}");
        assert_eq!(intervals(2, &cases), intervals(2, &cases));
        assert_eq!(intervals(2, &[]).macro_f1, Some(Interval { low: 0.0, high: 0.0 }));
    }

    #[test]
    fn the_same_answers_are_no_difference() {
        let same = difference(&[true, false, true], &[true, false, true]);
        assert_eq!((same.accuracy, same.interval, same.p), (0.0, Interval { low: 0.0, high: 0.0 }, 1.0));
        let none = difference(&[], &[]);
        assert_eq!((none.accuracy, none.p, none.only_first), (0.0, 1.0, 0));
    }

    #[test]
    fn a_clear_difference_is_one() {
        let first: Vec<bool> = (0..1000).map(|case| case % 10 < 7).collect();
        let second: Vec<bool> = (0..1000).map(|case| case % 10 < 8).collect();
        let found = difference(&first, &second);
        assert_eq!((found.only_first, found.only_second), (0, 100));
        assert!((found.accuracy - 0.1).abs() < 1e-12 && found.interval.low > 0.07 && found.p < 1e-25, "{found:?}");
    }

    #[test]
    fn many_cases_do_not_run_out_of_numbers() {
        let p = mcnemar(1_000_000, 1_002_000);
        // By the normal distribution: 2000 / sqrt(2002000) standard errors.
        assert!((p - 0.1576).abs() < 1e-3, "{p}");
        assert_eq!(mcnemar(0, 0), 1.0);
    }
}
