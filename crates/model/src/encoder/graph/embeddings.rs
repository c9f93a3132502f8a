//! Token ids to vectors: the sum of word, position and segment embeddings, normalised.

use super::dropout::{Dropout, drop_hidden};
use super::layer::LayerNorm;
use crate::encoder::{EncoderConfig, Weights};
use crate::error::Result;
use candle_core::Tensor;

/// The embedding tables and their layer norm.
pub(super) struct Embeddings {
    word: Tensor,     // [vocabulary, width]
    position: Tensor, // [positions, width]
    segment: Tensor,  // [segments, width]
    norm: LayerNorm,
}

impl Embeddings {
    pub(super) fn new(weights: &Weights, config: &EncoderConfig) -> Result<Self> {
        let width = config.hidden_size;
        Ok(Self {
            word: weights.get([config.vocab_size, width], "word_embeddings.weight")?,
            position: weights.get([config.max_position_embeddings, width], "position_embeddings.weight")?,
            segment: weights.get([config.type_vocab_size, width], "token_type_embeddings.weight")?,
            norm: LayerNorm::new(&weights.pp("LayerNorm"), config)?,
        })
    }

    /// Embeds ids: `[windows, length]` to `[windows, length, width]`.
    pub(super) fn forward(&self, ids: &Tensor, dropout: Option<&mut Dropout>) -> Result<Tensor> {
        let (windows, length) = ids.dims2()?;
        let words = self.word.index_select(&ids.flatten_all()?, 0)?.reshape((windows, length, ()))?;
        let positions = self.position.narrow(0, 0, length)?; // [length, width]
        let segment = self.segment.narrow(0, 0, 1)?; // [1, width]: a window is one segment
        let offsets = positions.broadcast_add(&segment)?; // [length, width]
        let hidden = words.broadcast_add(&offsets)?; // [windows, length, width]
        drop_hidden(self.norm.forward(&hidden)?, dropout)
    }
}
