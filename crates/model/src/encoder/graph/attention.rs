//! Multi-head self-attention within each window.

use super::dense::Dense;
use super::dropout::Dropout;
use super::ops::{self, Mask};
use crate::encoder::{EncoderConfig, Weights};
use crate::error::Result;
use candle_core::Tensor;

/// The projections and heads of self-attention.
pub(super) struct Attention {
    query: Dense,
    key: Dense,
    value: Dense,
    heads: usize,
}

impl Attention {
    pub(super) fn new(weights: &Weights, config: &EncoderConfig) -> Result<Self> {
        let width = config.hidden_size;
        let dense = |name: &str| Dense::new(&weights.pp(name), width, width);
        Ok(Self {
            query: dense("query")?,
            key: dense("key")?,
            value: dense("value")?,
            heads: config.num_attention_heads,
        })
    }

    /// Splits `[windows, rows, width]` into heads: `[windows, heads, rows, head width]`.
    fn split(&self, input: Tensor) -> Result<Tensor> {
        let (windows, rows, width) = input.dims3()?;
        let split = input.reshape((windows, rows, self.heads, width / self.heads))?;
        Ok(split.transpose(1, 2)?.contiguous()?)
    }

    /// Returns the context of `query_rows` (`[windows, rows, width]`) in `hidden` (`[windows, length, width]`), as
    /// `[windows, rows, width]`.
    pub(super) fn forward(
        &self,
        query_rows: &Tensor,
        hidden: &Tensor,
        mask: &Mask,
        dropout: Option<&mut Dropout>,
    ) -> Result<Tensor> {
        let query = self.split(self.query.forward(query_rows)?)?; // [windows, heads, rows, head]
        let key = self.split(self.key.forward(hidden)?)?; // [windows, heads, length, head]
        let value = self.split(self.value.forward(hidden)?)?; // [windows, heads, length, head]
        let scale = 1.0 / (query.dim(3)? as f64).sqrt();
        let scores = query.matmul(&key.t()?)?; // [windows, heads, rows, length]
        let mut probabilities = ops::masked_softmax(&scores, mask, scale)?;
        if let Some(dropout) = dropout {
            probabilities = dropout.attention(probabilities)?;
        }
        let context = probabilities.matmul(&value)?; // [windows, heads, rows, head]
        Ok(context.transpose(1, 2)?.contiguous()?.flatten_from(2)?) // [windows, rows, width]
    }
}
