//! The value and the slope of each activation function at a point.

use crate::exponential::exp;
use crate::instructions::Arithmetic;

const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// 1 / sqrt(2 pi)
const DENSITY_AT_ZERO: f32 = 0.398_942_3;
/// 2 sqrt(2 / pi)
const TWICE_SQRT_2_PI: f32 = 1.595_769_2;
/// The factor of the cube in tanh GELU.
const CUBE: f32 = 0.044_715;

/// An activation function. Each is a type, so that its loops are compiled for it alone.
pub(super) trait Function: Copy {
    /// Returns the function and its derivative at `x`. Compilers drop the part that a caller ignores.
    fn at(self, x: f32, a: impl Arithmetic) -> (f32, f32);
}

/// `x * Phi(x)` with the normal distribution function.
#[derive(Clone, Copy)]
pub(super) struct Gelu;

impl Function for Gelu {
    #[inline(always)]
    fn at(self, x: f32, a: impl Arithmetic) -> (f32, f32) {
        let (below, density) = normal(x, a);
        (x * below, below + x * density)
    }
}

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

/// Returns GELU at `x` with an error below 2e-5, for int8 products, which round by much more.
#[inline(always)]
pub(crate) fn approximate_gelu(x: f32, a: impl Arithmetic) -> f32 {
    // Beyond this, GELU is 0 or x to within 2e-5.
    const END: f32 = 4.5;
    // x erf(x / sqrt(2)) / 2 is even. This polynomial of t = 2 (x / END)^2 - 1 is fitted to it by least squares at Chebyshev points.
    let t = a.fma(x * x, 2.0 / (END * END), -1.0);
    let p = -1.473_029_8e-2;
    let p = a.fma(p, t, 3.111_580_8e-2);
    let p = a.fma(p, t, -2.325_174_2e-2);
    let p = a.fma(p, t, 3.534_408_3e-2);
    let p = a.fma(p, t, -7.888_05e-2);
    let p = a.fma(p, t, 1.057_342_2e-1);
    let p = a.fma(p, t, -1.189_753_9e-1);
    let p = a.fma(p, t, 1.456_105e-1);
    let p = a.fma(p, t, -2.278_327_4e-1);
    let p = a.fma(p, t, 8.071_812_4e-1);
    let p = a.fma(p, t, 1.588_664_3);
    let far = if x < 0.0 { 0.0 } else { x };
    if x.abs() < END { a.fma(0.5, x, p) } else { far }
}

/// `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`
#[derive(Clone, Copy)]
pub(super) struct GeluTanh;

impl Function for GeluTanh {
    #[inline(always)]
    fn at(self, x: f32, a: impl Arithmetic) -> (f32, f32) {
        // (1 + tanh(u)) / 2 is 1 / (1 + e^(-2u)).
        let twice = TWICE_SQRT_2_PI * a.fma(CUBE * x, x * x, x);
        let divisor = 1.0 + exp(-twice, a);
        let share = 1.0 / divisor;
        // Beyond 10 the slope is constant, and the square could overflow.
        let near = x.clamp(-10.0, 10.0);
        let steepness = TWICE_SQRT_2_PI * a.fma(3.0 * CUBE * near, near, 1.0);
        (x / divisor, share + near * share * (1.0 - share) * steepness)
    }
}

/// `max(x, 0)`. NaN stays NaN. The slope at 0 is 0.
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn at(self, x: f32, _: impl Arithmetic) -> (f32, f32) {
        (if x < 0.0 { 0.0 } else { x }, if x <= 0.0 { 0.0 } else { 1.0 })
    }
}

/// `x / (1 + e^-x)`
#[derive(Clone, Copy)]
pub(super) struct Silu;

impl Function for Silu {
    #[inline(always)]
    fn at(self, x: f32, a: impl Arithmetic) -> (f32, f32) {
        let divisor = 1.0 + exp(-x, a);
        let share = 1.0 / divisor;
        (x / divisor, share * a.fma(x, 1.0 - share, 1.0))
    }
}

/// The hyperbolic tangent of the standard library. It is not vectorised: heads apply it to one row per window.
#[derive(Clone, Copy)]
pub(super) struct Tanh;

impl Function for Tanh {
    #[inline(always)]
    fn at(self, x: f32, _: impl Arithmetic) -> (f32, f32) {
        let value = x.tanh();
        (value, 1.0 - value * value)
    }
}
