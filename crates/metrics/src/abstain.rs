//! Answers that are held back because their score is too low: what is left, and from which score on enough of it is
//! right.

use serde::Serialize;

use crate::calibration::ScoredAnswer;
use crate::counts::share;

/// How sure [`threshold`] is at each score that a precision is reached. As it looks at many scores, it is a little less sure of the
/// one that it finds: in simulations with scores that are right, 150 to 2,000 answers and precisions of 0.8 to 0.95, at most 6 % of
/// all searches found one that was too low.
pub const CONFIDENCE: f64 = 0.95;

/// What is left of a head's answers when those below a score are held back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Answered {
    /// The score from which on answers are given.
    pub min_score: f64,
    /// Number of answers, those that are held back included.
    pub answers: u64,
    /// Number of answers that are given.
    pub given: u64,
    /// Number of these that are right.
    pub correct: u64,
    /// `given / answers`, and 0 if there are none.
    pub coverage: f64,
    /// `correct / given`, and 0 if none are given.
    pub accuracy: f64,
}

impl Answered {
    fn new(min_score: f64, answers: usize, given: u64, correct: u64) -> Self {
        let answers = answers as u64;
        let (coverage, accuracy) = (share(given, answers), share(correct, given));
        Self { min_score, answers, given, correct, coverage, accuracy }
    }
}

/// What is left of these answers when those with a score below `min_score` are held back.
pub fn answered(answers: &[ScoredAnswer], min_score: f64) -> Answered {
    let given = || answers.iter().filter(|answer| answer.score >= min_score);
    let correct = given().filter(|answer| answer.right).count() as u64;
    Answered::new(min_score, answers.len(), given().count() as u64, correct)
}

/// What is left of these answers for each score among them, the highest first: how precision falls as coverage rises. The
/// last entry has all answers.
pub fn coverage(answers: &[ScoredAnswer]) -> Vec<Answered> {
    let ranked = ranked(answers);
    let mut correct = 0;
    let mut found = vec![];
    for (number, answer) in ranked.iter().enumerate() {
        correct += u64::from(answer.right);
        if ranked.get(number + 1).is_none_or(|next| next.score < answer.score) {
            found.push(Answered::new(answer.score, answers.len(), number as u64 + 1, correct));
        }
    }
    found
}

/// Answers by their scores, the highest first; those without a number for a score are left out.
fn ranked(answers: &[ScoredAnswer]) -> Vec<&ScoredAnswer> {
    let mut ranked: Vec<&ScoredAnswer> = answers.iter().filter(|answer| !answer.score.is_nan()).collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

/// The lowest score from which on at least `precision` of the answers are right, as far as these answers can tell;
/// `None` if no score is.
///
/// It is not enough that so many of these answers are right: that happens by chance where there are few. The lower end
/// of their share's one-sided confidence interval (Clopper and Pearson, 1934; [`CONFIDENCE`]) must not be below
/// `precision`. Without a single wrong answer that takes 59 answers for a precision of 0.95, and 299 for 0.99.
pub fn threshold(answers: &[ScoredAnswer], precision: f64) -> Option<Answered> {
    let ranked = ranked(answers);
    let mut correct: u64 = ranked.iter().map(|answer| u64::from(answer.right)).sum();
    for given in (1..=ranked.len()).rev() {
        let score = ranked[given - 1].score;
        // Answers of one score are given together.
        let is_whole = ranked.get(given).is_none_or(|next| next.score < score);
        if is_whole && is_surely_at_least(correct, given as u64, precision) {
            return Some(Answered::new(score, answers.len(), given as u64, correct));
        }
        correct -= u64::from(ranked[given - 1].right);
    }
    None
}

/// Whether so many right answers of so many say that the share of right ones is at least `precision`: whether they would
/// be as many in at most one of twenty samples if it were just that.
fn is_surely_at_least(correct: u64, answers: u64, precision: f64) -> bool {
    if precision <= 0.0 {
        return true;
    }
    if precision >= 1.0 || share(correct, answers) < precision {
        return false;
    }
    // The binomial distribution's upper tail, from all answers right down to `correct`, in logarithms.
    let odds = ((1.0 - precision) / precision).ln();
    let mut term = answers as f64 * precision.ln();
    let mut tail = term;
    for right in (correct + 1..=answers).rev() {
        term += (right as f64 / (answers - right + 1) as f64).ln() + odds;
        let (large, small) = if term > tail { (term, tail) } else { (tail, term) };
        tail = large + (small - large).exp().ln_1p();
    }
    tail <= (1.0 - CONFIDENCE).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most wrong answers of so many with which a precision is still sure.
    fn most_wrong(answers: u64, precision: f64) -> Option<u64> {
        (0..=answers).take_while(|wrong| is_surely_at_least(answers - wrong, answers, precision)).last()
    }

    #[test]
    fn the_bound_is_that_of_clopper_and_pearson() {
        // Without a wrong answer the bound is the twentieth part's root: 0.05^(1/n).
        let first = |precision| (1..1000).find(|&n| is_surely_at_least(n, n, precision));
        assert_eq!([0.8, 0.9, 0.95, 0.98, 0.99].map(first), [14, 29, 59, 149, 299].map(Some));
        // By the binomial distribution's tail, each of its terms from the gamma function.
        assert_eq!([93, 124, 181].map(|n| most_wrong(n, 0.95)), [Some(1), Some(2), Some(4)]);
        assert_eq!([92, 123, 180].map(|n| most_wrong(n, 0.95)), [Some(0), Some(1), Some(3)]);
        assert_eq!((most_wrong(1000, 0.9), most_wrong(100_000, 0.8)), (Some(84), Some(19_791)));
    }

    #[test]
    fn precisions_that_are_none() {
        assert!(is_surely_at_least(0, 10, 0.0) && !is_surely_at_least(1000, 1000, 1.0));
        assert!(!is_surely_at_least(0, 0, 0.5));
    }
}
