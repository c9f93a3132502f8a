//! Where the right labels stand when labels are ordered by score.

use crate::calibration::ScoredCase;
use crate::truth::Truth;

/// How good the first k labels are, for k from 1 to `most`.
///
/// Where one label is right, or any of a set, a figure is the share of cases for which such a label is among the first k:
/// scikit-learn's `top_k_accuracy_score`. Where all of several are right, it is precision at k: the share of the first k
/// labels that are right, as the mean over cases. As in scikit-learn, of equal scores the later label stands first. All
/// figures are 0 where there are no cases.
pub fn top_k(cases: &[ScoredCase], most: usize) -> Vec<f64> {
    let mut sums = vec![0.0; most];
    for case in cases {
        let mut ranked: Vec<usize> = (0..case.scores.len()).rev().collect();
        ranked.sort_by(|&a, &b| case.scores[b].total_cmp(&case.scores[a]));
        let mut right = 0usize;
        for (k, sum) in sums.iter_mut().enumerate() {
            right += usize::from(ranked.get(k).is_some_and(|&label| case.truth.names(label)));
            *sum += match case.truth {
                Truth::All(_) => right as f64 / (k + 1) as f64,
                Truth::One(_) | Truth::AnyOf(_) => right.min(1) as f64,
            };
        }
    }
    let all = cases.len();
    sums.into_iter().map(|sum| if all == 0 { 0.0 } else { sum / all as f64 }).collect()
}
