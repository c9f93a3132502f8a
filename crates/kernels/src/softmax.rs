//! Scaled softmax over the last dimension, for the scores of attention.

use crate::exponential::exp;
use crate::instructions::{InstructionSet, fused};
use crate::lanes::{max, sum, sum_pairs};
use std::ops::Range;

/// Converts each row of `scores` (`width` values) into probabilities in place: `p[i] = exp(scale * s[i]) / sum`.
///
/// Only the first `valid` values of a row count. The others become zero.
///
/// # Panics
/// If `scores` is not made of whole rows, or `valid` is zero or beyond `width`.
pub fn forward(scores: &mut [f32], width: usize, valid: usize, scale: f32) {
    forward_within(scores, width, |_| 0..valid, scale);
}

/// As [`forward`], where row `i` has the values within `valid(i)`. The values outside become zero.
///
/// # Panics
/// If `scores` is not made of whole rows, or a range is empty or not within the row.
pub(crate) fn forward_within(scores: &mut [f32], width: usize, valid: impl Fn(usize) -> Range<usize>, scale: f32) {
    assert!(width > 0 && scores.len().is_multiple_of(width), "softmax: scores are not made of whole rows");
    fused!(InstructionSet::best(), |a| {
        for (number, row) in scores.chunks_exact_mut(width).enumerate() {
            let Range { start, end } = valid(number);
            assert!(start < end && end <= width, "softmax: valid range outside the row");
            row[..start].fill(0.0);
            row[end..].fill(0.0);
            let row = &mut row[start..end];
            let largest = max(row);
            for s in row.iter_mut() {
                *s = exp((*s - largest) * scale, a);
            }
            let norm = 1.0 / sum(row, |p| p);
            for p in row.iter_mut() {
                *p *= norm;
            }
        }
    });
}

/// Replaces the `gradient` of the `probabilities`, which [`forward`] returned, by the gradient of the raw scores:
/// `d[i] = scale * p[i] * (g[i] - sum_j g[j] p[j])`.
///
/// # Panics
/// If the sizes do not match.
pub fn backward(probabilities: &[f32], gradient: &mut [f32], width: usize, scale: f32) {
    assert!(width > 0 && probabilities.len().is_multiple_of(width), "softmax: not made of whole rows");
    assert!(probabilities.len() == gradient.len(), "softmax: sizes do not match");
    InstructionSet::best().run(
        #[inline(always)]
        || {
            for (p, g) in probabilities.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
                let along = sum_pairs(p, g, |p, g| p * g);
                for i in 0..width {
                    g[i] = scale * p[i] * (g[i] - along);
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_becomes_zero_and_changes_no_probability() {
        let row: Vec<f32> = (0..19).map(|i| (i as f32 * 0.7).cos() * 5.0).collect();
        let mut padded = row.clone();
        padded.extend([1e30, f32::NAN, 3.0]);
        let mut alone = row.clone();
        forward(&mut alone, 19, 19, 0.5);
        forward(&mut padded, 22, 19, 0.5);
        assert_eq!(alone, padded[..19]);
        assert_eq!(padded[19..], [0.0; 3]);
        let exact: f64 = row.iter().map(|&x| (0.5 * x as f64).exp()).sum();
        for (&p, &x) in alone.iter().zip(&row) {
            assert!((p as f64 - (0.5 * x as f64).exp() / exact).abs() < 1e-6);
        }
    }

    #[test]
    fn backward_agrees_with_finite_differences() {
        let scores: Vec<f32> = (0..12).map(|i| (i as f32 * 1.3).sin() * 2.0).collect();
        let gradient: Vec<f32> = (0..12).map(|i| (i as f32 * 0.9).cos()).collect();
        let loss = |scores: &[f32]| -> f64 {
            let mut p = scores.to_vec();
            forward(&mut p, 12, 12, 0.3);
            p.iter().zip(&gradient).map(|(&p, &g)| p as f64 * g as f64).sum()
        };
        let mut p = scores.clone();
        forward(&mut p, 12, 12, 0.3);
        let mut d = gradient.clone();
        backward(&p, &mut d, 12, 0.3);
        for i in 0..12 {
            let (mut up, mut down) = (scores.clone(), scores.clone());
            up[i] += 1e-2;
            down[i] -= 1e-2;
            let numeric = (loss(&up) - loss(&down)) / 2e-2;
            assert!((numeric - d[i] as f64).abs() < 1e-4, "at {i}: {} not {numeric}", d[i]);
        }
    }
}
