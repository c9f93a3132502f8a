//! The network as candle tensor operations: for GPUs, for training encoders that [`super::TrainingNetwork`] does not
//! support, and as the reference for the other implementations.

use super::{NetworkSpec, Pooling};
use crate::batch::Batch;
use crate::encoder::graph::{Dense, Dropout, Encoder, drop_hidden};
use crate::encoder::{EncoderConfig, Weights};
use crate::error::Result;
use candle_core::Tensor;

/// A network as candle tensor operations.
pub struct Network {
    encoder: Encoder,
    pooling: Pooling,
    output: OutputLayers,
}

/// The layers after the encoder: pooler and heads.
pub(super) struct OutputLayers {
    pooler: Option<Dense>,
    heads: Vec<Dense>,
}

impl OutputLayers {
    pub(super) fn new(weights: &Weights, config: &EncoderConfig, spec: &NetworkSpec) -> Result<Self> {
        let width = config.hidden_size;
        let pooler = match spec.pooling {
            Pooling::Pooler => Some(Dense::new(&spec.encoder_weights(weights).pp("pooler.dense"), width, width)?),
            Pooling::Cls | Pooling::Mean => None,
        };
        let head = |(prefix, labels): &(String, usize)| Dense::new(&weights.pp(prefix), width, *labels);
        Ok(Self { pooler, heads: spec.heads.iter().map(head).collect::<Result<_>>()? })
    }

    /// Applies the pooler, if there is one, to `[windows, width]`. The shape stays.
    fn pool(&self, pooled: Tensor) -> Result<Tensor> {
        match &self.pooler {
            None => Ok(pooled),
            Some(pooler) => {
                let pooled = pooler.forward(&pooled)?;
                // The tanh of infinity is 1, which would hide that the encoder's numbers overflow. The product is 0, or NaN for
                // infinity.
                Ok((pooled.tanh()? + (&pooled * 0.0)?)?)
            }
        }
    }

    /// Returns the logits of each head, `[windows, labels]`, for pooled vectors, `[windows, width]`.
    fn heads(&self, pooled: Tensor, dropout: Option<&mut Dropout>) -> Result<Vec<Tensor>> {
        let pooled = drop_hidden(pooled, dropout)?;
        self.heads.iter().map(|head| head.forward(&pooled)).collect()
    }

    /// Applies pooler and heads to first-token or mean vectors, `[windows, width]`. Returns the logits of each head,
    /// `[windows, labels]`.
    pub(super) fn forward(&self, pooled: Tensor, dropout: Option<&mut Dropout>) -> Result<Vec<Tensor>> {
        self.heads(self.pool(pooled)?, dropout)
    }
}

impl Network {
    /// Builds the network. It can be trained if the weights come from [`crate::encoder::Variables::weights`].
    ///
    /// # Errors
    /// If a tensor is missing or does not have the shape that `config` and `spec` require.
    pub fn new(weights: &Weights, config: &EncoderConfig, spec: &NetworkSpec) -> Result<Self> {
        Ok(Self {
            encoder: Encoder::new(&spec.encoder_weights(weights), config)?,
            pooling: spec.pooling,
            output: OutputLayers::new(weights, config, spec)?,
        })
    }

    /// Returns the pooled vector of each window, `[windows, width]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn embed(&self, batch: &Batch, dropout: Option<&mut Dropout>) -> Result<Tensor> {
        let hidden = self.encoder.forward(batch, self.pooling.output_rows(), dropout)?; // [windows, length or 1, width]
        match self.pooling {
            Pooling::Mean => mean(&hidden, &batch.lengths),
            Pooling::Cls | Pooling::Pooler => self.output.pool(hidden.squeeze(1)?),
        }
    }

    /// Returns the logits of each head, `[windows, labels]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, batch: &Batch, mut dropout: Option<&mut Dropout>) -> Result<Vec<Tensor>> {
        let pooled = self.embed(batch, dropout.as_deref_mut())?; // [windows, width]
        self.output.heads(pooled, dropout)
    }
}

/// Returns the mean over each window's tokens without padding: `[windows, length, width]` to `[windows, width]`.
fn mean(hidden: &Tensor, lengths: &[usize]) -> Result<Tensor> {
    let (windows, longest, _) = hidden.dims3()?;
    // The mean is a product with a row that holds 1/n for tokens and 0 for padding.
    let row = |&n: &usize| (0..longest).map(move |i| if i < n { 1.0 / n as f32 } else { 0.0 });
    let factors: Vec<f32> = lengths.iter().flat_map(row).collect();
    let factors = Tensor::from_vec(factors, (windows, 1, longest), hidden.device())?; // [windows, 1, length]
    Ok(factors.matmul(hidden)?.squeeze(1)?) // [windows, width]
}
