//! Inference on the CPU over packed weights.

use super::{NetworkSpec, Pooling, append_mean};
use crate::architecture::{Activation, EncoderSpec};
use crate::batch::PackedBatch;
use crate::checkpoint::Weights;
use crate::encoder::packed::{EncoderScratch, Kernels, LayerNorm, PackedEncoder, dense};
use crate::error::Result;
use crate::head::Logits;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{self, Dtype, PackedDense};

/// A network whose weights are packed for one instruction set and dtype.
pub struct PackedNetwork {
    encoder: PackedEncoder,
    is_mean: bool,
    pooler: Option<Pooler>,
    heads: Vec<PackedDense>,
    set: InstructionSet,
}

/// The layers between pooled tokens and heads.
struct Pooler {
    dense: PackedDense,
    activation: Activation,
    norm: Option<LayerNorm>,
}

/// Memory of one worker, reused from batch to batch.
#[derive(Default)]
pub struct Scratch {
    encoder: EncoderScratch,
    pooled: Vec<f32>,
    activated: Vec<f32>,
    product: packed::Scratch,
}

impl PackedNetwork {
    /// Packs the weights on up to `threads` threads. Pooler and heads are f32 in every dtype, because they are small
    /// and scores depend on them directly.
    ///
    /// # Errors
    /// If a tensor is missing or does not have the shape that `encoder` and `spec` require.
    pub fn new(
        weights: &Weights,
        encoder: &EncoderSpec,
        spec: &NetworkSpec,
        dtype: Dtype,
        set: InstructionSet,
        threads: usize,
    ) -> Result<Self> {
        let width = encoder.hidden_size;
        let rows = spec.pooling.output_rows(encoder);
        let exact = Kernels::new(Dtype::F32, set);
        let pooler = || -> Result<Pooler> {
            let weights = weights.pp("pooler");
            let norm = encoder.pooler.norm.map(|norm| LayerNorm::new(&weights.pp("LayerNorm"), width, norm));
            Ok(Pooler {
                dense: dense(&[&weights.pp("dense")], width, width, encoder.pooler.has_bias, exact)?,
                activation: encoder.pooler.activation,
                norm: norm.transpose()?,
            })
        };
        let head = |(prefix, labels): &(String, usize)| dense(&[&weights.pp(prefix)], width, *labels, true, exact);
        Ok(Self {
            encoder: PackedEncoder::new(weights, encoder, rows, dtype, set, threads)?,
            is_mean: spec.pooling.is_mean(encoder),
            pooler: (spec.pooling == Pooling::Pooler).then(pooler).transpose()?,
            heads: spec.heads.iter().map(head).collect::<Result<_>>()?,
            set,
        })
    }

    /// Returns the logits by head, then by window. A window's logits are bit-identical regardless of batch composition.
    ///
    /// # Panics
    /// If a window is longer than the encoder allows, or a token id is not in the vocabulary.
    pub fn forward(&self, batch: &PackedBatch, scratch: &mut Scratch) -> Vec<Vec<Logits>> {
        let Scratch { encoder, pooled, activated, product } = scratch;
        let hidden = self.encoder.forward(batch, encoder);
        let width = self.encoder.width();
        let mut pooled: &mut [f32] = match self.is_mean {
            // The encoder returns only the first tokens' vectors.
            false => hidden,
            true => {
                pooled.clear();
                for window in batch.windows() {
                    let rows = &hidden[window.start * width..window.end * width];
                    append_mean(rows, width, pooled);
                }
                pooled
            }
        }; // [windows, width]
        if let Some(Pooler { dense, activation, norm }) = &self.pooler {
            activated.resize(pooled.len(), 0.0);
            dense.forward(pooled, product, activated);
            // The tanh of infinity is 1, which would hide that the encoder's numbers overflow.
            activated.iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = f32::NAN);
            activation.in_place(activated, self.set);
            if let Some(norm) = norm {
                norm.in_place(activated, self.set);
            }
            pooled = activated;
        }
        let head = |head: &PackedDense| {
            let mut logits = vec![0.0; batch.len() * head.width()];
            head.forward(pooled, product, &mut logits);
            logits.chunks_exact(head.width()).map(|row| Logits(row.to_vec())).collect()
        };
        self.heads.iter().map(head).collect()
    }
}
