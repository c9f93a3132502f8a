//! Activation functions: exact GELU, `x * Phi(x)` with the normal distribution function, with its derivative; GELU by tanh;
//! ReLU.
//!
//! Source of GELU: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016. The error function is formula
//! 7.1.26 of Abramowitz and Stegun (absolute error below 1.5e-7). The derivative reuses its `exp(-x^2)`.

use crate::exponential::exp;
use crate::instructions::{Arithmetic, InstructionSet, fused};

const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// 1 / sqrt(2 pi)
const DENSITY_AT_ZERO: f32 = 0.398_942_3;

/// 2 sqrt(2 / pi)
const TWICE_SQRT_2_PI: f32 = 1.595_769_2;

/// Returns the normal distribution function and its density at `x`.
#[inline(always)]
fn normal(x: f32, a: impl Arithmetic) -> (f32, f32) {
    let z = x.abs() * SQRT_HALF;
    let bell = exp(-z * z, a);
    let t = 1.0 / a.fma(0.327_591_1, z, 1.0);
    let p = 1.061_405_4;
    let p = a.fma(p, t, -1.453_152_1);
    let p = a.fma(p, t, 1.421_413_8);
    let p = a.fma(p, t, -0.284_496_74);
    let p = a.fma(p, t, 0.254_829_6);
    // Half of erfc(z): the probability beyond |x|.
    let tail = 0.5 * p * t * bell;
    let below = if x < 0.0 { tail } else { 1.0 - tail };
    (below, DENSITY_AT_ZERO * bell)
}

#[inline(always)]
fn gelu_one(x: f32, a: impl Arithmetic) -> f32 {
    x * normal(x, a).0
}

#[inline(always)]
fn gelu_slope(x: f32, a: impl Arithmetic) -> f32 {
    let (below, density) = normal(x, a);
    below + x * density
}

/// Computes `out[i] = gelu(input[i])`.
///
/// # Panics
/// If the slices differ in length.
pub fn gelu(input: &[f32], out: &mut [f32]) {
    assert_eq!(input.len(), out.len(), "gelu: input and output differ in length");
    fused!(InstructionSet::best(), |a| {
        for (y, &x) in out.iter_mut().zip(input) {
            *y = gelu_one(x, a);
        }
    });
}

/// Computes `values[i] = gelu(values[i])`.
pub fn gelu_in_place(values: &mut [f32], set: InstructionSet) {
    fused!(set, |a| {
        for x in values.iter_mut() {
            *x = gelu_one(*x, a);
        }
    });
}

/// Computes the tanh approximation of GELU in place: `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.
pub fn gelu_tanh_in_place(values: &mut [f32], set: InstructionSet) {
    fused!(set, |a| {
        for x in values.iter_mut() {
            // (1 + tanh(u)) / 2 is 1 / (1 + e^(-2u)).
            let twice = TWICE_SQRT_2_PI * a.fma(0.044_715 * *x, *x * *x, *x);
            *x /= 1.0 + exp(-twice, a);
        }
    });
}

/// Computes `values[i] = max(values[i], 0)`. NaN stays NaN.
pub fn relu_in_place(values: &mut [f32], set: InstructionSet) {
    set.run(
        #[inline(always)]
        || {
            for x in values.iter_mut() {
                *x = if *x < 0.0 { 0.0 } else { *x };
            }
        },
    );
}

/// Computes `out[i] = gradient[i] * gelu'(input[i])`, the gradient of [`gelu`].
///
/// # Panics
/// If the slices differ in length.
pub fn gelu_backward(input: &[f32], gradient: &[f32], out: &mut [f32]) {
    assert_eq!(input.len(), out.len(), "gelu: input and output differ in length");
    assert_eq!(input.len(), gradient.len(), "gelu: input and gradient differ in length");
    fused!(InstructionSet::best(), |a| {
        for ((y, &x), &g) in out.iter_mut().zip(input).zip(gradient) {
            *y = g * gelu_slope(x, a);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instructions::Plain;

    fn grid() -> Vec<f32> {
        (-4000..4000).map(|i| i as f32 * 0.003).collect()
    }

    #[test]
    fn gelu_agrees_with_tables() {
        // x * Phi(x), from tables of the normal distribution.
        let input = [-3.0f32, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 12.0];
        let known = [-0.004_049_694, -0.158_655_25, -0.154_268_77, 0.0, 0.345_731_23, 0.841_344_7, 1.954_5, 12.0];
        let mut out = [0f32; 8];
        gelu(&input, &mut out);
        for (y, k) in out.iter().zip(known) {
            assert!((y - k).abs() < 1e-6, "{y} is not {k}");
        }
    }

    #[test]
    fn in_place_functions_agree_with_their_formulas() {
        for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
            let (mut erf, mut tanh, mut relu) = (grid(), grid(), grid());
            gelu_in_place(&mut erf, set);
            gelu_tanh_in_place(&mut tanh, set);
            relu_in_place(&mut relu, set);
            for (i, &x) in grid().iter().enumerate() {
                let x64 = x as f64;
                let formula = 0.5 * x64 * (1.0 + (0.797_884_56 * (x64 + 0.044_715 * x64.powi(3))).tanh());
                assert!((erf[i] - gelu_one(x, Plain)).abs() < 1e-6, "gelu({x}) on {set}");
                assert!((tanh[i] as f64 - formula).abs() < 2e-6, "gelu_tanh({x}) on {set}: {} not {formula}", tanh[i]);
                assert_eq!(relu[i], x.max(0.0), "relu({x}) on {set}");
            }
        }
    }

    #[test]
    fn backward_agrees_with_finite_differences() {
        let input = grid();
        let gradient = vec![1f32; input.len()];
        let mut slope = vec![0f32; input.len()];
        gelu_backward(&input, &gradient, &mut slope);
        for (i, &x) in input.iter().enumerate() {
            let h = 1e-3f64;
            let value = |x: f64| {
                let (below, _) = normal(x as f32, Plain);
                x * below as f64
            };
            let numeric = (value(x as f64 + h) - value(x as f64 - h)) / (2.0 * h);
            assert!((numeric - slope[i] as f64).abs() < 2e-3, "slope at {x}: {} not {numeric}", slope[i]);
        }
    }

    #[test]
    fn dispatched_and_scalar_gelu_agree() {
        let input = grid();
        let mut out = vec![0f32; input.len()];
        gelu(&input, &mut out);
        for (&x, &y) in input.iter().zip(&out) {
            assert!((y - gelu_one(x, Plain)).abs() < 1e-6, "gelu({x})");
        }
    }
}
