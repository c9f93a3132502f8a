//! Quantisation from f32 to integers, in groups of neighbours that share a range.
//!
//! Weights are quantised once and stored in panels. Activations are quantised for each product.

use super::buffer::{Buffer, Number};
use super::scratch::Scratch;
use crate::tiles::{GROUP, INT16_LIMITS, QUANTISED_DEPTH, QuantisedTile, TRAINED_LIMITS, Tiles};

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

/// An integer type that weights are quantised to, with what its products need.
pub(super) trait WeightInteger: Integer {
    /// The integer type of the activations.
    type Activation: Integer;
    /// Neighbours in depth that are interleaved in a panel, so that their products fall into one 32-bit lane.
    const INTERLEAVED: usize;
    /// Returns the largest activation and the largest magnitude of a weight, for weights (`[width, depth]`).
    fn limits(weight: &[f32], depth: usize, tiles: &Tiles) -> (Self::Activation, Self);
    /// Returns the maximum number of rows of a tile, and the tile.
    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<Self::Activation, Self>);
    /// Returns the memory for a block's activations, for their ranges, and for a tile at the right edge.
    fn scratch(scratch: &mut Scratch) -> (&mut Buffer<Self::Activation>, &mut Vec<[f32; 2]>, &mut Buffer<f32>);
}

impl WeightInteger for i8 {
    type Activation = u8;
    const INTERLEAVED: usize = 4;

    fn limits(weight: &[f32], depth: usize, tiles: &Tiles) -> (u8, i8) {
        if are_trained(weight, depth) { TRAINED_LIMITS } else { tiles.int8_limits }
    }

    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<u8, i8>) {
        (tiles.int8_rows, tiles.int8)
    }

    fn scratch(scratch: &mut Scratch) -> (&mut Buffer<u8>, &mut Vec<[f32; 2]>, &mut Buffer<f32>) {
        (&mut scratch.bytes, &mut scratch.ranges, &mut scratch.edge)
    }
}

impl WeightInteger for i16 {
    type Activation = u16;
    const INTERLEAVED: usize = 2;

    fn limits(_: &[f32], _: usize, _: &Tiles) -> (u16, i16) {
        INT16_LIMITS
    }

    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<u16, i16>) {
        (tiles.rows, tiles.int16)
    }

    fn scratch(scratch: &mut Scratch) -> (&mut Buffer<u16>, &mut Vec<[f32; 2]>, &mut Buffer<f32>) {
        (&mut scratch.words, &mut scratch.ranges, &mut scratch.edge)
    }
}

/// Quantised weights in panels.
pub(super) struct QuantisedWeights<W: WeightInteger> {
    /// `[panels][depth / INTERLEAVED][columns][INTERLEAVED]`
    pub(super) panels: Buffer<W>,
    /// The terms of each panel's columns, as [`TileQuantised::column_terms`](crate::tiles::TileQuantised::column_terms)
    /// lays them out.
    pub(super) column_terms: Buffer<f32>,
    /// The largest activation.
    pub(super) activation_limit: W::Activation,
}

impl<W: WeightInteger> QuantisedWeights<W> {
    /// Quantises `weight` (`[width, depth]`) and packs it with `bias` (`[width]`) into the panels of `tiles`.
    pub(super) fn new(weight: &[f32], bias: &[f32], tiles: &Tiles) -> Self {
        let (width, columns) = (bias.len(), tiles.columns);
        let depth = weight.len() / width;
        let (padded_width, padded_depth) = (width.next_multiple_of(columns), depth.next_multiple_of(QUANTISED_DEPTH));
        let mut panels = Buffer::zeros(padded_width * padded_depth);
        let mut column_terms = Buffer::zeros(terms_per_column(depth) * padded_width);
        let out = panels.first(padded_width * padded_depth);
        let terms_out = column_terms.first(terms_per_column(depth) * padded_width);
        let (activation_limit, limit) = W::limits(weight, depth, tiles);
        for (column, (row, &bias)) in weight.chunks_exact(depth).zip(bias).enumerate() {
            let (panel, c) = (column / columns * columns, column % columns);
            let terms = &mut terms_out[terms_per_column(depth) * panel..];
            terms[c] = bias;
            for (group, weights) in row.chunks(GROUP).enumerate() {
                let mut sum = 0i32;
                let scale = quantise_weights(weights, limit, |k, q: W| {
                    let k = group * GROUP + k;
                    sum += Into::<i32>::into(q);
                    let index = (k / W::INTERLEAVED * columns + c) * W::INTERLEAVED + k % W::INTERLEAVED;
                    out[panel * padded_depth + index] = q;
                });
                terms[(1 + 2 * group) * columns + c] = sum as f32 * scale;
                terms[(2 + 2 * group) * columns + c] = scale;
            }
        }
        Self { panels, column_terms, activation_limit }
    }
}

/// Returns the number of terms of a column: its bias, and the sum and the scale of each group.
pub(super) fn terms_per_column(depth: usize) -> usize {
    1 + 2 * depth.div_ceil(GROUP)
}

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

/// Returns whether weights (`[width, depth]`) are those that training for int8 leaves: in each group multiples of a step, from -31
/// to 31 of them. Weights that were stored in f16 are so but for rounding.
fn are_trained(weight: &[f32], depth: usize) -> bool {
    // f16 has 11 significant bits: the largest weight and any other are off by 31 / 2^11 of a step together.
    const TOLERANCE: f32 = 0.05;
    // A few weights may be multiples of a step by chance.
    const MIN_DEPTH: usize = 16;
    let limit = f32::from(TRAINED_LIMITS.1);
    depth >= MIN_DEPTH
        && weight.chunks_exact(depth).flat_map(|row| row.chunks(GROUP)).all(|group| {
            let largest = group.iter().fold(0f32, |largest, w| largest.max(w.abs()));
            let inverse = if largest > 0.0 { limit / largest } else { 0.0 };
            group.iter().map(|w| w * inverse).all(|steps| (steps - steps.round_ties_even()).abs() < TOLERANCE)
        })
}

/// Quantises a group of a row to `0..=limit`, so that `x = scale * q + min`. Returns scale and minimum. If a number is NaN or
/// infinite, or their range overflows, both are NaN and so is every product.
#[inline(always)]
pub(super) fn quantise_row<X: Integer>(row: &[f32], limit: X, out: &mut [X]) -> [f32; 2] {
    const LANES: usize = 16;
    // 2^23: adding it rounds to an integer and leaves that integer in the low bits.
    const ROUND: f32 = 8_388_608.0;
    let (mut min, mut max) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let chunks = row.chunks_exact(LANES);
    for (lane, &x) in chunks.remainder().iter().enumerate() {
        min[lane] = x;
        max[lane] = x;
    }
    for chunk in chunks {
        for lane in 0..LANES {
            min[lane] = if chunk[lane] < min[lane] { chunk[lane] } else { min[lane] };
            max[lane] = if chunk[lane] > max[lane] { chunk[lane] } else { max[lane] };
        }
    }
    let min = min.iter().fold(f32::INFINITY, |a, &b| if b < a { b } else { a });
    let max = max.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    let range = max - min;
    let limit: f32 = limit.into();
    let inverse = if range > 0.0 { limit / range } else { 0.0 };
    let mut any = 0;
    for (q, &x) in out.iter_mut().zip(row) {
        let bits = ((x - min) * inverse + ROUND).to_bits();
        any |= bits;
        *q = X::from_low_bits(bits);
    }
    // All numbers from 2^23 to 2^24 have the same sign and exponent. Those of NaN and infinity have other bits set.
    const SIGN_AND_EXPONENT: u32 = 0xff80_0000;
    if any & SIGN_AND_EXPONENT != ROUND.to_bits() || !range.is_finite() {
        return [f32::NAN; 2];
    }
    [range / limit, min]
}

#[cfg(test)]
mod tests {
    use super::{INT16_LIMITS, Integer, quantise_row, quantise_weights};
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
            prop_assert!(weights_are_restored(&values, 63i8) && weights_are_restored(&values, 127i8));
            prop_assert!(weights_are_restored(&values, max_weight));
        }
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
