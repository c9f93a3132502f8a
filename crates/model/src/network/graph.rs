//! The network as candle tensor operations: for training, for GPUs, and as reference for the packed one.

use super::{Parts, Pooling};
use crate::batch::Batch;
use crate::encoder::graph::{Dense, Dropout, Encoder};
use crate::encoder::{EncoderConfig, Rows, Weights};
use crate::error::Result;
use candle_core::Tensor;

/// A network over one set of weights.
pub struct Network {
    encoder: Encoder,
    pooling: Pooling,
    pooler: Option<Dense>,
    heads: Vec<Dense>,
}

impl Network {
    /// Builds the network; with weights from [`crate::encoder::Variables::weights`] it can be trained.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` and `parts` say.
    pub fn new(weights: &Weights, config: &EncoderConfig, parts: &Parts) -> Result<Self> {
        let inner = if parts.encoder.is_empty() { weights.clone() } else { weights.pp(&parts.encoder) };
        let width = config.hidden_size;
        let pooler = match parts.pooling {
            Pooling::Pooler => Some(Dense::new(&inner.pp("pooler.dense"), width, width)?),
            Pooling::Cls | Pooling::Mean => None,
        };
        let head = |(prefix, labels): &(String, usize)| Dense::new(&weights.pp(prefix), width, *labels);
        Ok(Self {
            encoder: Encoder::new(&inner, config)?,
            pooling: parts.pooling,
            pooler,
            heads: parts.heads.iter().map(head).collect::<Result<_>>()?,
        })
    }

    /// One vector per window, `[windows, width]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn embed(&self, batch: &Batch, dropout: Option<&mut Dropout>) -> Result<Tensor> {
        let rows = if self.pooling == Pooling::Mean { Rows::All } else { Rows::First };
        let hidden = self.encoder.forward(batch, rows, dropout)?; // [windows, length or 1, width]
        match (self.pooling, &self.pooler) {
            (Pooling::Mean, _) => mean(&hidden, &batch.lengths),
            (_, None) => Ok(hidden.squeeze(1)?),
            (_, Some(pooler)) => Ok(pooler.forward(&hidden.squeeze(1)?)?.tanh()?),
        }
    }

    /// Logits of each head, `[windows, labels]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, batch: &Batch, mut dropout: Option<&mut Dropout>) -> Result<Vec<Tensor>> {
        let mut pooled = self.embed(batch, dropout.as_deref_mut())?; // [windows, width]
        if let Some(dropout) = dropout {
            pooled = dropout.hidden(pooled)?;
        }
        self.heads.iter().map(|head| head.forward(&pooled)).collect()
    }
}

/// Mean over each window's own tokens: `[windows, length, width]` to `[windows, width]`.
fn mean(hidden: &Tensor, lengths: &[usize]) -> Result<Tensor> {
    let (windows, longest, _) = hidden.dims3()?;
    // Each window's mean is a product with a row of 1/n, zero on padding.
    let share = |&n: &usize| (0..longest).map(move |i| if i < n { 1.0 / n as f32 } else { 0.0 });
    let shares: Vec<f32> = lengths.iter().flat_map(share).collect();
    let shares = Tensor::from_vec(shares, (windows, 1, longest), hidden.device())?; // [windows, 1, length]
    Ok(shares.matmul(hidden)?.squeeze(1)?) // [windows, width]
}
