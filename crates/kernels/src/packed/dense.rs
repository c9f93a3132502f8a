//! A dense layer `x W^T + b`: its weights, packed for one instruction set.

use super::buffer::Buffer;
use super::dtype::Dtype;
use super::weights::QuantisedWeights;
use crate::half::narrow;
use crate::instructions::InstructionSet;
use crate::tiles::{PairOrder, Tiles};

/// A dense layer with weights packed for one instruction set.
pub struct PackedDense {
    pub(super) set: InstructionSet,
    pub(super) tiles: &'static Tiles,
    pub(super) depth: usize,
    pub(super) width: usize,
    pub(super) weights: Weights,
}

/// The weights and bias of a layer. A padded bias has zeros up to the end of the last panel.
pub(super) enum Weights {
    /// In the caller's order, for `gemm`.
    Unpacked {
        weight: Vec<f32>,
        bias: Vec<f32>,
    },
    /// In panels, with a padded bias.
    F32 {
        panels: Buffer<f32>,
        bias: Buffer<f32>,
    },
    /// In panels, with a padded bias.
    Bf16 {
        panels: Buffer<u16>,
        bias: Buffer<f32>,
    },
    Int16(QuantisedWeights<i16>),
    Int8(QuantisedWeights<i8>),
}

impl PackedDense {
    /// Packs `weight` (`[width, depth]`, row-major) and `bias` (`[width]`).
    ///
    /// # Panics
    /// If the sizes do not match or the machine lacks the instruction set.
    pub fn new(weight: &[f32], bias: &[f32], dtype: Dtype, set: InstructionSet) -> Self {
        let width = bias.len();
        assert!(width > 0 && weight.len().is_multiple_of(width), "packed dense: weight is not made of whole rows");
        let depth = weight.len() / width;
        let tiles = Tiles::of(set);
        let weights = match dtype {
            Dtype::F32 => {
                let mut packed = Self::zeros(depth, width, set);
                packed.fill(weight, bias);
                return packed;
            }
            Dtype::Bf16 => bf16_panels(weight, bias, tiles),
            Dtype::Int16 => Weights::Int16(QuantisedWeights::new(weight, bias, tiles)),
            Dtype::Int8 => Weights::Int8(QuantisedWeights::new(weight, bias, tiles)),
        };
        Self { set, tiles, depth, width, weights }
    }

    /// Returns an f32 layer of zeros, to be filled later.
    ///
    /// # Panics
    /// If the machine lacks the instruction set or the number of weights overflows.
    pub fn zeros(depth: usize, width: usize, set: InstructionSet) -> Self {
        let tiles = Tiles::of(set);
        let padded_width = width.next_multiple_of(tiles.columns);
        assert!(padded_width.checked_mul(depth).is_some(), "packed dense: {width} x {depth} weights are too many");
        let weights = match set {
            InstructionSet::Portable => Weights::Unpacked { weight: vec![0.0; width * depth], bias: vec![0.0; width] },
            _ => Weights::F32 { panels: Buffer::zeros(padded_width * depth), bias: Buffer::zeros(padded_width) },
        };
        Self { set, tiles, depth, width, weights }
    }

    /// Replaces the weights of an f32 layer by `weight` (`[width, depth]`, row-major) and `bias` (`[width]`).
    ///
    /// # Panics
    /// If the sizes do not match or the layer is not in f32.
    pub fn fill(&mut self, weight: &[f32], bias: &[f32]) {
        let (depth, width, columns) = (self.depth, self.width, self.tiles.columns);
        assert!(weight.len() == width * depth && bias.len() == width, "packed dense: sizes do not match");
        match &mut self.weights {
            Weights::Unpacked { weight: unpacked, bias: unpacked_bias } => {
                unpacked.copy_from_slice(weight);
                unpacked_bias.copy_from_slice(bias);
            }
            Weights::F32 { panels, bias: padded } => {
                let panels = panels.first(width.next_multiple_of(columns) * depth);
                let rows = weight.chunks(columns * depth);
                for (panel, rows) in panels.chunks_exact_mut(columns * depth).zip(rows) {
                    for (column, row) in rows.chunks_exact(depth).enumerate() {
                        for (k, &w) in row.iter().enumerate() {
                            panel[k * columns + column] = w;
                        }
                    }
                }
                padded.first(width).copy_from_slice(bias);
            }
            _ => unreachable!("packed dense: only an f32 layer can be filled again"),
        }
    }

    /// Replaces the weights by the transpose of `weight` (`[depth, width]`, row-major) and the bias by zeros.
    ///
    /// The backward pass sends a layer's gradient through such a layer.
    ///
    /// # Panics
    /// If the sizes do not match or the layer is not in f32.
    pub fn fill_transposed(&mut self, weight: &[f32]) {
        let (depth, width, columns) = (self.depth, self.width, self.tiles.columns);
        assert!(weight.len() == width * depth, "packed dense: sizes do not match");
        match &mut self.weights {
            Weights::Unpacked { weight: unpacked, bias } => {
                for (column, row) in unpacked.chunks_exact_mut(depth).enumerate() {
                    row.iter_mut().zip(weight.iter().skip(column).step_by(width)).for_each(|(to, &w)| *to = w);
                }
                bias.fill(0.0);
            }
            Weights::F32 { panels, bias } => {
                let panels = panels.first(width.next_multiple_of(columns) * depth);
                for (number, panel) in panels.chunks_exact_mut(columns * depth).enumerate() {
                    let count = columns.min(width - number * columns);
                    for (row, weights) in panel.chunks_exact_mut(columns).zip(weight.chunks_exact(width)) {
                        row[..count].copy_from_slice(&weights[number * columns..][..count]);
                    }
                }
                bias.first(width).fill(0.0);
            }
            _ => unreachable!("packed dense: only an f32 layer can be filled again"),
        }
    }

    /// Returns the length of an input row.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the length of an output row.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// Rounds `weight` (`[width, depth]`) to bf16 and packs it with `bias` (`[width]`) into panels.
fn bf16_panels(weight: &[f32], bias: &[f32], tiles: &Tiles) -> Weights {
    let (width, columns) = (bias.len(), tiles.columns);
    let depth = weight.len() / width;
    let (padded_width, padded_depth) = (width.next_multiple_of(columns), depth.next_multiple_of(2));
    let mut panels = Buffer::zeros(padded_width * padded_depth);
    let out = panels.first(padded_width * padded_depth);
    for column in 0..width {
        let (panel, c) = (column / columns * columns * padded_depth, column % columns);
        for (k, &w) in weight[column * depth..(column + 1) * depth].iter().enumerate() {
            let index = match tiles.pair_order {
                PairOrder::Depth => (k / 2 * columns + c) * 2 + k % 2,
                PairOrder::Columns => k * columns + c / 16 * 16 + c % 8 * 2 + c % 16 / 8,
            };
            out[panel + index] = narrow(w);
        }
    }
    let mut padded_bias = Buffer::zeros(padded_width);
    padded_bias.first(width).copy_from_slice(bias);
    Weights::Bf16 { panels, bias: padded_bias }
}
