//! The network as candle tensor operations: for GPUs, for training what [`super::TrainingNetwork`] cannot, and as reference for
//! the others.

use super::{Parts, Pooling};
use crate::batch::Batch;
use crate::encoder::graph::{Dense, Dropout, Encoder, drop_hidden};
use crate::encoder::{EncoderConfig, Weights};
use crate::error::Result;
use candle_core::Tensor;

/// A network over one set of weights.
pub struct Network {
    encoder: Encoder,
    pooling: Pooling,
    top: Top,
}

/// What follows the encoder.
pub(super) struct Top {
    pooler: Option<Dense>,
    heads: Vec<Dense>,
}

impl Top {
    pub(super) fn new(weights: &Weights, config: &EncoderConfig, parts: &Parts) -> Result<Self> {
        let width = config.hidden_size;
        let pooler = match parts.pooling {
            Pooling::Pooler => Some(Dense::new(&parts.encoder_weights(weights).pp("pooler.dense"), width, width)?),
            Pooling::Cls | Pooling::Mean => None,
        };
        let head = |(prefix, labels): &(String, usize)| Dense::new(&weights.pp(prefix), width, *labels);
        Ok(Self { pooler, heads: parts.heads.iter().map(head).collect::<Result<_>>()? })
    }

    /// The pooler, where there is one: `[windows, width]` to the same.
    fn pool(&self, pooled: Tensor) -> Result<Tensor> {
        match &self.pooler {
            None => Ok(pooled),
            Some(pooler) => Ok(pooler.forward(&pooled)?.tanh()?),
        }
    }

    fn heads(&self, pooled: Tensor, dropout: Option<&mut Dropout>) -> Result<Vec<Tensor>> {
        let pooled = drop_hidden(pooled, dropout)?;
        self.heads.iter().map(|head| head.forward(&pooled)).collect()
    }

    /// First tokens' or mean vectors, `[windows, width]`, to logits of each head, `[windows, labels]`.
    pub(super) fn forward(&self, pooled: Tensor, dropout: Option<&mut Dropout>) -> Result<Vec<Tensor>> {
        self.heads(self.pool(pooled)?, dropout)
    }
}

impl Network {
    /// Builds the network; with weights from [`crate::encoder::Variables::weights`] it can be trained.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than `config` and `parts` say.
    pub fn new(weights: &Weights, config: &EncoderConfig, parts: &Parts) -> Result<Self> {
        Ok(Self {
            encoder: Encoder::new(&parts.encoder_weights(weights), config)?,
            pooling: parts.pooling,
            top: Top::new(weights, config, parts)?,
        })
    }

    /// One vector per window, `[windows, width]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn embed(&self, batch: &Batch, dropout: Option<&mut Dropout>) -> Result<Tensor> {
        let hidden = self.encoder.forward(batch, self.pooling.rows(), dropout)?; // [windows, length or 1, width]
        match self.pooling {
            Pooling::Mean => mean(&hidden, &batch.lengths),
            Pooling::Cls | Pooling::Pooler => self.top.pool(hidden.squeeze(1)?),
        }
    }

    /// Logits of each head, `[windows, labels]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, batch: &Batch, mut dropout: Option<&mut Dropout>) -> Result<Vec<Tensor>> {
        let pooled = self.embed(batch, dropout.as_deref_mut())?; // [windows, width]
        self.top.heads(pooled, dropout)
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
