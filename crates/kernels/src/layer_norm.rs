//! Layer normalisation over the last dimension, and its gradient.
//!
//! Source of the formula: Ba, Kiros and Hinton, "Layer Normalization", 2016. With `n = (x - mean) / deviation`,
//! `y = n * weight + bias`.

use crate::instructions::InstructionSet;
use crate::lanes::{sum, sum_pairs};

/// Returns the mean and `1 / sqrt(variance + epsilon)` of a row. If the variance overflows, the second is NaN rather than 0,
/// which would turn the row into plausible numbers.
#[inline(always)]
fn moments(row: &[f32], epsilon: f32) -> (f32, f32) {
    let width = row.len() as f32;
    let mean = sum(row, |x| x) / width;
    let variance = sum(row, |x| (x - mean) * (x - mean)) / width;
    let scale = 1.0 / (variance + epsilon).sqrt();
    (mean, if variance < f32::INFINITY { scale } else { f32::NAN })
}

/// Normalises each row of `input` (`[rows, width]`, where `width` is the length of `weight` and `bias`) into `out`.
///
/// # Panics
/// If the sizes do not match.
pub fn forward(input: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = weight.len();
    assert!(width > 0 && bias.len() == width, "layer norm: weight and bias differ in length");
    assert!(input.len().is_multiple_of(width) && out.len() == input.len(), "layer norm: sizes do not match");
    InstructionSet::best().run(
        #[inline(always)]
        || {
            for (row, y) in input.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
                let (mean, scale) = moments(row, epsilon);
                for i in 0..width {
                    y[i] = (row[i] - mean) * scale * weight[i] + bias[i];
                }
            }
        },
    );
}

/// Normalises each row of `hidden` in place. Sizes are as in [`forward`].
///
/// # Panics
/// If the sizes do not match.
pub fn in_place(hidden: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32, set: InstructionSet) {
    let width = weight.len();
    assert!(width > 0 && bias.len() == width, "layer norm: weight and bias differ in length");
    assert!(hidden.len().is_multiple_of(width), "layer norm: input is not made of whole rows");
    set.run(
        #[inline(always)]
        || hidden.chunks_exact_mut(width).for_each(|row| normalise(row, weight, bias, epsilon)),
    );
}

#[inline(always)]
fn normalise(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let (mean, scale) = moments(row, epsilon);
    for ((x, w), b) in row.iter_mut().zip(weight).zip(bias) {
        *x = (*x - mean) * scale * w + b;
    }
}

/// Computes `hidden = norm(hidden + update)` row by row in place. Sizes are as in [`forward`].
///
/// # Panics
/// If the sizes do not match.
pub fn residual(hidden: &mut [f32], update: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, set: InstructionSet) {
    let width = weight.len();
    assert!(width > 0 && bias.len() == width, "layer norm: weight and bias differ in length");
    assert!(hidden.len().is_multiple_of(width) && hidden.len() == update.len(), "layer norm: sizes do not match");
    set.run(
        #[inline(always)]
        || {
            for (row, update) in hidden.chunks_exact_mut(width).zip(update.chunks_exact(width)) {
                for (x, u) in row.iter_mut().zip(update) {
                    *x += u;
                }
                normalise(row, weight, bias, epsilon);
            }
        },
    );
}

/// Computes the gradients of [`forward`]. `d_input` is overwritten; `d_weight` and `d_bias` are added to.
///
/// # Panics
/// If the sizes do not match.
pub fn backward(
    input: &[f32],
    weight: &[f32],
    epsilon: f32,
    gradient: &[f32],
    d_input: &mut [f32],
    d_weight: &mut [f32],
    d_bias: &mut [f32],
) {
    let width = weight.len();
    assert!(width > 0 && d_weight.len() == width && d_bias.len() == width, "layer norm: widths differ");
    assert!(input.len() == gradient.len() && input.len() == d_input.len(), "layer norm: sizes do not match");
    assert!(input.len().is_multiple_of(width), "layer norm: input is not made of whole rows");
    InstructionSet::best().run(
        #[inline(always)]
        || {
            let rows = input.chunks_exact(width).zip(gradient.chunks_exact(width));
            for ((x, g), dx) in rows.zip(d_input.chunks_exact_mut(width)) {
                let (mean, scale) = moments(x, epsilon);
                for i in 0..width {
                    d_bias[i] += g[i];
                    d_weight[i] += g[i] * (x[i] - mean) * scale;
                    // The gradient of the normalised value; completed below.
                    dx[i] = g[i] * weight[i];
                }
                let along_mean = sum(dx, |d| d) / width as f32;
                let along_deviation = sum_pairs(dx, x, |d, x| d * (x - mean)) * scale * scale / width as f32;
                for i in 0..width {
                    dx[i] = (dx[i] - along_mean - (x[i] - mean) * along_deviation) * scale;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, seed: f32) -> Vec<f32> {
        (0..n).map(|i| ((i as f32 + seed) * 1.7).sin() * 2.0 + 0.3).collect()
    }

    #[test]
    fn normalised_rows_have_mean_zero_and_variance_one() {
        let (weight, bias) = (vec![1f32; 37], vec![0f32; 37]);
        let input = wave(37 * 3, 0.2);
        let mut out = vec![0f32; input.len()];
        forward(&input, &weight, &bias, 1e-12, &mut out);
        for row in out.chunks(37) {
            let mean: f32 = row.iter().sum::<f32>() / 37.0;
            let variance: f32 = row.iter().map(|x| x * x).sum::<f32>() / 37.0;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "mean {mean}, variance {variance}");
        }
    }

    #[test]
    fn residual_equals_sum_then_norm() {
        let (hidden, update) = (wave(40 * 3, 0.2), wave(40 * 3, 7.0));
        let (weight, bias) = (wave(40, 3.0), wave(40, 5.0));
        let sum: Vec<f32> = hidden.iter().zip(&update).map(|(h, u)| h + u).collect();
        let mut expected = vec![0f32; sum.len()];
        forward(&sum, &weight, &bias, 1e-5, &mut expected);
        for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
            let mut result = sum.clone();
            in_place(&mut result, &weight, &bias, 1e-5, set);
            assert_eq!(result, expected, "{set}");
            let mut result = hidden.clone();
            residual(&mut result, &update, &weight, &bias, 1e-5, set);
            assert_eq!(result, expected, "{set}");
        }
    }

    #[test]
    fn backward_agrees_with_finite_differences() {
        let width = 21;
        let (input, weight, bias) = (wave(width * 2, 0.1), wave(width, 3.0), wave(width, 5.0));
        let gradient = wave(width * 2, 9.0);
        let loss = |input: &[f32], weight: &[f32], bias: &[f32]| -> f64 {
            let mut out = vec![0f32; input.len()];
            forward(input, weight, bias, 1e-5, &mut out);
            out.iter().zip(&gradient).map(|(&y, &g)| y as f64 * g as f64).sum()
        };
        let (mut dx, mut dw, mut db) = (vec![0f32; width * 2], vec![0f32; width], vec![0f32; width]);
        backward(&input, &weight, 1e-5, &gradient, &mut dx, &mut dw, &mut db);
        let h = 1e-2f32;
        let nudge = |v: &[f32], i: usize, by: f32| {
            let mut v = v.to_vec();
            v[i] += by;
            v
        };
        for i in 0..width {
            let d = |up: f64, down: f64| ((up - down) / (2.0 * h as f64)) as f32;
            let nx = d(loss(&nudge(&input, i, h), &weight, &bias), loss(&nudge(&input, i, -h), &weight, &bias));
            let nw = d(loss(&input, &nudge(&weight, i, h), &bias), loss(&input, &nudge(&weight, i, -h), &bias));
            let nb = d(loss(&input, &weight, &nudge(&bias, i, h)), loss(&input, &weight, &nudge(&bias, i, -h)));
            assert!((nx - dx[i]).abs() < 5e-3 && (nw - dw[i]).abs() < 5e-3 && (nb - db[i]).abs() < 5e-3, "at {i}");
        }
    }
}
