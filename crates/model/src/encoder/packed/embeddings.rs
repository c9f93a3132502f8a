//! Token ids to vectors: the sum of word, position and segment embeddings, normalised.

use super::norm::LayerNorm;
use super::{EncoderScratch, Kernels, dense, sized};
use crate::architecture::{EmbeddingSpec, EncoderSpec};
use crate::batch::PackedBatch;
use crate::checkpoint::{RowTable, Weights};
use crate::encoder::OutputRows;
use crate::error::Result;
use newsdesk_kernels::packed::PackedDense;

/// The embedding tables, with their layer norm and projection.
pub(super) struct Embeddings {
    width: usize,
    /// The longest window.
    max_length: usize,
    /// `[vocabulary, width]`. Kept in the stored format, because it is most of a model's memory.
    word: RowTable,
    /// `[positions, width]`: position embedding plus the embedding of the first segment. A single row if there are no
    /// position embeddings, and none if there are neither.
    position: Vec<f32>,
    has_positions: bool,
    /// What the second segment adds to the first one.
    second_segment: Option<Vec<f32>>,
    norm: Option<LayerNorm>,
    projection: Option<PackedDense>,
}

impl Embeddings {
    pub(super) fn new(weights: &Weights, spec: &EncoderSpec, kernels: Kernels) -> Result<Self> {
        let EmbeddingSpec { width, positions, segments, has_norm, has_projection } = spec.embeddings;
        let read = |shape: &[usize], name: &str| {
            let mut values = vec![];
            weights.read(shape, name, &mut values).map(|()| values)
        };
        let mut position = match positions {
            Some(table) => read(&[table.rows, width], "position_embeddings.weight")?.split_off(table.first * width),
            None if segments > 0 => vec![0.0; width],
            None => vec![],
        };
        let mut second_segment = None;
        if segments > 0 {
            let segments = read(&[segments, width], "token_type_embeddings.weight")?;
            for row in position.chunks_exact_mut(width) {
                row.iter_mut().zip(&segments).for_each(|(position, segment)| *position += segment);
            }
            let (first, rest) = segments.split_at(width);
            second_segment = rest.get(..width).map(|second| second.iter().zip(first).map(|(b, a)| b - a).collect());
        }
        let norm = || LayerNorm::new(&weights.pp("LayerNorm"), width, spec.norm);
        let projection = || dense(&[&weights.pp("projection")], width, spec.hidden_size, true, kernels);
        Ok(Self {
            width,
            max_length: spec.max_length,
            word: weights.table([spec.vocab_size, width], "word_embeddings.weight")?,
            position,
            has_positions: positions.is_some(),
            second_segment,
            norm: has_norm.then(norm).transpose()?,
            projection: has_projection.then(projection).transpose()?,
        })
    }

    /// Fills `scratch.hidden` (`[tokens, hidden size]`).
    ///
    /// # Panics
    /// If a window is longer than the encoder allows, or a token id is not in the vocabulary.
    pub(super) fn forward(&self, batch: &PackedBatch, kernels: Kernels, scratch: &mut EncoderScratch) {
        let (width, tokens) = (self.width, batch.ids().len());
        let EncoderScratch { hidden, embedded, first_tokens, product, .. } = scratch;
        let Some(projection) = &self.projection else {
            return self.embed(batch, kernels, sized(hidden, tokens * width));
        };
        let embedded = sized(embedded, tokens * width);
        self.embed(batch, kernels, embedded);
        let hidden = sized(hidden, tokens * projection.width());
        let precise = first_tokens.among(OutputRows::All);
        super::by_block(projection, kernels.block, embedded, precise, product, hidden);
    }

    fn embed(&self, batch: &PackedBatch, kernels: Kernels, hidden: &mut [f32]) {
        let width = self.width;
        for window in batch.windows() {
            let (length, longest) = (window.len(), self.max_length);
            assert!(length <= longest, "a window of {length} tokens exceeds {longest} positions");
            let rows = hidden[window.start * width..window.end * width].chunks_exact_mut(width);
            let position = |index: usize| {
                let row = if self.has_positions { index } else { 0 };
                self.position.get(row * width..(row + 1) * width)
            };
            for (index, (row, &id)) in rows.zip(&batch.ids()[window]).enumerate() {
                self.word.row(id as usize, row);
                if let Some(position) = position(index) {
                    row.iter_mut().zip(position).for_each(|(x, position)| *x += position);
                }
            }
        }
        if let Some(second) = &self.second_segment {
            for range in batch.second_segments() {
                for row in hidden[range.start * width..range.end * width].chunks_exact_mut(width) {
                    row.iter_mut().zip(second).for_each(|(x, segment)| *x += segment);
                }
            }
        }
        if let Some(norm) = &self.norm {
            norm.in_place(hidden, kernels.set);
        }
    }
}
