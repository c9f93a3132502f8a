//! Token ids to vectors: the sum of word, position and segment embeddings, normalised.

use super::dense::{Dense, LayerNorm};
use super::dropout::{Dropout, drop_hidden};
use crate::architecture::{EmbeddingSpec, EncoderSpec, PositionTable};
use crate::batch::Batch;
use crate::checkpoint::Weights;
use crate::error::Result;
use candle_core::Tensor;

/// The embedding tables, with their layer norm and projection.
pub(super) struct Embeddings {
    word: Tensor, // [vocabulary, width]
    /// The rows of the position table from a window's first token on, `[positions, width]`.
    position: Option<Tensor>,
    segment: Option<Tensor>, // [segments, width]
    norm: Option<LayerNorm>,
    projection: Option<Dense>,
}

impl Embeddings {
    pub(super) fn new(weights: &Weights, spec: &EncoderSpec) -> Result<Self> {
        let EmbeddingSpec { width, positions, segments, has_norm, has_projection } = spec.embeddings;
        let table = |rows, name: &str| weights.get([rows, width], name);
        let position = |PositionTable { rows, first }| -> Result<Tensor> {
            Ok(table(rows, "position_embeddings.weight")?.narrow(0, first, rows - first)?)
        };
        let norm = || LayerNorm::new(&weights.pp("LayerNorm"), width, spec.norm.epsilon, spec.norm.has_bias);
        let projection = || Dense::new(&weights.pp("projection"), width, spec.hidden_size, true);
        Ok(Self {
            word: table(spec.vocab_size, "word_embeddings.weight")?,
            position: positions.map(position).transpose()?,
            segment: (segments > 0).then(|| table(segments, "token_type_embeddings.weight")).transpose()?,
            norm: has_norm.then(norm).transpose()?,
            projection: has_projection.then(projection).transpose()?,
        })
    }

    /// Embeds a batch, as `[windows, length, hidden size]`.
    pub(super) fn forward(&self, batch: &Batch, dropout: Option<&mut Dropout>) -> Result<Tensor> {
        let (windows, length) = batch.ids.dims2()?;
        let mut hidden = self.word.index_select(&batch.ids.flatten_all()?, 0)?.reshape((windows, length, ()))?;
        let position = self.position.as_ref().map(|table| table.narrow(0, 0, length)).transpose()?; // [length, width]
        let offsets = match (&batch.segments, &self.segment, position) {
            (None, Some(segment), Some(position)) => Some(position.broadcast_add(&segment.narrow(0, 0, 1)?)?),
            (None, Some(segment), None) => Some(segment.narrow(0, 0, 1)?),
            (Some(ids), Some(segment), position) => {
                let rows = segment.index_select(&ids.flatten_all()?, 0)?.reshape((windows, length, ()))?;
                hidden = (hidden + rows)?;
                position
            }
            (_, None, position) => position,
        };
        if let Some(offsets) = offsets {
            hidden = hidden.broadcast_add(&offsets)?; // [windows, length, width]
        }
        if let Some(norm) = &self.norm {
            hidden = norm.forward(&hidden)?;
        }
        hidden = drop_hidden(hidden, dropout)?;
        match &self.projection {
            Some(projection) => projection.forward(&hidden), // [windows, length, hidden size]
            None => Ok(hidden),
        }
    }
}
