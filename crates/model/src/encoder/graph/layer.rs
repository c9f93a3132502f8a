//! One encoder layer: attention and a feed-forward block, each with residual connection and layer norm.

use super::attention::Attention;
use super::dense::Dense;
use super::dropout::{Dropout, drop_hidden};
use super::ops::{self, Mask};
use crate::encoder::{Activation, EncoderConfig, OutputRows, Weights};
use crate::error::Result;
use candle_core::Tensor;

/// A layer norm with weight and bias.
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl LayerNorm {
    pub(super) fn new(weights: &Weights, config: &EncoderConfig) -> Result<Self> {
        let width = config.hidden_size;
        Ok(Self {
            weight: weights.get([width], "weight")?,
            bias: weights.get([width], "bias")?,
            epsilon: config.layer_norm_eps,
        })
    }

    pub(super) fn forward(&self, input: &Tensor) -> Result<Tensor> {
        ops::layer_norm(input, &self.weight, &self.bias, self.epsilon)
    }
}

/// An encoder layer.
pub(super) struct Layer {
    attention: Attention,
    attention_output: Dense,
    attention_norm: LayerNorm,
    intermediate: Dense,
    activation: Activation,
    output: Dense,
    output_norm: LayerNorm,
}

impl Layer {
    pub(super) fn new(weights: &Weights, config: &EncoderConfig) -> Result<Self> {
        let (width, intermediate) = (config.hidden_size, config.intermediate_size);
        Ok(Self {
            attention: Attention::new(&weights.pp("attention.self"), config)?,
            attention_output: Dense::new(&weights.pp("attention.output.dense"), width, width)?,
            attention_norm: LayerNorm::new(&weights.pp("attention.output.LayerNorm"), config)?,
            intermediate: Dense::new(&weights.pp("intermediate.dense"), width, intermediate)?,
            activation: config.hidden_act,
            output: Dense::new(&weights.pp("output.dense"), intermediate, width)?,
            output_norm: LayerNorm::new(&weights.pp("output.LayerNorm"), config)?,
        })
    }

    /// Applies the layer to `[windows, length, width]`. Returns the same shape, or `[windows, 1, width]` with
    /// [`OutputRows::First`].
    pub(super) fn forward(
        &self,
        hidden: &Tensor,
        mask: &Mask,
        rows: OutputRows,
        mut dropout: Option<&mut Dropout>,
    ) -> Result<Tensor> {
        let query_rows = match rows {
            OutputRows::All => hidden.clone(),
            OutputRows::First => hidden.narrow(1, 0, 1)?.contiguous()?,
        };
        let context = self.attention.forward(&query_rows, hidden, mask, dropout.as_deref_mut())?;
        let context = drop_hidden(self.attention_output.forward(&context)?, dropout.as_deref_mut())?;
        let attended = self.attention_norm.forward(&(context + query_rows)?)?; // [windows, rows, width]
        let intermediate = ops::activate(&self.intermediate.forward(&attended)?, self.activation)?; // [windows, rows, intermediate]
        let output = drop_hidden(self.output.forward(&intermediate)?, dropout)?;
        self.output_norm.forward(&(output + attended)?)
    }
}
