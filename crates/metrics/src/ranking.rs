//! Metrics of the labels ranked by score.

use crate::calibration::ScoredCase;
use crate::case::Gold;

/// Returns the metric of the first k labels, for each k from 1 to `max_k`. All values are 0 without cases.
///
/// - [`Gold::One`] and [`Gold::AnyOf`]: the share of cases with a gold label among the first k labels, which is
///   scikit-learn's `top_k_accuracy_score`.
/// - [`Gold::All`]: precision at k, the share of the first k labels that are gold labels, averaged over cases.
///
/// Of equal scores the later label comes first, as in scikit-learn.
pub fn top_k(cases: &[ScoredCase], max_k: usize) -> Vec<f64> {
    let mut sums = vec![0.0; max_k];
    for case in cases {
        let mut ranked: Vec<usize> = (0..case.scores.len()).rev().collect();
        ranked.sort_by(|&a, &b| case.scores[b].total_cmp(&case.scores[a]));
        let mut correct = 0usize;
        for (k, sum) in sums.iter_mut().enumerate() {
            correct += usize::from(ranked.get(k).is_some_and(|&label| case.gold.contains(label)));
            *sum += match case.gold {
                Gold::All(_) => correct as f64 / (k + 1) as f64,
                Gold::One(_) | Gold::AnyOf(_) => correct.min(1) as f64,
            };
        }
    }
    let count = cases.len();
    sums.into_iter().map(|sum| if count == 0 { 0.0 } else { sum / count as f64 }).collect()
}
