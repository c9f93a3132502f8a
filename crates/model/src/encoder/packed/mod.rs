//! The encoder over packed weights: windows end to end without padding, on one thread, in memory that is kept.
//!
//! Everything here works on row-major slices; a batch's tokens are the rows. All results of a window depend on that
//! window alone, to the bit, because every kernel below does. The same layers as in [`super::graph`], which is its
//! reference in tests.

mod embeddings;
mod layer;

use crate::batch::PackedBatch;
use crate::encoder::{EncoderConfig, Rows, Weights};
use crate::error::Result;
use crate::workers::parallel;
use embeddings::Embeddings;
use layer::Layer;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{AttentionScratch, Dtype, PackedDense, Scratch};

/// A BERT encoder whose weights are laid out for one instruction set in one dtype.
pub struct PackedEncoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    width: usize,
}

/// Memory of one worker's forward passes; it grows to the largest batch and stays.
#[derive(Default)]
pub struct EncoderScratch {
    /// `[tokens, width]`
    hidden: Vec<f32>,
    /// `[tokens, 3 width]`: queries, keys and values; without queries in a last layer of first tokens.
    projected: Vec<f32>,
    /// `[tokens, width]`
    gathered: Vec<f32>,
    /// `[rows of a block, wide]`
    wide: Vec<f32>,
    /// `[rows of a block, width]`
    update: Vec<f32>,
    /// `[windows, width]`
    first: Vec<f32>,
    product: Scratch,
    attention: AttentionScratch,
}

/// Makes a slice of `length` out of memory that may be longer or shorter; what stands in it is to be overwritten.
fn sized(memory: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if memory.len() < length {
        memory.resize(length, 0.0);
    }
    &mut memory[..length]
}

impl PackedEncoder {
    /// Lays out the tensors under `weights`' prefix, as [`super::graph::Encoder::new`] reads them, on up to `threads`
    /// threads.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` says.
    pub fn new(
        weights: &Weights,
        config: &EncoderConfig,
        rows: Rows,
        dtype: Dtype,
        set: InstructionSet,
        threads: usize,
    ) -> Result<Self> {
        let layers = weights.pp("encoder.layer");
        let count = config.num_hidden_layers;
        let layers = parallel(count, threads, |number| {
            let rows = if number + 1 == count { rows } else { Rows::All };
            Layer::new(&layers.pp(number), config, rows, dtype, set)
        })?;
        let embeddings = Embeddings::new(&weights.pp("embeddings"), config, set)?;
        Ok(Self { embeddings, layers, width: config.hidden_size })
    }

    /// Width of a token's vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Hidden states of the last layer: `[tokens, width]`, or `[windows, width]` with [`Rows::First`].
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

/// A dense layer from the `weight` and `bias` under each of the prefixes, their outputs side by side.
///
/// # Errors
/// If a tensor is missing or has another shape.
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
