//! Selective prediction: the accuracy of the predictions above a score, and the score that reaches a precision.

use serde::Serialize;

use crate::calibration::ScoredPrediction;
use crate::counts::ratio;

/// The confidence of [`threshold_for_precision`] at each score that it tests.
///
/// It tests many scores, so its confidence in the score that it returns is slightly lower. In simulations with calibrated
/// scores, 150 to 2,000 predictions and precisions of 0.8 to 0.95, at most 6 % of all searches returned a score that was
/// too low.
pub const THRESHOLD_CONFIDENCE: f64 = 0.95;

/// The coverage and accuracy of the predictions with at least a certain score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SelectiveAccuracy {
    /// The lowest score of an accepted prediction.
    pub min_score: f64,
    /// The number of all predictions.
    pub predictions: u64,
    /// The number of accepted predictions.
    pub accepted: u64,
    /// The number of accepted predictions that are correct.
    pub correct: u64,
    /// `accepted / predictions`, and 0 without predictions.
    pub coverage: f64,
    /// `correct / accepted`, and 0 if none is accepted.
    pub accuracy: f64,
}

impl SelectiveAccuracy {
    fn new(min_score: f64, predictions: usize, accepted: u64, correct: u64) -> Self {
        let predictions = predictions as u64;
        let (coverage, accuracy) = (ratio(accepted, predictions), ratio(correct, accepted));
        Self { min_score, predictions, accepted, correct, coverage, accuracy }
    }
}

/// Returns coverage and accuracy of the predictions with a score of at least `min_score`.
pub fn selective_accuracy(predictions: &[ScoredPrediction], min_score: f64) -> SelectiveAccuracy {
    let accepted = || predictions.iter().filter(|prediction| prediction.score >= min_score);
    let correct = accepted().filter(|prediction| prediction.is_correct).count() as u64;
    SelectiveAccuracy::new(min_score, predictions.len(), accepted().count() as u64, correct)
}

/// Returns coverage and accuracy for each distinct score as the minimum, the highest first. The last entry accepts all
/// predictions. Predictions with NaN as their score are never accepted.
pub fn coverage_curve(predictions: &[ScoredPrediction]) -> Vec<SelectiveAccuracy> {
    let ranked = ranked(predictions);
    let mut correct = 0;
    let mut curve = vec![];
    for (index, prediction) in ranked.iter().enumerate() {
        correct += u64::from(prediction.is_correct);
        if ranked.get(index + 1).is_none_or(|next| next.score < prediction.score) {
            curve.push(SelectiveAccuracy::new(prediction.score, predictions.len(), index as u64 + 1, correct));
        }
    }
    curve
}

/// Returns predictions sorted by score, the highest first, without those whose score is NaN.
fn ranked(predictions: &[ScoredPrediction]) -> Vec<&ScoredPrediction> {
    let mut ranked: Vec<&ScoredPrediction> =
        predictions.iter().filter(|prediction| !prediction.score.is_nan()).collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

/// Returns the lowest score for which the accepted predictions reach `precision` with confidence, or `None` if no score
/// does.
///
/// With few predictions a high accuracy may be chance. So the lower end of the one-sided confidence interval of the
/// accuracy (Clopper and Pearson, 1934; at [`THRESHOLD_CONFIDENCE`]) must reach `precision`. Without a single error this
/// takes 59 predictions for a precision of 0.95, and 299 for 0.99.
pub fn threshold_for_precision(predictions: &[ScoredPrediction], precision: f64) -> Option<SelectiveAccuracy> {
    let ranked = ranked(predictions);
    let mut correct: u64 = ranked.iter().map(|prediction| u64::from(prediction.is_correct)).sum();
    for accepted in (1..=ranked.len()).rev() {
        let score = ranked[accepted - 1].score;
        // Predictions of equal scores are accepted together.
        let is_last_of_score = ranked.get(accepted).is_none_or(|next| next.score < score);
        if is_last_of_score && reaches_precision(correct, accepted as u64, precision) {
            return Some(SelectiveAccuracy::new(score, predictions.len(), accepted as u64, correct));
        }
        correct -= u64::from(ranked[accepted - 1].is_correct);
    }
    None
}

/// Returns whether the true precision is at least `precision` with confidence, given the counts.
///
/// That is the case if a model with exactly this precision would reach the observed number of correct predictions in at most
/// one of twenty samples.
fn reaches_precision(correct: u64, predictions: u64, precision: f64) -> bool {
    if precision <= 0.0 {
        return true;
    }
    if precision >= 1.0 || ratio(correct, predictions) < precision {
        return false;
    }
    // The upper tail of the binomial distribution, from all predictions correct down to `correct`, in logarithms.
    let odds = ((1.0 - precision) / precision).ln();
    let mut term = predictions as f64 * precision.ln();
    let mut tail = term;
    for count in (correct + 1..=predictions).rev() {
        term += (count as f64 / (predictions - count + 1) as f64).ln() + odds;
        let (large, small) = if term > tail { (term, tail) } else { (tail, term) };
        tail = large + (small - large).exp().ln_1p();
    }
    tail <= (1.0 - THRESHOLD_CONFIDENCE).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the maximum number of errors with which a precision is still reached.
    fn max_errors(predictions: u64, precision: f64) -> Option<u64> {
        (0..=predictions).take_while(|errors| reaches_precision(predictions - errors, predictions, precision)).last()
    }

    #[test]
    fn bound_is_that_of_clopper_and_pearson() {
        // Without an error the bound is 0.05^(1/n).
        let first = |precision| (1..1000).find(|&n| reaches_precision(n, n, precision));
        assert_eq!([0.8, 0.9, 0.95, 0.98, 0.99].map(first), [14, 29, 59, 149, 299].map(Some));
        // From the tail of the binomial distribution, with each term from the gamma function.
        assert_eq!([93, 124, 181].map(|n| max_errors(n, 0.95)), [Some(1), Some(2), Some(4)]);
        assert_eq!([92, 123, 180].map(|n| max_errors(n, 0.95)), [Some(0), Some(1), Some(3)]);
        assert_eq!((max_errors(1000, 0.9), max_errors(100_000, 0.8)), (Some(84), Some(19_791)));
    }

    #[test]
    fn precision_zero_is_always_reached_and_one_never() {
        assert!(reaches_precision(0, 10, 0.0) && !reaches_precision(1000, 1000, 1.0));
        assert!(!reaches_precision(0, 0, 0.5));
    }
}
