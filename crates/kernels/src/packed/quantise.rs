//! f32 to integers, in groups of neighbours with a range of their own: weights once, into panels; activations each time.

use super::buffer::{Buffer, Number};
use super::dense::Scratch;
use crate::tiles::{GROUP, INT16_LIMITS, QUANTISED_DEPTH, QuantisedTile, Tiles};

/// Integers that activations or weights are quantised to.
pub(super) trait Integer: Number + Into<f32> + Into<i32> {
    /// The number whose lowest bits these are.
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

/// Integers that weights are quantised to, and what products with them need.
pub(super) trait Weight: Integer {
    /// What activations are quantised to.
    type Activation: Integer;
    /// Neighbours in depth that stand side by side in a panel.
    const NEIGHBOURS: usize;
    /// Largest activation and magnitude of a weight.
    fn limits(tiles: &Tiles) -> (Self::Activation, Self);
    /// Most rows of a tile, and the tile.
    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<Self::Activation, Self>);
    /// Where a block's activations are put, with their ranges and the tile at the right edge.
    fn scratch(scratch: &mut Scratch) -> (&mut Buffer<Self::Activation>, &mut Vec<[f32; 2]>, &mut Buffer<f32>);
}

impl Weight for i8 {
    type Activation = u8;
    const NEIGHBOURS: usize = 4;

    fn limits(tiles: &Tiles) -> (u8, i8) {
        tiles.int8_limits
    }

    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<u8, i8>) {
        (tiles.int8_rows, tiles.int8)
    }

    fn scratch(scratch: &mut Scratch) -> (&mut Buffer<u8>, &mut Vec<[f32; 2]>, &mut Buffer<f32>) {
        (&mut scratch.bytes, &mut scratch.ranges, &mut scratch.edge)
    }
}

impl Weight for i16 {
    type Activation = u16;
    const NEIGHBOURS: usize = 2;

    fn limits(_: &Tiles) -> (u16, i16) {
        INT16_LIMITS
    }

    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<u16, i16>) {
        (tiles.rows, tiles.int16)
    }

    fn scratch(scratch: &mut Scratch) -> (&mut Buffer<u16>, &mut Vec<[f32; 2]>, &mut Buffer<f32>) {
        (&mut scratch.words, &mut scratch.ranges, &mut scratch.edge)
    }
}

/// Panels, and for each of them what is known of its columns, see [`TileQuantised::columns`].
pub(super) struct Quantised<W> {
    pub(super) panels: Buffer<W>,
    pub(super) columns: Buffer<f32>,
}

impl<W: Weight> Quantised<W> {
    /// Lays out `weight` (`[width, depth]`) and `bias` (`[width]`) in the panels of `tiles`.
    pub(super) fn new(weight: &[f32], bias: &[f32], tiles: &Tiles) -> Self {
        let (width, columns) = (bias.len(), tiles.columns);
        let depth = weight.len() / width;
        let (padded_width, padded_depth) = (width.next_multiple_of(columns), depth.next_multiple_of(QUANTISED_DEPTH));
        let mut panels = Buffer::zeros(padded_width * padded_depth);
        let mut facts = Buffer::zeros(facts_of_column(depth) * padded_width);
        let out = panels.first(padded_width * padded_depth);
        let facts_out = facts.first(facts_of_column(depth) * padded_width);
        let (_, limit) = W::limits(tiles);
        for (column, (row, &bias)) in weight.chunks_exact(depth).zip(bias).enumerate() {
            let (panel, c) = (column / columns * columns, column % columns);
            let facts = &mut facts_out[facts_of_column(depth) * panel..];
            facts[c] = bias;
            for (group, weights) in row.chunks(GROUP).enumerate() {
                let mut sum = 0i32;
                let scale = self::weights(weights, limit, |k, q: W| {
                    let k = group * GROUP + k;
                    sum += Into::<i32>::into(q);
                    let place = (k / W::NEIGHBOURS * columns + c) * W::NEIGHBOURS + k % W::NEIGHBOURS;
                    out[panel * padded_depth + place] = q;
                });
                facts[(1 + 2 * group) * columns + c] = sum as f32 * scale;
                facts[(2 + 2 * group) * columns + c] = scale;
            }
        }
        Self { panels, columns: facts }
    }
}

/// What is known of a column: its bias, and the sum and the scale of each group.
pub(super) fn facts_of_column(depth: usize) -> usize {
    1 + 2 * depth.div_ceil(GROUP)
}

/// Quantises a group of one output's weights to `-limit..=limit`: `weight = scale * q`. Returns the scale.
pub(super) fn weights<W: Integer>(weights: &[f32], limit: W, mut put: impl FnMut(usize, W)) -> f32 {
    let largest = weights.iter().fold(0f32, |largest, w| largest.max(w.abs()));
    let scale = largest / Into::<f32>::into(limit);
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    // 1.5 * 2^23: what is added to it is rounded to an integer, which stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    for (k, w) in weights.iter().enumerate() {
        put(k, W::from_low_bits((w * inverse + ROUND).to_bits()));
    }
    scale
}

/// Quantises a group of a row to `0..=limit`: `x = scale * q + least`. Returns scale and least value.
#[inline(always)]
pub(super) fn row<X: Integer>(row: &[f32], limit: X, out: &mut [X]) -> [f32; 2] {
    const LANES: usize = 16;
    // 2^23: what is added to it is rounded to an integer, which stands in the low bits.
    const ROUND: f32 = 8_388_608.0;
    let (mut least, mut largest) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let chunks = row.chunks_exact(LANES);
    for (lane, &x) in chunks.remainder().iter().enumerate() {
        least[lane] = x;
        largest[lane] = x;
    }
    for chunk in chunks {
        for lane in 0..LANES {
            least[lane] = if chunk[lane] < least[lane] { chunk[lane] } else { least[lane] };
            largest[lane] = if chunk[lane] > largest[lane] { chunk[lane] } else { largest[lane] };
        }
    }
    let least = least.iter().fold(f32::INFINITY, |a, &b| if b < a { b } else { a });
    let largest = largest.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    let range = largest - least;
    let limit: f32 = limit.into();
    let inverse = if range > 0.0 { limit / range } else { 0.0 };
    for (q, &x) in out.iter_mut().zip(row) {
        *q = X::from_low_bits(((x - least) * inverse + ROUND).to_bits());
    }
    [range / limit, least]
}

#[cfg(test)]
mod tests {
    use super::{INT16_LIMITS, Integer, row, weights};
    use proptest::prelude::*;

    /// Whether every number of a row comes back within half a step.
    fn row_comes_back<X: Integer + PartialOrd>(values: &[f32], limit: X) -> bool {
        let mut out = vec![X::from_low_bits(0); values.len()];
        let [scale, least] = row(values, limit, &mut out);
        out.iter().zip(values).all(|(&q, &x)| {
            let back = scale * Into::<f32>::into(q) + least;
            q <= limit && (back - x).abs() <= scale * 0.501 + 1e-5
        })
    }

    /// Whether every weight comes back within half a step.
    fn weights_come_back<W: Integer>(values: &[f32], limit: W) -> bool {
        let mut out = vec![W::from_low_bits(0); values.len()];
        let scale = weights(values, limit, |k, q| out[k] = q);
        let most: f32 = limit.into();
        out.iter().zip(values).all(|(&q, &x)| {
            let q: f32 = q.into();
            q.abs() <= most && (scale * q - x).abs() <= scale * 0.501 + 1e-6
        })
    }

    proptest! {
        #[test]
        fn numbers_come_back_within_half_a_step(values in proptest::collection::vec(-50f32..50.0, 1..100)) {
            let (most, most_weight) = INT16_LIMITS;
            prop_assert!(row_comes_back(&values, 127u8) && row_comes_back(&values, 255u8) && row_comes_back(&values, most));
            prop_assert!(weights_come_back(&values, 63i8) && weights_come_back(&values, 127i8));
            prop_assert!(weights_come_back(&values, most_weight));
        }
    }

    #[test]
    fn a_row_of_one_value_is_exact() {
        let mut out = [9u8; 5];
        assert_eq!(row(&[0.25; 5], 127, &mut out), [0.0, 0.25]);
        assert_eq!(out, [0; 5]);
    }
}
