//! Inference on the CPU over packed weights: windows end to end without padding, on one thread, in reused memory.
//!
//! All functions work on row-major slices whose rows are the tokens of a batch. Every kernel computes a row from the
//! rows of the same window alone, so a window's results are bit-identical regardless of batch composition. Tests
//! compare the layers with those of [`super::graph`].

mod embeddings;
mod layer;

use crate::batch::PackedBatch;
use crate::encoder::{EncoderConfig, OutputRows, Weights};
use crate::error::Result;
use crate::workers::parallel;
use embeddings::Embeddings;
use layer::Layer;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{AttentionScratch, Dtype, PackedDense, Scratch};

/// A BERT encoder whose weights are packed for one instruction set and dtype.
pub struct PackedEncoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    width: usize,
}

/// Memory of one worker's forward passes. It grows to the largest batch and is reused.
#[derive(Default)]
pub struct EncoderScratch {
    /// `[tokens, width]`
    hidden: Vec<f32>,
    /// `[tokens, 3 width]`: queries, keys and values. `[tokens, 2 width]` without queries if the layer computes only
    /// first tokens.
    projected: Vec<f32>,
    /// `[tokens, width]`
    context: Vec<f32>,
    /// `[rows of a block, intermediate]`
    intermediate: Vec<f32>,
    /// `[rows of a block, width]`
    update: Vec<f32>,
    /// `[windows, width]`
    first: Vec<f32>,
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
    /// Packs the tensors under the prefix of `weights` on up to `threads` threads. The names are those of
    /// [`super::graph::Encoder::new`].
    ///
    /// # Errors
    /// If a tensor is missing or does not have the shape that `config` requires.
    pub fn new(
        weights: &Weights,
        config: &EncoderConfig,
        rows: OutputRows,
        dtype: Dtype,
        set: InstructionSet,
        threads: usize,
    ) -> Result<Self> {
        let layers = weights.pp("encoder.layer");
        let count = config.num_hidden_layers;
        let layers = parallel(count, threads, |number| {
            let rows = if number + 1 == count { rows } else { OutputRows::All };
            Layer::new(&layers.pp(number), config, rows, dtype, set)
        })?;
        let embeddings = Embeddings::new(&weights.pp("embeddings"), config, set)?;
        Ok(Self { embeddings, layers, width: config.hidden_size })
    }

    /// Returns the width of a token's vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the hidden states of the last layer: `[tokens, width]`, or `[windows, width]` with
    /// [`OutputRows::First`].
    ///
    /// # Panics
    /// If a window is longer than the position table, or a token id is not in the vocabulary.
    pub fn forward<'a>(&self, batch: &PackedBatch, scratch: &'a mut EncoderScratch) -> &'a mut [f32] {
        let tokens = batch.ids().len();
        self.embeddings.forward(batch, sized(&mut scratch.hidden, tokens * self.width));
        let mut rows = tokens;
        for layer in &self.layers {
            rows = layer.forward(batch, scratch);
        }
        &mut scratch.hidden[..rows * self.width]
    }
}

/// Packs the `weight` and `bias` under each prefix into one dense layer with their outputs side by side.
///
/// # Errors
/// If a tensor is missing or has a different shape.
pub(crate) fn dense(
    parts: &[&Weights],
    input: usize,
    output: usize,
    dtype: Dtype,
    set: InstructionSet,
) -> Result<PackedDense> {
    let (mut weight, mut bias) = (vec![], vec![]);
    for part in parts {
        part.read(&[output, input], "weight", &mut weight)?;
        part.read(&[output], "bias", &mut bias)?;
    }
    Ok(PackedDense::new(&weight, &bias, dtype, set))
}
