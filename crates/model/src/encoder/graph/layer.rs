//! One encoder layer: attention and a feed-forward block, each with residual connection and layer norm.

use super::attention::{Attention, Pass};
use super::dense::{Dense, LayerNorm};
use super::dropout::{Dropout, drop_hidden};
use super::ops;
use crate::architecture::{EncoderSpec, FeedForwardSpec, LayerSpec, NormPlacement, norm_names};
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::error::Result;
use candle_core::{D, Tensor};

/// An encoder layer.
pub(super) struct Layer {
    placement: NormPlacement,
    attention: Attention,
    attention_output: Dense,
    /// Missing only before attention.
    attention_norm: Option<LayerNorm>,
    feed_forward: FeedForwardSpec,
    intermediate: Dense,
    output: Dense,
    output_norm: LayerNorm,
}

impl Layer {
    pub(super) fn new(weights: &Weights, spec: &EncoderSpec, layer: &LayerSpec) -> Result<Self> {
        let (width, inner, feed_forward) = (spec.hidden_size, spec.intermediate_size, spec.feed_forward);
        let dense = |name: &str, input, output, has_bias| Dense::new(&weights.pp(name), input, output, has_bias);
        let norm = |name: &str| LayerNorm::new(&weights.pp(name), width, spec.norm.epsilon, spec.norm.has_bias);
        let [attention_norm, output_norm] = norm_names(spec.norm_placement);
        Ok(Self {
            placement: spec.norm_placement,
            attention: Attention::new(&weights.pp("attention.self"), spec, layer)?,
            attention_output: dense("attention.output.dense", width, width, spec.attention.has_output_bias)?,
            attention_norm: layer.has_attention_norm.then(|| norm(attention_norm)).transpose()?,
            feed_forward,
            intermediate: dense("intermediate.dense", width, spec.first_product_width(), feed_forward.has_bias)?,
            output: dense("output.dense", inner, width, feed_forward.has_bias)?,
            output_norm: norm(output_norm)?,
        })
    }

    /// Applies the layer to `[windows, length, width]`. Returns the same shape, or `[windows, 1, width]` with
    /// [`OutputRows::First`].
    pub(super) fn forward(
        &self,
        hidden: &Tensor,
        pass: &Pass,
        rows: OutputRows,
        mut dropout: Option<&mut Dropout>,
    ) -> Result<Tensor> {
        let queried = |hidden: &Tensor| match rows {
            OutputRows::All => Ok(hidden.clone()),
            OutputRows::First => hidden.narrow(1, 0, 1)?.contiguous(),
        };
        let residual = queried(hidden)?; // [windows, rows, width]
        let input = match (self.placement, &self.attention_norm) {
            (NormPlacement::Before, Some(norm)) => norm.forward(hidden)?,
            _ => hidden.clone(),
        };
        let attended = self.attention.forward(&queried(&input)?, &input, pass, dropout.as_deref_mut())?;
        let attended = drop_hidden(self.attention_output.forward(&attended)?, dropout.as_deref_mut())?;
        let sum = (attended + residual)?;
        match (self.placement, &self.attention_norm) {
            (NormPlacement::After, Some(norm)) => {
                let attended = norm.forward(&sum)?; // [windows, rows, width]
                let output = drop_hidden(self.feed_forward(&attended)?, dropout)?;
                self.output_norm.forward(&(output + attended)?)
            }
            _ => {
                let output = drop_hidden(self.feed_forward(&self.output_norm.forward(&sum)?)?, dropout)?;
                Ok((output + sum)?)
            }
        }
    }

    /// Applies the feed-forward block, `[windows, rows, width]` to the same shape.
    fn feed_forward(&self, input: &Tensor) -> Result<Tensor> {
        let FeedForwardSpec { activation, is_gated, .. } = self.feed_forward;
        let first = self.intermediate.forward(input)?; // [windows, rows, intermediate], twice as wide with gates
        let activated = match is_gated {
            false => ops::activate(&first, activation)?,
            true => {
                let width = first.dim(D::Minus1)? / 2;
                let gate = first.narrow(D::Minus1, width, width)?;
                (ops::activate(&first.narrow(D::Minus1, 0, width)?, activation)? * gate)?
            }
        };
        self.output.forward(&activated)
    }
}
