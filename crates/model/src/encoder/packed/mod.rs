//! Inference on the CPU over packed weights: windows end to end without padding, on one thread, in reused memory.
//!
//! All functions work on row-major slices whose rows are the tokens of a batch. Every kernel computes a row from the
//! rows of the same window alone, so a window's results are bit-identical regardless of batch composition. Tests
//! compare the layers with those of [`super::graph`]. All architectures are supported.

mod attention;
mod embeddings;
mod layer;
mod norm;
mod positions;

use crate::architecture::{EncoderSpec, NormPlacement};
use crate::batch::PackedBatch;
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::encoder::first_tokens::FirstTokens;
use crate::error::Result;
use crate::workers::parallel;
use embeddings::Embeddings;
use layer::Layer;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{AttentionScratch, Dtype, PackedDense, PreciseRows, Scratch};
pub(crate) use norm::LayerNorm;
use positions::Positions;

/// An encoder whose weights are packed for one instruction set and dtype.
pub struct PackedEncoder {
    embeddings: Embeddings,
    positions: Positions,
    /// The layers with weights of their own, then the last layer, which may compute fewer rows.
    layers: Vec<Layer>,
    /// For each layer, its index in `layers`.
    order: Vec<usize>,
    final_norm: Option<LayerNorm>,
    width: usize,
    /// Which rows of the last layer the network reads.
    rows: OutputRows,
    kernels: Kernels,
}

/// How the kernels of an encoder compute.
#[derive(Clone, Copy)]
pub(crate) struct Kernels {
    pub(crate) dtype: Dtype,
    pub(crate) set: InstructionSet,
    /// Rows that go through a layer's products together.
    pub(crate) block: usize,
}

impl Kernels {
    pub(crate) fn new(dtype: Dtype, set: InstructionSet) -> Self {
        // A block's inputs and outputs stay in the L2 cache, and the weights are loaded from farther away once per block. f32
        // weights have four times the bytes of int8, so more rows share each load.
        let block = match dtype {
            Dtype::F32 => 96,
            Dtype::Int16 | Dtype::Bf16 | Dtype::Int8 => 72,
        };
        Self { dtype, set, block }
    }
}

/// Memory of one worker's forward passes. It grows to the largest batch and is reused.
#[derive(Default)]
pub struct EncoderScratch {
    /// `[tokens, width]`
    hidden: Vec<f32>,
    /// `[tokens, embedding width]`, if embeddings are projected.
    embedded: Vec<f32>,
    /// `[tokens, 3 width]`: queries, keys and values. `[tokens, 2 width]` without queries if the layer computes only
    /// first tokens.
    projected: Vec<f32>,
    /// `[tokens, width]`
    context: Vec<f32>,
    /// `[rows of a block, width]`: the input of a product after its layer norm.
    normed: Vec<f32>,
    /// `[rows of a block, intermediate]`, twice as wide with gates.
    intermediate: Vec<f32>,
    /// `[rows of a block, intermediate]`, with gates.
    gated: Vec<f32>,
    /// `[rows of a block, width]`
    update: Vec<f32>,
    /// `[2, windows, width]`: the first tokens, then their queries.
    first: Vec<f32>,
    first_tokens: FirstTokens,
    product: Scratch,
    attention: AttentionScratch,
}

/// Returns the first `length` values of memory, which grows if it is shorter. The contents are unspecified.
fn sized(memory: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if memory.len() < length {
        memory.resize(length, 0.0);
    }
    &mut memory[..length]
}

impl PackedEncoder {
    /// Packs the tensors that [`EncoderSpec::tensors`] lists on up to `threads` threads.
    ///
    /// # Errors
    /// If a tensor is missing or does not have the shape that `spec` requires.
    pub fn new(
        weights: &Weights,
        spec: &EncoderSpec,
        rows: OutputRows,
        dtype: Dtype,
        set: InstructionSet,
        threads: usize,
    ) -> Result<Self> {
        let kernels = Kernels::new(dtype, set);
        let positions = Positions::new(weights, spec, set)?;
        // Layers with the same weights, reach and rotary positions are packed once. The last one may compute fewer rows.
        let last = spec.layers.len().saturating_sub(1);
        let (mut distinct, mut order) = (vec![], vec![]);
        for (number, layer) in spec.layers.iter().enumerate() {
            let key = (layer, if number == last { rows } else { OutputRows::All });
            let index = distinct.iter().position(|other| *other == key).unwrap_or(distinct.len());
            if index == distinct.len() {
                distinct.push(key);
            }
            order.push(index);
        }
        let layers = parallel(distinct.len(), threads, |index| {
            let (layer, rows) = distinct[index];
            let weights = weights.pp("encoder.layer").pp(layer.weights);
            Layer::new(&weights, spec, layer, rows, &positions, kernels)
        })?;
        let final_norm = || LayerNorm::new(&weights.pp("encoder.LayerNorm"), spec.hidden_size, spec.norm);
        let final_norm = (spec.norm_placement == NormPlacement::Before).then(final_norm).transpose()?;
        let embeddings = Embeddings::new(&weights.pp("embeddings"), spec, kernels)?;
        Ok(Self { embeddings, positions, layers, order, final_norm, width: spec.hidden_size, rows, kernels })
    }

    /// Returns the width of a token's vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the hidden states of the last layer: `[tokens, width]`, or `[windows, width]` with
    /// [`OutputRows::First`].
    ///
    /// # Panics
    /// If a window is longer than the encoder allows, or a token id is not in the vocabulary.
    pub fn forward<'a>(&self, batch: &PackedBatch, scratch: &'a mut EncoderScratch) -> &'a mut [f32] {
        scratch.first_tokens.clear();
        batch.windows().for_each(|window| scratch.first_tokens.push(window.start, self.rows));
        self.embeddings.forward(batch, self.kernels, scratch);
        let mut rows = batch.ids().len();
        for &index in &self.order {
            rows = self.layers[index].forward(batch, &self.positions, scratch);
        }
        let hidden = &mut scratch.hidden[..rows * self.width];
        if let Some(norm) = &self.final_norm {
            norm.in_place(hidden, self.kernels.set);
        }
        hidden
    }
}

/// Packs the `weight` and, if there is one, the `bias` under each prefix into one dense layer with their outputs side by side.
///
/// # Errors
/// If a tensor is missing or has a different shape.
pub(crate) fn dense(
    parts: &[&Weights],
    input: usize,
    output: usize,
    has_bias: bool,
    kernels: Kernels,
) -> Result<PackedDense> {
    let (mut weight, mut bias) = (vec![], vec![]);
    for part in parts {
        part.read(&[output, input], "weight", &mut weight)?;
        match has_bias {
            true => part.read(&[output], "bias", &mut bias)?,
            false => bias.resize(bias.len() + output, 0.0),
        }
    }
    Ok(PackedDense::new(&weight, &bias, kernels.dtype, kernels.set))
}

/// Applies a dense layer to blocks of rows.
fn by_block(
    dense: &PackedDense,
    block: usize,
    input: &[f32],
    precise: PreciseRows,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let blocks = input.chunks(block * dense.depth()).zip(out.chunks_mut(block * dense.width()));
    for (number, (input, out)) in blocks.enumerate() {
        dense.forward_precise(input, precise.from(number * block), scratch, out);
    }
}
