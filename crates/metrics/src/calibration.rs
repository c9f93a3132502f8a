//! Calibration: how well scores agree with accuracy.

use serde::Serialize;

use crate::case::Gold;
use crate::counts::ratio;

/// The number of bins of the expected calibration error, as in Guo et al. ("On Calibration of Modern Neural Networks", 2017).
pub const BINS: usize = 15;

/// The smallest probability whose logarithm is taken, about 1e-38. A probability that f32 rounds to 0 must not have an
/// infinite loss.
const MIN_PROBABILITY: f64 = f32::MIN_POSITIVE as f64;

/// One article on one head, with the head's scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredCase {
    /// The gold labels.
    pub gold: Gold,
    /// The score of each label, 0 to 1, in the head's order.
    pub scores: Vec<f64>,
}

/// One prediction: its score and whether it is correct.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredPrediction {
    /// The score, 0 to 1.
    pub score: f64,
    /// Whether the prediction is correct.
    pub is_correct: bool,
}

/// The calibration of one head on one data set.
///
/// What counts as a prediction depends on the gold labels:
///
/// - [`Gold::One`] and [`Gold::AnyOf`]: the label with the largest score. It is correct if it is the gold label or one of
///   the allowed labels. With several allowed labels a model looks underconfident, since its score is the probability of one
///   label only.
/// - [`Gold::All`]: every label of every article is a prediction of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The expected calibration error, 0 to 1: the absolute difference between the mean score of a bin and its accuracy,
    /// averaged over all predictions. Bins are [`BINS`] ranges of the score of equal width.
    pub ece: f64,
    /// The Brier score: the squared distance of the scores from the gold labels, averaged over cases.
    ///
    /// For [`Gold::One`] and [`Gold::AnyOf`] it is the sum over labels, 0 to 2. All allowed labels count as one label with
    /// the sum of their probabilities. For [`Gold::All`] it is the mean over labels, 0 to 1.
    pub brier: f64,
    /// The negative log-likelihood in nats, averaged over cases.
    ///
    /// For [`Gold::One`] and [`Gold::AnyOf`] it is minus the logarithm of the probability of the gold label, or of all
    /// allowed labels. For [`Gold::All`] it is the mean binary cross-entropy of the labels.
    pub nll: f64,
    /// The bins that are not empty, from low scores to high scores.
    pub bins: Vec<Bin>,
}

/// The predictions whose scores are within a range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// The lower end of the range, exclusive except for 0.
    pub from: f64,
    /// The upper end of the range, inclusive.
    pub to: f64,
    /// The number of predictions.
    pub predictions: u64,
    /// Their mean score.
    pub score: f64,
    /// Their accuracy.
    pub accuracy: f64,
}

/// Measures the calibration of scores. All values are 0 without cases.
pub fn calibration(cases: &[ScoredCase]) -> Calibration {
    let predictions: Vec<ScoredPrediction> = cases.iter().flat_map(ScoredCase::predictions).collect();
    let bins = bins(&predictions);
    let gap = |bin: &Bin| bin.predictions as f64 * (bin.accuracy - bin.score).abs();
    let mean = |sum: f64, count: usize| if count == 0 { 0.0 } else { sum / count as f64 };
    Calibration {
        ece: mean(bins.iter().map(gap).sum(), predictions.len()),
        brier: mean(cases.iter().map(ScoredCase::brier).sum(), cases.len()),
        nll: mean(cases.iter().map(ScoredCase::nll).sum(), cases.len()),
        bins,
    }
}

/// Sorts predictions into [`BINS`] ranges of equal width, without the empty ones.
fn bins(predictions: &[ScoredPrediction]) -> Vec<Bin> {
    let mut sums = [(0u64, 0u64, 0.0); BINS];
    for prediction in predictions {
        // Ranges are open below and closed above.
        let bin = ((prediction.score * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let (count, correct, score) = &mut sums[bin];
        *count += 1;
        *correct += u64::from(prediction.is_correct);
        *score += prediction.score;
    }
    let bin = |(i, (predictions, correct, score)): (usize, (u64, u64, f64))| Bin {
        from: i as f64 / BINS as f64,
        to: (i + 1) as f64 / BINS as f64,
        predictions,
        score: score / predictions as f64,
        accuracy: ratio(correct, predictions),
    };
    sums.into_iter().enumerate().filter(|(_, (predictions, ..))| *predictions > 0).map(bin).collect()
}

impl ScoredCase {
    /// Returns the predictions of this case: its most probable label, or every label for [`Gold::All`].
    fn predictions(&self) -> Vec<ScoredPrediction> {
        let prediction =
            |(label, &score): (usize, &f64)| ScoredPrediction { score, is_correct: self.gold.contains(label) };
        let scores = self.scores.iter().enumerate();
        match self.gold {
            Gold::All(_) => scores.map(prediction).collect(),
            // Of equal scores the first label wins.
            Gold::One(_) | Gold::AnyOf(_) => {
                scores.rev().max_by(|a, b| a.1.total_cmp(b.1)).map(prediction).into_iter().collect()
            }
        }
    }

    /// Returns the probability of the gold label, or of all allowed labels together.
    fn gold_probability(&self) -> f64 {
        let gold = (0..self.scores.len()).filter(|&label| self.gold.contains(label));
        gold.map(|label| self.scores[label]).sum::<f64>().clamp(0.0, 1.0)
    }

    fn brier(&self) -> f64 {
        let wrong = |label: &usize| !self.gold.contains(*label);
        let square = |label: usize| self.scores[label].powi(2);
        let labels = 0..self.scores.len();
        match self.gold {
            Gold::All(_) => {
                let distance = |label| f64::from(u8::from(self.gold.contains(label))) - self.scores[label];
                let sum: f64 = labels.map(|label| distance(label).powi(2)).sum();
                if self.scores.is_empty() { 0.0 } else { sum / self.scores.len() as f64 }
            }
            Gold::One(_) | Gold::AnyOf(_) => {
                (1.0 - self.gold_probability()).powi(2) + labels.filter(wrong).map(square).sum::<f64>()
            }
        }
    }

    fn nll(&self) -> f64 {
        let log = |probability: f64| -probability.max(MIN_PROBABILITY).ln();
        match self.gold {
            Gold::All(_) => {
                let of = |(label, &score): (usize, &f64)| if self.gold.contains(label) { score } else { 1.0 - score };
                let sum: f64 = self.scores.iter().enumerate().map(of).map(log).sum();
                if self.scores.is_empty() { 0.0 } else { sum / self.scores.len() as f64 }
            }
            Gold::One(_) | Gold::AnyOf(_) => log(self.gold_probability()),
        }
    }
}
