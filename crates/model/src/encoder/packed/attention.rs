//! Self-attention of one layer: projections, and attention window by window.

use super::positions::{LayerPositions, Positions};
use super::{EncoderScratch, Kernels, by_block, dense, sized};
use crate::architecture::{EncoderSpec, LayerSpec};
use crate::batch::PackedBatch;
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::error::Result;
use newsdesk_kernels::packed::{Attention, PackedDense, Strided};

/// The projections before attention.
enum Projection {
    /// Query, key and value of every token, side by side in one product.
    All(PackedDense),
    /// The query of each window's first token, and the key and value of every token.
    First { query: PackedDense, key_value: PackedDense },
}

/// Self-attention without its output projection.
pub(super) struct SelfAttention {
    projection: Projection,
    positions: LayerPositions,
    attention: Attention,
    width: usize,
    kernels: Kernels,
}

impl SelfAttention {
    pub(super) fn new(
        weights: &Weights,
        spec: &EncoderSpec,
        layer: &LayerSpec,
        rows: OutputRows,
        shared: &Positions,
        kernels: Kernels,
    ) -> Result<Self> {
        let (width, heads) = (spec.hidden_size, spec.num_attention_heads);
        let [query, key, value] = ["query", "key", "value"].map(|name| weights.pp(name));
        let pack = |parts: &[&Weights]| dense(parts, width, width, spec.attention.has_bias, kernels);
        let projection = match rows {
            OutputRows::All => Projection::All(pack(&[&query, &key, &value])?),
            OutputRows::First => Projection::First { query: pack(&[&query])?, key_value: pack(&[&key, &value])? },
        };
        let attention = Attention {
            heads,
            head_width: spec.head_width(),
            scale: spec.attention_scale() as f32,
            reach: layer.reach,
            set: kernels.set,
        };
        let positions = LayerPositions::new(weights, spec, layer, shared, kernels.set)?;
        Ok(Self { projection, positions, attention, width, kernels })
    }

    /// Returns which rows attention computes.
    pub(super) fn rows(&self) -> OutputRows {
        match self.projection {
            Projection::All(_) => OutputRows::All,
            Projection::First { .. } => OutputRows::First,
        }
    }

    /// Fills `scratch.context` from `scratch.hidden` (`[tokens, width]`), which `norm` normalises first: a row per token, or one
    /// per window.
    pub(super) fn forward(
        &self,
        batch: &PackedBatch,
        positions: &Positions,
        norm: Option<&super::LayerNorm>,
        scratch: &mut EncoderScratch,
    ) {
        let (width, tokens) = (self.width, batch.ids().len());
        let EncoderScratch { hidden, projected, context, normed, first, first_tokens, product, attention, .. } =
            scratch;
        let precise = first_tokens.among(OutputRows::All);
        let hidden = &hidden[..tokens * width];
        let block = self.kernels.block;
        let all = match &self.projection {
            Projection::All(projection) => projection,
            Projection::First { key_value, .. } => key_value,
        };
        let stride = all.width();
        let projected = sized(projected, tokens * stride);
        match norm {
            None => by_block(all, block, hidden, precise, product, projected),
            Some(norm) => {
                let blocks = hidden.chunks(block * width).zip(projected.chunks_mut(block * stride));
                for (number, (input, out)) in blocks.enumerate() {
                    let normed = sized(normed, input.len());
                    normed.copy_from_slice(input);
                    norm.in_place(normed, self.kernels.set);
                    all.forward_precise(normed, precise.from(number * block), product, out);
                }
            }
        }
        let rotary = positions.rotary(&self.positions);
        let (heads, set) = (self.attention.heads, self.kernels.set);
        let relative = || positions.relative(&self.positions);
        match &self.projection {
            Projection::All(_) => {
                let context = sized(context, tokens * width);
                for window in batch.windows() {
                    let rows = &mut projected[window.start * stride..window.end * stride];
                    if let Some(rotary) = rotary {
                        rotary.apply(rows, stride, heads, set);
                        rotary.apply(&mut rows[width..], stride, heads, set);
                    }
                    let part = |number: usize| Strided { values: &rows[number * width..], stride };
                    let out = &mut context[window.start * width..window.end * width];
                    self.attention.forward(part(0), part(1), part(2), window.len(), relative(), attention, out);
                }
            }
            Projection::First { query, .. } => {
                let first_rows = sized(first, 2 * batch.len() * width);
                let (inputs, queries) = first_rows.split_at_mut(batch.len() * width);
                for (row, window) in inputs.chunks_exact_mut(width).zip(batch.windows()) {
                    row.copy_from_slice(&hidden[window.start * width..][..width]);
                }
                if let Some(norm) = norm {
                    norm.in_place(inputs, set);
                }
                by_block(query, block, inputs, first_tokens.among(OutputRows::First), product, queries);
                let context = sized(context, batch.len() * width);
                for (row, window) in batch.windows().enumerate() {
                    let rows = &mut projected[window.start * stride..window.end * stride];
                    // The first token has position 0, where rotation changes nothing.
                    if let Some(rotary) = rotary {
                        rotary.apply(rows, stride, heads, set);
                    }
                    let part = |number: usize| Strided { values: &rows[number * width..], stride };
                    let range = row * width..(row + 1) * width;
                    let query = Strided { values: &queries[range.clone()], stride: width };
                    let out = &mut context[range];
                    self.attention.forward(query, part(0), part(1), window.len(), relative(), attention, out);
                }
            }
        }
    }
}
