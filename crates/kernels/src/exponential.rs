//! `exp` as a polynomial, which compilers turn into vector code.

use crate::instructions::Arithmetic;

const LOG2_E: f32 = std::f32::consts::LOG2_E;
// ln 2 in two parts, so that `x - n * ln 2` is exact: the high part has few bits set.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
// 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// Returns `e^x` with a relative error below 3e-7 on [-87, 88].
///
/// Arguments outside are clamped, so that the result is always finite and positive.
#[inline(always)]
pub(crate) fn exp(x: f32, a: impl Arithmetic) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = a.fma(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = a.fma(n, -LN_2_LOW, a.fma(n, -LN_2_HIGH, x));
    // Minimax polynomial of e^r on [-ln 2 / 2, ln 2 / 2] (the coefficients of Cephes' expf, rounded to f32).
    let p = 1.987_569_1e-4;
    let p = a.fma(p, r, 1.398_2e-3);
    let p = a.fma(p, r, 8.333_452e-3);
    let p = a.fma(p, r, 4.166_579_6e-2);
    let p = a.fma(p, r, 1.666_666_5e-1);
    let p = a.fma(p, r, 0.5);
    let p = a.fma(p * r, r, r) + 1.0;
    // 2^n, from the integer that `shifted` carries in its low bits.
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    p * power
}

#[cfg(test)]
mod tests {
    use super::exp;
    use crate::instructions::{Arithmetic, Fused, Plain};

    fn check(a: impl Arithmetic) {
        let mut x = -87.0f32;
        while x < 88.0 {
            let (found, expected) = (exp(x, a) as f64, (x as f64).exp());
            assert!((found / expected - 1.0).abs() < 3e-7, "exp({x}) = {found}, not {expected}");
            x += 0.013;
        }
    }

    #[test]
    fn agrees_with_the_standard_library() {
        check(Plain);
        check(Fused);
    }

    #[test]
    fn stays_finite_and_positive() {
        for x in [f32::NEG_INFINITY, -1e4, 1e4, f32::INFINITY] {
            assert!(exp(x, Plain).is_finite() && exp(x, Plain) > 0.0, "exp({x}) = {}", exp(x, Plain));
        }
        assert!(exp(f32::NAN, Plain).is_nan());
    }
}
