//! One encoder layer: attention and a feed-forward block, each with residual connection and layer norm.

use super::attention::SelfAttention;
use super::norm::LayerNorm;
use super::positions::Positions;
use super::{EncoderScratch, Kernels, dense, sized};
use crate::architecture::{EncoderSpec, FeedForwardSpec, LayerSpec, NormPlacement, norm_names};
use crate::batch::PackedBatch;
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::error::Result;
use newsdesk_kernels::packed::{PackedDense, PreciseRows};

/// An encoder layer.
pub(super) struct Layer {
    placement: NormPlacement,
    attention: SelfAttention,
    attention_output: PackedDense,
    /// Missing only before attention.
    attention_norm: Option<LayerNorm>,
    feed_forward: FeedForwardSpec,
    intermediate: PackedDense,
    output: PackedDense,
    output_norm: LayerNorm,
    kernels: Kernels,
}

impl Layer {
    pub(super) fn new(
        weights: &Weights,
        spec: &EncoderSpec,
        layer: &LayerSpec,
        rows: OutputRows,
        positions: &Positions,
        kernels: Kernels,
    ) -> Result<Self> {
        let (width, inner, feed_forward) = (spec.hidden_size, spec.intermediate_size, spec.feed_forward);
        let pack = |name: &str, input, output, has_bias| dense(&[&weights.pp(name)], input, output, has_bias, kernels);
        let norm = |name: &str| LayerNorm::new(&weights.pp(name), width, spec.norm);
        let [attention_norm, output_norm] = norm_names(spec.norm_placement);
        Ok(Self {
            placement: spec.norm_placement,
            attention: SelfAttention::new(&weights.pp("attention.self"), spec, layer, rows, positions, kernels)?,
            attention_output: pack("attention.output.dense", width, width, spec.attention.has_output_bias)?,
            attention_norm: layer.has_attention_norm.then(|| norm(attention_norm)).transpose()?,
            feed_forward,
            intermediate: pack("intermediate.dense", width, spec.first_product_width(), feed_forward.has_bias)?,
            output: pack("output.dense", inner, width, feed_forward.has_bias)?,
            output_norm: norm(output_norm)?,
            kernels,
        })
    }

    /// Replaces `scratch.hidden` (`[tokens, width]`) with this layer's output and returns its number of rows. There is
    /// one row per token, or one per window if the layer computes only first tokens.
    pub(super) fn forward(&self, batch: &PackedBatch, positions: &Positions, scratch: &mut EncoderScratch) -> usize {
        let norm_before = match self.placement {
            NormPlacement::Before => self.attention_norm.as_ref(),
            NormPlacement::After => None,
        };
        self.attention.forward(batch, positions, norm_before, scratch);
        let width = self.output.width();
        let rows = match self.attention.rows() {
            OutputRows::All => batch.ids().len(),
            OutputRows::First => {
                // Move each window's first row to the front. No row is overwritten before it is read.
                for (row, window) in batch.windows().enumerate() {
                    scratch.hidden.copy_within(window.start * width..(window.start + 1) * width, row * width);
                }
                batch.len()
            }
        };
        self.feed_forward(rows, scratch);
        rows
    }

    /// Applies the output projection of attention, the feed-forward block, and the layer norms to the first `rows` of
    /// `scratch.hidden`, block by block.
    fn feed_forward(&self, rows: usize, scratch: &mut EncoderScratch) {
        let EncoderScratch { hidden, context, normed, intermediate, gated, update, first_tokens, product, .. } =
            scratch;
        let precise = first_tokens.among(self.attention.rows());
        let (width, block, set) = (self.output.width(), self.kernels.block, self.kernels.set);
        let blocks = hidden[..rows * width].chunks_mut(block * width).zip(context.chunks(block * width));
        for (number, (hidden, context)) in blocks.enumerate() {
            let precise = precise.from(number * block);
            let context = &context[..hidden.len()];
            let update = sized(update, hidden.len());
            self.attention_output.forward_precise(context, precise, product, update);
            match (self.placement, &self.attention_norm) {
                (NormPlacement::After, Some(norm)) => {
                    norm.residual(hidden, update, set);
                    self.inner(hidden, update, precise, intermediate, gated, product);
                    self.output_norm.residual(hidden, update, set);
                }
                _ => {
                    add(hidden, update);
                    let normed = sized(normed, hidden.len());
                    normed.copy_from_slice(hidden);
                    self.output_norm.in_place(normed, set);
                    self.inner(normed, update, precise, intermediate, gated, product);
                    add(hidden, update);
                }
            }
        }
    }

    /// Applies the two products of the feed-forward block to `input` (`[rows, width]`) and writes the result to `out`.
    fn inner(
        &self,
        input: &[f32],
        out: &mut [f32],
        precise: PreciseRows,
        intermediate: &mut Vec<f32>,
        gated: &mut Vec<f32>,
        product: &mut newsdesk_kernels::packed::Scratch,
    ) {
        let FeedForwardSpec { activation, is_gated, .. } = self.feed_forward;
        let (rows, inner, set) = (input.len() / self.output.width(), self.output.depth(), self.kernels.set);
        let first = sized(intermediate, rows * self.intermediate.width());
        self.intermediate.forward_precise(input, precise, product, first);
        match is_gated {
            false => self.output.forward_activated(activation, first, precise, product, out),
            true => {
                let gated = sized(gated, rows * inner);
                activation.gated(first, inner, gated, set);
                self.output.forward_precise(gated, precise, product, out);
            }
        }
    }
}

fn add(hidden: &mut [f32], update: &[f32]) {
    hidden.iter_mut().zip(update).for_each(|(x, update)| *x += update);
}
