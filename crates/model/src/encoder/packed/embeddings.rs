//! Token ids to vectors: the sum of word, position and segment embeddings, normalised.

use crate::batch::PackedBatch;
use crate::encoder::{EncoderConfig, RowTable, Weights};
use crate::error::Result;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::layer_norm;

/// The embedding tables and their layer norm.
pub(super) struct Embeddings {
    /// `[vocabulary, width]`. Kept in the stored format, because it is most of a model's memory.
    word: RowTable,
    /// `[positions, width]`: position embedding plus the embedding of the first segment.
    position: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
    set: InstructionSet,
}

impl Embeddings {
    pub(super) fn new(weights: &Weights, config: &EncoderConfig, set: InstructionSet) -> Result<Self> {
        let width = config.hidden_size;
        let read = |shape: &[usize], name: &str| {
            let mut values = vec![];
            weights.read(shape, name, &mut values).map(|()| values)
        };
        let mut position = read(&[config.max_position_embeddings, width], "position_embeddings.weight")?;
        let segments = read(&[config.type_vocab_size, width], "token_type_embeddings.weight")?;
        for row in position.chunks_exact_mut(width) {
            // A window is a single segment.
            row.iter_mut().zip(&segments).for_each(|(position, segment)| *position += segment);
        }
        Ok(Self {
            word: weights.table([config.vocab_size, width], "word_embeddings.weight")?,
            position,
            weight: read(&[width], "LayerNorm.weight")?,
            bias: read(&[width], "LayerNorm.bias")?,
            epsilon: config.layer_norm_eps as f32,
            set,
        })
    }

    /// Fills `hidden` (`[tokens, width]`).
    ///
    /// # Panics
    /// If a window is longer than the position table, or a token id is not in the vocabulary.
    pub(super) fn forward(&self, batch: &PackedBatch, hidden: &mut [f32]) {
        let width = self.weight.len();
        let positions = self.position.len() / width;
        for window in batch.windows() {
            assert!(window.len() <= positions, "a window of {} tokens exceeds {positions} positions", window.len());
            let rows = hidden[window.start * width..window.end * width].chunks_exact_mut(width);
            let positions = self.position.chunks_exact(width);
            for ((row, position), &id) in rows.zip(positions).zip(&batch.ids()[window]) {
                self.word.row(id as usize, row);
                row.iter_mut().zip(position).for_each(|(x, position)| *x += position);
            }
        }
        layer_norm::in_place(hidden, &self.weight, &self.bias, self.epsilon, self.set);
    }
}
