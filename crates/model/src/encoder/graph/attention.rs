//! Multi-head self-attention within each window.

use super::dense::Dense;
use super::dropout::Dropout;
use super::ops::{self, Mask};
use super::positions::{Positions, Terms};
use crate::architecture::{EncoderSpec, LayerSpec, RelativeSpec};
use crate::checkpoint::Weights;
use crate::error::Result;
use candle_core::Tensor;

/// The projections and heads of self-attention.
pub(super) struct Attention {
    query: Dense,
    key: Dense,
    value: Dense,
    /// Projections of relative positions: their keys and queries.
    position_key: Option<Dense>,
    position_query: Option<Dense>,
    heads: usize,
    scale: f64,
    reach: Option<usize>,
    rotary_base: Option<f64>,
}

/// The mask and the relative terms of a forward pass.
pub(super) struct Pass<'a> {
    pub(super) mask: &'a Mask,
    pub(super) positions: &'a Positions,
}

impl Attention {
    pub(super) fn new(weights: &Weights, spec: &EncoderSpec, layer: &LayerSpec) -> Result<Self> {
        let width = spec.hidden_size;
        let dense = |name: &str, has_bias| Dense::new(&weights.pp(name), width, width, has_bias);
        let [query, key, value] = ["query", "key", "value"].map(|name| dense(name, spec.attention.has_bias));
        let (query, key) = (query?, key?);
        let position = |is_used: bool, own: &str, shared: &Dense, is_shared: bool| match (is_used, is_shared) {
            (false, _) => Ok(None),
            (true, true) => Ok(Some(shared.clone())),
            (true, false) => dense(own, true).map(Some),
        };
        let (position_key, position_query) = match &spec.attention.relative {
            RelativeSpec::None | RelativeSpec::Bias { .. } => (None, None),
            RelativeSpec::Disentangled(spec) => (
                position(spec.content_to_position, "position_key", &key, spec.shares_projections)?,
                position(spec.position_to_content, "position_query", &query, spec.shares_projections)?,
            ),
        };
        Ok(Self {
            query,
            key,
            value: value?,
            position_key,
            position_query,
            heads: spec.num_attention_heads,
            scale: spec.attention_scale(),
            reach: layer.reach,
            rotary_base: layer.rotary_base,
        })
    }

    /// Splits `[windows, rows, width]` into heads: `[windows, heads, rows, head width]`.
    fn split(&self, input: Tensor) -> Result<Tensor> {
        let (windows, rows, width) = input.dims3()?;
        let split = input.reshape((windows, rows, self.heads, width / self.heads))?;
        Ok(split.transpose(1, 2)?.contiguous()?)
    }

    /// Returns the context of `query_rows` (`[windows, rows, width]`) in `hidden` (`[windows, length, width]`), as
    /// `[windows, rows, width]`. The query rows are the first ones of each window.
    pub(super) fn forward(
        &self,
        query_rows: &Tensor,
        hidden: &Tensor,
        pass: &Pass,
        dropout: Option<&mut Dropout>,
    ) -> Result<Tensor> {
        let mut query = self.split(self.query.forward(query_rows)?)?; // [windows, heads, rows, head]
        let mut key = self.split(self.key.forward(hidden)?)?; // [windows, heads, length, head]
        let value = self.split(self.value.forward(hidden)?)?; // [windows, heads, length, head]
        if let Some(rotation) = pass.positions.rotation(self.rotary_base) {
            (query, key) = (rotation.apply(&query)?, rotation.apply(&key)?);
        }
        let mut scores = query.matmul(&key.t()?)?; // [windows, heads, rows, length]
        if let Some(band) = pass.positions.band(self.reach, query.dim(2)?)? {
            scores = scores.broadcast_add(&band)?;
        }
        scores = match &pass.positions.terms {
            Terms::None => scores,
            Terms::Bias(bias) => scores.broadcast_add(&bias.narrow(1, 0, query.dim(2)?)?)?,
            Terms::Disentangled(positions) => {
                let project = |dense: &Option<Dense>| {
                    dense.as_ref().map(|dense| self.split(dense.forward(positions.vectors())?)).transpose()
                };
                let (keys, queries) = (project(&self.position_key)?, project(&self.position_query)?);
                positions.add_to(scores, (&query, &key), (keys, queries))?
            }
        };
        let mut probabilities = ops::masked_softmax(&scores, pass.mask, self.scale)?;
        if let Some(dropout) = dropout {
            probabilities = dropout.attention(probabilities)?;
        }
        let context = probabilities.matmul(&value)?; // [windows, heads, rows, head]
        Ok(context.transpose(1, 2)?.contiguous()?.flatten_from(2)?) // [windows, rows, width]
    }
}
