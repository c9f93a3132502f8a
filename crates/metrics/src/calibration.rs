//! How far scores can be believed: cases with the score of every label go in, a [`Calibration`] comes out.

use serde::Serialize;

use crate::counts::share;
use crate::truth::Truth;

/// Bins of the expected calibration error, as Guo et al. use them ("On Calibration of Modern Neural Networks", 2017).
pub const BINS: usize = 15;

/// The least probability that a logarithm is taken of, about 1e-38: what single precision rounds to 0 is not infinitely
/// wrong.
const LEAST: f64 = f32::MIN_POSITIVE as f64;

/// One article on one head, with the head's scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredCase {
    /// What is right.
    pub truth: Truth,
    /// The score of each label, 0 to 1, in the head's order.
    pub scores: Vec<f64>,
}

/// One answer: what the model thought of it, and whether it is right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredAnswer {
    /// The score, 0 to 1.
    pub score: f64,
    /// Whether it is right.
    pub right: bool,
}

/// How far the scores of one head can be believed, on one data set.
///
/// What counts as an answer depends on the truth. With one right label, or any of a set ([`Truth::One`],
/// [`Truth::AnyOf`]), it is the label with the largest score, and it is right if it is the right one or in the set. So
/// labels that stand for sets make a model look less confident than right: its score is the probability of one label
/// alone. With all labels that apply ([`Truth::All`]), every label of every article is an answer of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Expected calibration error, 0 to 1: by how much the mean score of a bin differs from the share of right answers
    /// in it, averaged over all answers. Bins are [`BINS`] ranges of the score of equal width.
    pub ece: f64,
    /// Brier score: the squared distance of the scores from what is right, averaged over the cases. With one right label
    /// 0 to 2, the sum over labels; the labels of a set count as one label that has the probability of them all. With
    /// all labels that apply 0 to 1, the mean over labels.
    pub brier: f64,
    /// Negative log-likelihood, averaged over the cases, in nats: minus the logarithm of the right label's probability
    /// or that of the whole set; with all labels that apply the mean binary cross-entropy of the labels.
    pub nll: f64,
    /// The bins that hold an answer, from low scores to high ones.
    pub bins: Vec<Bin>,
}

/// The answers whose scores are within a range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Scores are above this; in the first bin they may be 0.
    pub from: f64,
    /// Scores are up to this.
    pub to: f64,
    /// Number of answers.
    pub answers: u64,
    /// Their mean score.
    pub score: f64,
    /// Share of them that is right.
    pub accuracy: f64,
}

/// Measures how far scores can be believed. All figures are 0 where there are no cases.
pub fn calibration(cases: &[ScoredCase]) -> Calibration {
    let answers: Vec<ScoredAnswer> = cases.iter().flat_map(ScoredCase::answers).collect();
    let bins = bins(&answers);
    let gap = |bin: &Bin| bin.answers as f64 * (bin.accuracy - bin.score).abs();
    let mean = |sum: f64, number: usize| if number == 0 { 0.0 } else { sum / number as f64 };
    Calibration {
        ece: mean(bins.iter().map(gap).sum(), answers.len()),
        brier: mean(cases.iter().map(ScoredCase::brier).sum(), cases.len()),
        nll: mean(cases.iter().map(ScoredCase::nll).sum(), cases.len()),
        bins,
    }
}

/// The answers in [`BINS`] ranges of equal width; ranges without any are left out.
fn bins(answers: &[ScoredAnswer]) -> Vec<Bin> {
    let mut sums = [(0u64, 0u64, 0.0); BINS];
    for answer in answers {
        // Ranges are open below and closed above.
        let bin = ((answer.score * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let (number, right, score) = &mut sums[bin];
        *number += 1;
        *right += u64::from(answer.right);
        *score += answer.score;
    }
    let bin = |(i, (answers, right, score)): (usize, (u64, u64, f64))| Bin {
        from: i as f64 / BINS as f64,
        to: (i + 1) as f64 / BINS as f64,
        answers,
        score: score / answers as f64,
        accuracy: share(right, answers),
    };
    sums.into_iter().enumerate().filter(|(_, (answers, ..))| *answers > 0).map(bin).collect()
}

impl ScoredCase {
    /// The answers of this case: its most probable label, or each label where any number may apply.
    fn answers(&self) -> Vec<ScoredAnswer> {
        let answer = |(label, &score): (usize, &f64)| ScoredAnswer { score, right: self.truth.names(label) };
        let scores = self.scores.iter().enumerate();
        match self.truth {
            Truth::All(_) => scores.map(answer).collect(),
            // Of equal scores the first, as in a ranking.
            Truth::One(_) | Truth::AnyOf(_) => {
                scores.rev().max_by(|a, b| a.1.total_cmp(b.1)).map(answer).into_iter().collect()
            }
        }
    }

    /// The probability of the right label, or of all labels of the set that is right.
    fn mass(&self) -> f64 {
        let right = (0..self.scores.len()).filter(|&label| self.truth.names(label));
        right.map(|label| self.scores[label]).sum::<f64>().clamp(0.0, 1.0)
    }

    fn brier(&self) -> f64 {
        let wrong = |label: &usize| !self.truth.names(*label);
        let square = |label: usize| self.scores[label].powi(2);
        let labels = 0..self.scores.len();
        match self.truth {
            Truth::All(_) => {
                let distance = |label| f64::from(u8::from(self.truth.names(label))) - self.scores[label];
                let sum: f64 = labels.map(|label| distance(label).powi(2)).sum();
                if self.scores.is_empty() { 0.0 } else { sum / self.scores.len() as f64 }
            }
            Truth::One(_) | Truth::AnyOf(_) => {
                (1.0 - self.mass()).powi(2) + labels.filter(wrong).map(square).sum::<f64>()
            }
        }
    }

    fn nll(&self) -> f64 {
        let log = |probability: f64| -probability.max(LEAST).ln();
        match self.truth {
            Truth::All(_) => {
                let of = |(label, &score): (usize, &f64)| if self.truth.names(label) { score } else { 1.0 - score };
                let sum: f64 = self.scores.iter().enumerate().map(of).map(log).sum();
                if self.scores.is_empty() { 0.0 } else { sum / self.scores.len() as f64 }
            }
            Truth::One(_) | Truth::AnyOf(_) => log(self.mass()),
        }
    }
}
