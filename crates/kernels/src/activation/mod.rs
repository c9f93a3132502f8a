//! Activation functions: in place, gated, and with their gradients.
//!
//! Source of GELU: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016. The error function is formula
//! 7.1.26 of Abramowitz and Stegun (absolute error below 1.5e-7). The derivative reuses its `exp(-x^2)`.
//!
//! A gated activation takes rows of two halves: the first is activated and multiplied by the second, the gate. Source:
//! Shazeer, "GLU Variants Improve Transformer", 2020.

mod functions;

use crate::instructions::{InstructionSet, fused};
use functions::Function;
pub(crate) use functions::approximate_gelu;

/// An activation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Exact GELU, `x * Phi(x)` with the normal distribution function.
    Gelu,
    /// The tanh approximation of GELU, `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.
    GeluTanh,
    /// `max(x, 0)`. NaN stays NaN. The derivative at 0 is 0.
    Relu,
    /// SiLU (also called swish), `x / (1 + e^-x)`.
    Silu,
    /// The hyperbolic tangent. Not vectorised: meant for heads, which have one row per window.
    Tanh,
}

/// Runs `$body` with the type of an activation function, so that its loops are compiled for that function.
macro_rules! with_function {
    ($activation:expr, |$function:ident| $body:expr) => {
        match $activation {
            Activation::Gelu => with_function!(functions::Gelu, $function, $body),
            Activation::GeluTanh => with_function!(functions::GeluTanh, $function, $body),
            Activation::Relu => with_function!(functions::Relu, $function, $body),
            Activation::Silu => with_function!(functions::Silu, $function, $body),
            Activation::Tanh => with_function!(functions::Tanh, $function, $body),
        }
    };
    ($value:path, $function:ident, $body:expr) => {{
        let $function = $value;
        $body
    }};
}

impl Activation {
    /// All activation functions.
    pub const ALL: [Self; 5] = [Self::Gelu, Self::GeluTanh, Self::Relu, Self::Silu, Self::Tanh];

    /// Computes `values[i] = f(values[i])`.
    ///
    /// # Panics
    /// If the machine lacks the instruction set.
    pub fn in_place(self, values: &mut [f32], set: InstructionSet) {
        with_function!(self, |function| fused!(set, |a| {
            for x in values.iter_mut() {
                *x = function.at(*x, a).0;
            }
        }));
    }

    /// Computes `out[i] = f(input[i])`.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn forward(self, input: &[f32], out: &mut [f32]) {
        assert_eq!(input.len(), out.len(), "activation: input and output differ in length");
        with_function!(self, |function| fused!(InstructionSet::best(), |a| {
            for (y, &x) in out.iter_mut().zip(input) {
                *y = function.at(x, a).0;
            }
        }));
    }

    /// Computes `out[i] = gradient[i] * f'(input[i])`, the gradient of [`Self::forward`].
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn backward(self, input: &[f32], gradient: &[f32], out: &mut [f32]) {
        assert_eq!(input.len(), out.len(), "activation: input and output differ in length");
        assert_eq!(input.len(), gradient.len(), "activation: input and gradient differ in length");
        with_function!(self, |function| fused!(InstructionSet::best(), |a| {
            for ((y, &x), &g) in out.iter_mut().zip(input).zip(gradient) {
                *y = g * function.at(x, a).1;
            }
        }));
    }

    /// Computes `out = f(first) * gate`, where each row of `input` is `first`, then `gate`.
    ///
    /// `input` is `[rows, 2 * width]` and `out` is `[rows, width]`. `set` may be [`InstructionSet::best`].
    ///
    /// # Panics
    /// If the sizes do not match or the machine lacks the instruction set.
    pub fn gated(self, input: &[f32], width: usize, out: &mut [f32], set: InstructionSet) {
        check_gated(input, width, out);
        with_function!(self, |function| fused!(set, |a| {
            for (row, out) in input.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
                let (first, gate) = row.split_at(width);
                for ((y, &x), &gate) in out.iter_mut().zip(first).zip(gate) {
                    *y = function.at(x, a).0 * gate;
                }
            }
        }));
    }

    /// Computes the gradient of [`Self::gated`]: `gradient * gate * f'(first)`, then `gradient * f(first)`.
    ///
    /// `input` and `out` are `[rows, 2 * width]`, `gradient` is `[rows, width]`. `out` is overwritten.
    ///
    /// # Panics
    /// If the sizes do not match.
    pub fn gated_backward(self, input: &[f32], width: usize, gradient: &[f32], out: &mut [f32]) {
        check_gated(input, width, gradient);
        assert_eq!(input.len(), out.len(), "gated activation: input and output differ in length");
        with_function!(self, |function| fused!(InstructionSet::best(), |a| {
            let rows = input.chunks_exact(2 * width).zip(gradient.chunks_exact(width));
            for ((row, gradient), out) in rows.zip(out.chunks_exact_mut(2 * width)) {
                let (first, gate) = row.split_at(width);
                let (d_first, d_gate) = out.split_at_mut(width);
                // Two loops, because compilers do not vectorise one that writes to two slices.
                for (((d, &x), &gate), &g) in d_first.iter_mut().zip(first).zip(gate).zip(gradient) {
                    *d = g * gate * function.at(x, a).1;
                }
                for ((d, &x), &g) in d_gate.iter_mut().zip(first).zip(gradient) {
                    *d = g * function.at(x, a).0;
                }
            }
        }));
    }
}

fn check_gated(input: &[f32], width: usize, half: &[f32]) {
    assert!(width > 0 && half.len().is_multiple_of(width), "gated activation: not made of whole rows");
    assert_eq!(input.len(), 2 * half.len(), "gated activation: input is not [rows, 2 * width]");
}

#[cfg(test)]
mod tests {
    use super::{Activation, approximate_gelu};
    use crate::instructions::{Arithmetic, Fused, Plain};

    /// Returns the largest error on a grid from -12 to 12.
    fn largest_error(a: impl Arithmetic) -> f32 {
        let grid: Vec<f32> = (-12_000..=12_000).map(|step| step as f32 / 1000.0).collect();
        let mut exact = vec![0.0; grid.len()];
        Activation::Gelu.forward(&grid, &mut exact);
        grid.iter().zip(exact).map(|(&x, exact)| (approximate_gelu(x, a) - exact).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn approximate_gelu_is_within_two_hundred_thousandths() {
        assert!(largest_error(Fused) < 2e-5 && largest_error(Plain) < 2e-5);
        for (x, expected) in [(f32::INFINITY, f32::INFINITY), (f32::NEG_INFINITY, 0.0), (3e38, 3e38), (-3e38, 0.0)] {
            assert_eq!(approximate_gelu(x, Fused), expected, "at {x}");
        }
        assert!(approximate_gelu(f32::NAN, Fused).is_nan());
    }
}
