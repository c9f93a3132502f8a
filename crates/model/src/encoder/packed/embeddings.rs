//! Token ids to vectors: word, position and segment embeddings, added and normalised.

use crate::batch::PackedBatch;
use crate::encoder::{EncoderConfig, Table, Weights};
use crate::error::Result;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::layer_norm;

pub(super) struct Embeddings {
    /// `[vocabulary, width]`; most of a model's memory, so it stays as it is stored.
    word: Table,
    /// `[positions, width]`, the first segment's vector added.
    place: Vec<f32>,
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
        let mut place = read(&[config.max_position_embeddings, width], "position_embeddings.weight")?;
        let segments = read(&[config.type_vocab_size, width], "token_type_embeddings.weight")?;
        for row in place.chunks_exact_mut(width) {
            // A window is one segment.
            row.iter_mut().zip(&segments).for_each(|(place, segment)| *place += segment);
        }
        Ok(Self {
            word: weights.table([config.vocab_size, width], "word_embeddings.weight")?,
            place,
            weight: read(&[width], "LayerNorm.weight")?,
            bias: read(&[width], "LayerNorm.bias")?,
            epsilon: config.layer_norm_eps as f32,
            set,
        })
    }

    /// Fills `hidden` (`[tokens, width]`).
    pub(super) fn forward(&self, batch: &PackedBatch, hidden: &mut [f32]) {
        let width = self.weight.len();
        for window in batch.windows() {
            let rows = hidden[window.start * width..window.end * width].chunks_exact_mut(width);
            let places = self.place.chunks_exact(width);
            for ((row, place), &id) in rows.zip(places).zip(&batch.ids()[window]) {
                self.word.row(id as usize, row);
                row.iter_mut().zip(place).for_each(|(x, place)| *x += place);
            }
        }
        layer_norm::in_place(hidden, &self.weight, &self.bias, self.epsilon, self.set);
    }
}
