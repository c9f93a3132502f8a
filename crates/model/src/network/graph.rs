//! The network as candle tensor operations: for GPUs, for training encoders that [`super::TrainingNetwork`] does not
//! support, and as the reference for the other implementations.

use super::{NetworkSpec, Pooling};
use crate::architecture::{Activation, EncoderSpec};
use crate::batch::Batch;
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::encoder::graph::{Dense, Dropout, Encoder, LayerNorm, drop_hidden, ops};
use crate::error::Result;
use candle_core::Tensor;

/// A network as candle tensor operations.
pub struct Network {
    encoder: Encoder,
    is_mean: bool,
    output: OutputLayers,
}

/// The layers after the encoder: pooler and heads.
pub(super) struct OutputLayers {
    pooler: Option<Pooler>,
    heads: Vec<Dense>,
}

/// The layers between pooled tokens and heads.
struct Pooler {
    dense: Dense,
    activation: Activation,
    norm: Option<LayerNorm>,
}

impl OutputLayers {
    pub(super) fn new(weights: &Weights, encoder: &EncoderSpec, spec: &NetworkSpec) -> Result<Self> {
        let width = encoder.hidden_size;
        let pooler = || -> Result<Pooler> {
            let weights = weights.pp("pooler");
            let norm = encoder
                .pooler
                .norm
                .map(|norm| LayerNorm::new(&weights.pp("LayerNorm"), width, norm.epsilon, norm.has_bias));
            Ok(Pooler {
                dense: Dense::new(&weights.pp("dense"), width, width, encoder.pooler.has_bias)?,
                activation: encoder.pooler.activation,
                norm: norm.transpose()?,
            })
        };
        let pooler = (spec.pooling == Pooling::Pooler).then(pooler).transpose()?;
        let head = |(prefix, labels): &(String, usize)| Dense::new(&weights.pp(prefix), width, *labels, true);
        Ok(Self { pooler, heads: spec.heads.iter().map(head).collect::<Result<_>>()? })
    }

    /// Applies the pooler, if there is one, to `[windows, width]`. The shape stays.
    fn pool(&self, pooled: Tensor) -> Result<Tensor> {
        let Some(pooler) = &self.pooler else { return Ok(pooled) };
        let pooled = pooler.dense.forward(&pooled)?;
        // The tanh of infinity is 1, which would hide that the encoder's numbers overflow. The product is 0, or NaN for
        // infinity.
        let activated = (ops::activate(&pooled, pooler.activation)? + (&pooled * 0.0)?)?;
        match &pooler.norm {
            Some(norm) => norm.forward(&activated),
            None => Ok(activated),
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
    /// Builds the network. It can be trained if the weights come from [`crate::checkpoint::Variables::weights`].
    ///
    /// # Errors
    /// If a tensor is missing or does not have the shape that `encoder` and `spec` require.
    pub fn new(weights: &Weights, encoder: &EncoderSpec, spec: &NetworkSpec) -> Result<Self> {
        Ok(Self {
            is_mean: spec.pooling.is_mean(encoder),
            encoder: Encoder::new(weights, encoder)?,
            output: OutputLayers::new(weights, encoder, spec)?,
        })
    }

    /// Returns the pooled vector of each window, `[windows, width]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn embed(&self, batch: &Batch, dropout: Option<&mut Dropout>) -> Result<Tensor> {
        let rows = if self.is_mean { OutputRows::All } else { OutputRows::First };
        let hidden = self.encoder.forward(batch, rows, dropout)?; // [windows, length or 1, width]
        let pooled = if self.is_mean { mean(&hidden, &batch.lengths)? } else { hidden.squeeze(1)? };
        self.output.pool(pooled)
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
