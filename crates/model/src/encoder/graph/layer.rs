//! One encoder layer: attention, then two wide products with GELU between, each with residual and layer norm.

use super::attention::Attention;
use super::dense::Dense;
use super::dropout::{Dropout, drop_hidden};
use super::ops::{self, Mask};
use crate::encoder::{Activation, EncoderConfig, Rows, Weights};
use crate::error::Result;
use candle_core::Tensor;

/// Layer normalisation with weight and bias.
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
        let (width, wide) = (config.hidden_size, config.intermediate_size);
        Ok(Self {
            attention: Attention::new(&weights.pp("attention.self"), config)?,
            attention_output: Dense::new(&weights.pp("attention.output.dense"), width, width)?,
            attention_norm: LayerNorm::new(&weights.pp("attention.output.LayerNorm"), config)?,
            intermediate: Dense::new(&weights.pp("intermediate.dense"), width, wide)?,
            activation: config.hidden_act,
            output: Dense::new(&weights.pp("output.dense"), wide, width)?,
            output_norm: LayerNorm::new(&weights.pp("output.LayerNorm"), config)?,
        })
    }

    /// `[windows, length, width]` to the same, or to `[windows, 1, width]` with [`Rows::First`].
    pub(super) fn forward(
        &self,
        hidden: &Tensor,
        mask: &Mask,
        rows: Rows,
        mut dropout: Option<&mut Dropout>,
    ) -> Result<Tensor> {
        let asking = match rows {
            Rows::All => hidden.clone(),
            Rows::First => hidden.narrow(1, 0, 1)?.contiguous()?,
        };
        let gathered = self.attention.forward(&asking, hidden, mask, dropout.as_deref_mut())?;
        let gathered = drop_hidden(self.attention_output.forward(&gathered)?, dropout.as_deref_mut())?;
        let attended = self.attention_norm.forward(&(gathered + asking)?)?; // [windows, rows, width]
        let wide = ops::activate(&self.intermediate.forward(&attended)?, self.activation)?; // [windows, rows, wide]
        let output = drop_hidden(self.output.forward(&wide)?, dropout)?;
        self.output_norm.forward(&(output + attended)?)
    }
}
