//! Inference on the CPU over packed weights.

use super::{NetworkSpec, Pooling, append_mean};
use crate::batch::PackedBatch;
use crate::encoder::packed::{EncoderScratch, PackedEncoder, dense};
use crate::encoder::{EncoderConfig, Weights};
use crate::error::Result;
use crate::head::Logits;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{self, Dtype, PackedDense};

/// A network whose weights are packed for one instruction set and dtype.
pub struct PackedNetwork {
    encoder: PackedEncoder,
    pooling: Pooling,
    pooler: Option<PackedDense>,
    heads: Vec<PackedDense>,
}

/// Memory of one worker, reused from batch to batch.
#[derive(Default)]
pub struct Scratch {
    encoder: EncoderScratch,
    pooled: Vec<f32>,
    tanh: Vec<f32>,
    product: packed::Scratch,
}

impl PackedNetwork {
    /// Packs the weights on up to `threads` threads. Pooler and heads are f32 in every dtype, because they are small
    /// and scores depend on them directly.
    ///
    /// # Errors
    /// If a tensor is missing or does not have the shape that `config` and `spec` require.
    pub fn new(
        weights: &Weights,
        config: &EncoderConfig,
        spec: &NetworkSpec,
        dtype: Dtype,
        set: InstructionSet,
        threads: usize,
    ) -> Result<Self> {
        let inner = spec.encoder_weights(weights);
        let width = config.hidden_size;
        let rows = spec.pooling.output_rows();
        let exact = |weights: &Weights, labels| dense(&[weights], width, labels, Dtype::F32, set);
        let pooler = match spec.pooling {
            Pooling::Pooler => Some(exact(&inner.pp("pooler.dense"), width)?),
            Pooling::Cls | Pooling::Mean => None,
        };
        Ok(Self {
            encoder: PackedEncoder::new(&inner, config, rows, dtype, set, threads)?,
            pooling: spec.pooling,
            pooler,
            heads: spec
                .heads
                .iter()
                .map(|(prefix, labels)| exact(&weights.pp(prefix), *labels))
                .collect::<Result<_>>()?,
        })
    }

    /// Returns the logits by head, then by window. A window's logits are bit-identical regardless of batch composition.
    ///
    /// # Panics
    /// If a window is longer than the position table, or a token id is not in the vocabulary.
    pub fn forward(&self, batch: &PackedBatch, scratch: &mut Scratch) -> Vec<Vec<Logits>> {
        let Scratch { encoder, pooled, tanh, product } = scratch;
        let hidden = self.encoder.forward(batch, encoder);
        let width = self.encoder.width();
        let mut pooled: &mut [f32] = match self.pooling {
            // The encoder returns only the first tokens' vectors.
            Pooling::Cls | Pooling::Pooler => hidden,
            Pooling::Mean => {
                pooled.clear();
                for window in batch.windows() {
                    let rows = &hidden[window.start * width..window.end * width];
                    append_mean(rows, width, pooled);
                }
                pooled
            }
        }; // [windows, width]
        if let Some(pooler) = &self.pooler {
            tanh.resize(pooled.len(), 0.0);
            pooler.forward(pooled, product, tanh);
            // The tanh of infinity is 1, which would hide that the encoder's numbers overflow.
            tanh.iter_mut().for_each(|x| *x = if x.is_finite() { x.tanh() } else { f32::NAN });
            pooled = tanh;
        }
        let head = |head: &PackedDense| {
            let mut logits = vec![0.0; batch.len() * head.width()];
            head.forward(pooled, product, &mut logits);
            logits.chunks_exact(head.width()).map(|row| Logits(row.to_vec())).collect()
        };
        self.heads.iter().map(head).collect()
    }
}
