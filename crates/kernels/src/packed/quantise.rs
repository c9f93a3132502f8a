//! Quantisation of a group from f32 to integers. The numbers of a group, which are neighbours, share a range.
//!
//! Weights are quantised once and stored in panels. Activations are quantised for each product.

use super::buffer::Number;
use crate::lanes::extremes;

/// An integer type that weights or activations are quantised to.
pub(super) trait Integer: Number + Into<f32> + Into<i32> {
    /// Returns the integer with the lowest bits of `bits`.
    fn from_low_bits(bits: u32) -> Self;
}

macro_rules! integers {
    ($($integer:ty),+) => {
        $(impl Integer for $integer {
            #[inline(always)]
            fn from_low_bits(bits: u32) -> Self {
                bits as Self
            }
        })+
    };
}
integers!(u8, i8, u16, i16);

/// Quantises a group of one output's weights to `-limit..=limit`, so that `weight = scale * q`. Returns the scale.
pub(super) fn quantise_weights<W: Integer>(weights: &[f32], limit: W, mut put: impl FnMut(usize, W)) -> f32 {
    let largest = weights.iter().fold(0f32, |largest, w| largest.max(w.abs()));
    let scale = largest / Into::<f32>::into(limit);
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    // 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    for (k, w) in weights.iter().enumerate() {
        put(k, W::from_low_bits((w * inverse + ROUND).to_bits()));
    }
    scale
}

/// Quantises a group of a row to `0..=limit`, so that `x = scale * q + min`. Returns scale and minimum. If a number is NaN or
/// infinite, or their range overflows, both are NaN and so is every product.
#[inline(always)]
pub(super) fn quantise_row<X: Integer>(row: &[f32], limit: X, out: &mut [X]) -> [f32; 2] {
    let steps = Steps::new(row, limit.into());
    let mut any = 0;
    for (q, &x) in out.iter_mut().zip(row) {
        let bits = steps.bits(x);
        any |= bits;
        *q = X::from_low_bits(bits);
    }
    steps.scale_and_min(any)
}

/// Quantises a group of a row to twice the bits that `limit` has, so that `x = high scale * high + min + low scale * low`. Returns
/// high scale and minimum, then low scale and zero. They are NaN as in [`quantise_row`].
#[inline(always)]
pub(super) fn quantise_row_precisely<X: Integer>(
    row: &[f32],
    limit: X,
    high: &mut [X],
    low: &mut [X],
) -> [[f32; 2]; 2] {
    let limit = Into::<i32>::into(limit).cast_unsigned();
    let base = limit + 1;
    let steps = Steps::new(row, (base * base - 1) as f32);
    let mut any = 0;
    for ((high, low), &x) in high.iter_mut().zip(low).zip(row) {
        let bits = steps.bits(x);
        any |= bits;
        *high = X::from_low_bits(bits >> base.trailing_zeros() & limit);
        *low = X::from_low_bits(bits & limit);
    }
    let [scale, min] = steps.scale_and_min(any);
    [[scale * base as f32, min], [scale, if scale.is_nan() { scale } else { 0.0 }]]
}

/// The steps that the numbers of a group are rounded to.
struct Steps {
    min: f32,
    range: f32,
    count: f32,
    inverse: f32,
}

impl Steps {
    // 2^23: adding it rounds to an integer and leaves that integer in the low bits.
    const ROUND: f32 = 8_388_608.0;

    /// Returns `count` steps from the smallest to the largest number of a group.
    #[inline(always)]
    fn new(row: &[f32], count: f32) -> Self {
        let (min, max) = extremes(row);
        let range = max - min;
        Self { min, range, count, inverse: if range > 0.0 { count / range } else { 0.0 } }
    }

    /// Returns a number whose low bits are the step of `x`.
    #[inline(always)]
    fn bits(&self, x: f32) -> u32 {
        ((x - self.min) * self.inverse + Self::ROUND).to_bits()
    }

    /// Returns the size of a step, and the smallest number. `any` has all bits that [`Self::bits`] returned for the group.
    #[inline(always)]
    fn scale_and_min(&self, any: u32) -> [f32; 2] {
        // All numbers from 2^23 to 2^24 have the same sign and exponent. Those of NaN and infinity have other bits set.
        const SIGN_AND_EXPONENT: u32 = 0xff80_0000;
        if any & SIGN_AND_EXPONENT != Self::ROUND.to_bits() || !self.range.is_finite() {
            return [f32::NAN; 2];
        }
        [self.range / self.count, self.min]
    }
}

#[cfg(test)]
mod tests {
    use super::{Integer, quantise_row, quantise_row_precisely, quantise_weights};
    use crate::tiles::INT16_LIMITS;
    use proptest::prelude::*;

    /// Returns whether every number of a row is restored to within half a quantisation step.
    fn row_is_restored<X: Integer + PartialOrd>(values: &[f32], limit: X) -> bool {
        let mut out = vec![X::from_low_bits(0); values.len()];
        let [scale, min] = quantise_row(values, limit, &mut out);
        out.iter().zip(values).all(|(&q, &x)| {
            let restored = scale * Into::<f32>::into(q) + min;
            q <= limit && (restored - x).abs() <= scale * 0.501 + 1e-5
        })
    }

    /// The same with twice the bits.
    fn precise_row_is_restored(values: &[f32], limit: u8) -> bool {
        let (mut high, mut low) = (vec![0; values.len()], vec![0; values.len()]);
        let [[high_scale, min], [low_scale, zero]] = quantise_row_precisely(values, limit, &mut high, &mut low);
        assert!(zero == 0.0 && high_scale == low_scale * (f32::from(limit) + 1.0));
        // In f64, so that restoring does not round. Quantising and the scale round four times in f32, each by up to half an epsilon of
        // the range.
        let [high_scale, low_scale, min] = [high_scale, low_scale, min].map(f64::from);
        let range = values.iter().map(|&x| f64::from(x) - min).fold(0.0, f64::max);
        let largest_error = 0.5 * low_scale + 2.0 * f64::from(f32::EPSILON) * range;
        high.iter().zip(&low).zip(values).all(|((&high, &low), &x)| {
            let restored = high_scale * f64::from(high) + low_scale * f64::from(low) + min;
            high <= limit && low <= limit && (restored - f64::from(x)).abs() <= largest_error
        })
    }

    /// Returns whether every weight is restored to within half a quantisation step.
    fn weights_are_restored<W: Integer>(values: &[f32], limit: W) -> bool {
        let mut out = vec![W::from_low_bits(0); values.len()];
        let scale = quantise_weights(values, limit, |k, q| out[k] = q);
        let limit: f32 = limit.into();
        out.iter().zip(values).all(|(&q, &x)| {
            let q: f32 = q.into();
            q.abs() <= limit && (scale * q - x).abs() <= scale * 0.501 + 1e-6
        })
    }

    proptest! {
        #[test]
        fn quantised_numbers_are_restored_to_within_half_a_step(
            values in proptest::collection::vec(-50f32..50.0, 1..100),
        ) {
            let (max_activation, max_weight) = INT16_LIMITS;
            prop_assert!(row_is_restored(&values, 127u8) && row_is_restored(&values, 255u8));
            prop_assert!(row_is_restored(&values, max_activation));
            prop_assert!(precise_row_is_restored(&values, 127) && precise_row_is_restored(&values, 255));
            prop_assert!(weights_are_restored(&values, 63i8) && weights_are_restored(&values, 127i8));
            prop_assert!(weights_are_restored(&values, max_weight));
        }
    }

    #[test]
    fn precise_numbers_between_two_steps_are_restored_to_within_rounding() {
        assert!(precise_row_is_restored(&[47.529152, 49.91232, -47.79263], 255));
    }

    #[test]
    fn a_number_that_is_not_finite_is_not_quantised_away() {
        for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for position in [0, 15, 16, 40] {
                for fill in [0.0, 0.25] {
                    let mut row = [fill; 41];
                    row[1] = -0.5 * fill;
                    row[position] = value;
                    let [scale, min] = quantise_row(&row, 127, &mut [0u8; 41]);
                    assert!(scale.is_nan() && min.is_nan(), "{value} at {position} among {fill}: {scale}, {min}");
                    let ranges = quantise_row_precisely(&row, 127, &mut [0u8; 41], &mut [0u8; 41]);
                    assert!(ranges.as_flattened().iter().all(|number| number.is_nan()), "{value}: {ranges:?}");
                }
            }
        }
        assert!(quantise_row(&[3e38, -3e38], 127, &mut [0u8; 2])[0].is_nan(), "the range overflows");
    }

    #[test]
    fn constant_row_is_quantised_exactly() {
        let mut out = [9u8; 5];
        assert_eq!(quantise_row(&[0.25; 5], 127, &mut out), [0.0, 0.25]);
        assert_eq!(out, [0; 5]);
    }
}
