//! Quantised weights in panels, and what the products of an integer type need.

use super::buffer::Buffer;
use super::quantise::{Integer, quantise_weights};
use super::rows::QuantisedRows;
use super::scratch::Scratch;
use crate::tiles::{GROUP, INT16_LIMITS, QUANTISED_DEPTH, QuantisedTile, TRAINED_LIMITS, Tiles};

/// An integer type that weights are quantised to, with what its products need.
pub(super) trait WeightInteger: Integer {
    /// The integer type of the activations.
    type Activation: Integer;
    /// Neighbours in depth that are interleaved in a panel, so that their products fall into one 32-bit lane.
    const INTERLEAVED: usize;
    /// Whether precise rows have twice the bits of others.
    const HAS_PRECISE_ROWS: bool;
    /// Returns the largest activation and the largest magnitude of a weight, for weights (`[width, depth]`).
    fn limits(weight: &[f32], depth: usize, tiles: &Tiles) -> (Self::Activation, Self);
    /// Returns the maximum number of rows of a tile, and the tile.
    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<Self::Activation, Self>);
    /// Returns the memory for the activations of a block.
    fn memory(scratch: &mut Scratch) -> &mut QuantisedRows<Self::Activation>;
}

impl WeightInteger for i8 {
    type Activation = u8;
    const INTERLEAVED: usize = 4;
    const HAS_PRECISE_ROWS: bool = true;

    fn limits(weight: &[f32], depth: usize, tiles: &Tiles) -> (u8, i8) {
        if are_trained(weight, depth) { TRAINED_LIMITS } else { tiles.int8_limits }
    }

    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<u8, i8>) {
        (tiles.int8_rows, tiles.int8)
    }

    fn memory(scratch: &mut Scratch) -> &mut QuantisedRows<u8> {
        &mut scratch.bytes
    }
}

impl WeightInteger for i16 {
    type Activation = u16;
    const INTERLEAVED: usize = 2;
    // Twelve bits are precise enough.
    const HAS_PRECISE_ROWS: bool = false;

    fn limits(_: &[f32], _: usize, _: &Tiles) -> (u16, i16) {
        INT16_LIMITS
    }

    fn tile(tiles: &Tiles) -> (usize, QuantisedTile<u16, i16>) {
        (tiles.rows, tiles.int16)
    }

    fn memory(scratch: &mut Scratch) -> &mut QuantisedRows<u16> {
        &mut scratch.words
    }
}

/// Quantised weights in panels.
pub(super) struct QuantisedWeights<W: WeightInteger> {
    /// `[panels][depth / INTERLEAVED][columns][INTERLEAVED]`
    pub(super) panels: Buffer<W>,
    /// The bias, padded with zeros up to the end of the last panel.
    pub(super) bias: Buffer<f32>,
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
        let mut padded_bias = Buffer::zeros(padded_width);
        padded_bias.first(width).copy_from_slice(bias);
        let mut column_terms = Buffer::zeros(terms_per_column(depth) * padded_width);
        let out = panels.first(padded_width * padded_depth);
        let terms_out = column_terms.first(terms_per_column(depth) * padded_width);
        let (activation_limit, limit) = W::limits(weight, depth, tiles);
        for (column, row) in weight.chunks_exact(depth).enumerate() {
            let (panel, c) = (column / columns * columns, column % columns);
            let terms = &mut terms_out[terms_per_column(depth) * panel..];
            for (group, weights) in row.chunks(GROUP).enumerate() {
                let mut sum = 0i32;
                let scale = quantise_weights(weights, limit, |k, q: W| {
                    let k = group * GROUP + k;
                    sum += Into::<i32>::into(q);
                    let index = (k / W::INTERLEAVED * columns + c) * W::INTERLEAVED + k % W::INTERLEAVED;
                    out[panel * padded_depth + index] = q;
                });
                terms[2 * group * columns + c] = sum as f32 * scale;
                terms[(2 * group + 1) * columns + c] = scale;
            }
        }
        Self { panels, bias: padded_bias, column_terms, activation_limit }
    }
}

/// Returns the number of terms of a column: the sum and the scale of each group.
pub(super) fn terms_per_column(depth: usize) -> usize {
    2 * depth.div_ceil(GROUP)
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
