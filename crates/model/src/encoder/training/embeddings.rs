//! The embeddings in training.
//!
//! The word table holds most of the weights, and a step uses few of its rows. Only these rows are read, and only their
//! gradients are not zero.

use super::group::{Group, sized, windows};
use super::linear::{GradientTask, Linear, Norm, Operands};
use super::rounding::Rounding;
use super::{Dropouts, add};
use crate::architecture::{EmbeddingSpec, EncoderSpec, WORD_TABLE};
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::error::Result;
use crate::tokenize::TokenId;

/// The embedding tables, their layer norm and projection, and the gradients of all.
pub(super) struct Embeddings {
    width: usize,
    vocabulary: usize,
    max_length: usize,
    position: Option<SmallTable>,
    /// The row of a window's first token in the position table.
    first_position: usize,
    segment: Option<SmallTable>,
    norm: Option<Norm>,
    projection: Option<Linear>,
    /// `[vocabulary, width]`
    d_words: Vec<f32>,
    /// Ids whose rows of `d_words` are not zero.
    touched: Vec<TokenId>,
}

/// A table small enough to copy at each step.
struct SmallTable {
    name: &'static str,
    /// `[rows, width]`
    values: Vec<f32>,
    gradient: Vec<f32>,
}

impl Embeddings {
    pub(super) fn new(spec: &EncoderSpec, rounding: Rounding) -> Self {
        let EmbeddingSpec { width, positions, segments, has_norm, has_projection } = spec.embeddings;
        let table = |name, count: usize| {
            let zeros = || vec![0.0; count * width];
            SmallTable { name, values: zeros(), gradient: zeros() }
        };
        Self {
            width,
            vocabulary: spec.vocab_size,
            max_length: spec.max_length,
            position: positions.map(|positions| table("embeddings.position_embeddings.weight", positions.rows)),
            first_position: positions.map_or(0, |positions| positions.first),
            segment: (segments > 0).then(|| table("embeddings.token_type_embeddings.weight", segments)),
            norm: has_norm.then(|| Norm::new("embeddings.LayerNorm", width, spec.norm.epsilon, spec.norm.has_bias)),
            projection: has_projection
                .then(|| Linear::new("embeddings.projection", width, spec.hidden_size, true, rounding)),
            d_words: vec![0.0; spec.vocab_size * width],
            touched: vec![],
        }
    }

    /// Loads the weights and sets all gradients to zero.
    pub(super) fn load(&mut self, weights: &Weights) -> Result<()> {
        let width = self.width;
        for table in [&mut self.position, &mut self.segment].into_iter().flatten() {
            let shape = [table.values.len() / width, width];
            weights.visit(&shape, table.name, |values| table.values.copy_from_slice(values))?;
            table.gradient.fill(0.0);
        }
        for &id in &self.touched {
            self.d_words[id as usize * width..][..width].fill(0.0);
        }
        self.touched.clear();
        if let Some(projection) = &mut self.projection {
            projection.load(weights)?;
        }
        self.norm.as_mut().map_or(Ok(()), |norm| norm.load(weights))
    }

    /// Calls `f` with the word table, `[vocabulary, width]`.
    pub(super) fn with_words<T>(&self, weights: &Weights, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
        weights.visit(&[self.vocabulary, self.width], WORD_TABLE, f)
    }

    /// Embeds the tokens of a group.
    ///
    /// # Panics
    /// If a window is longer than the encoder allows.
    pub(super) fn forward(&self, words: &[f32], dropout: Option<Dropouts>, group: &mut Group) {
        let width = self.width;
        let size = group.tokens() * width;
        let segment = self.segment.as_ref().map(|table| &table.values[..width]); // a window is one segment
        let embedded = sized(&mut group.embedded, size);
        for window in windows(&group.ends) {
            let (length, longest) = (window.len(), self.max_length);
            assert!(length <= longest, "a window of {length} tokens exceeds {longest} positions");
            let rows = embedded[window.start * width..window.end * width].chunks_exact_mut(width);
            for (index, (row, &id)) in rows.zip(&group.ids[window]).enumerate() {
                let word = &words[id as usize * width..][..width];
                match (self.position_row(index), segment) {
                    (Some(position), Some(segment)) => {
                        for ((x, w), (p, s)) in row.iter_mut().zip(word).zip(position.iter().zip(segment)) {
                            *x = w + (p + s);
                        }
                    }
                    (offset, other) => {
                        row.copy_from_slice(word);
                        if let Some(offset) = offset.or(other) {
                            add(row, offset);
                        }
                    }
                }
            }
        }
        let out = match &self.projection {
            Some(_) => sized(&mut group.projection_input, size),
            None => sized(&mut group.hidden, size),
        };
        match &self.norm {
            Some(norm) => norm.forward(embedded, out),
            None => out.copy_from_slice(embedded),
        }
        if let Some(dropout) = dropout {
            dropout.hidden.substream(0).apply(group.first_token * width, out);
        }
        if let Some(projection) = &self.projection {
            let hidden = sized(&mut group.hidden, size / width * projection.output_width());
            let precise = group.first_tokens.among(OutputRows::All);
            projection.forward(&group.projection_input, precise, &mut group.scratch.product, hidden);
        }
    }

    /// Returns the vector of a position in a window.
    fn position_row(&self, index: usize) -> Option<&[f32]> {
        let table = self.position.as_ref()?;
        Some(&table.values[(self.first_position + index) * self.width..][..self.width])
    }

    /// Replaces the group's gradient with that of the sum of the embeddings.
    pub(super) fn backward(&self, dropout: Option<Dropouts>, group: &mut Group) {
        if let Some(projection) = &self.projection {
            std::mem::swap(&mut group.d_projection, &mut group.gradient);
            let gradient = sized(&mut group.gradient, group.embedded.len());
            projection.backward(&group.d_projection, &mut group.scratch.product, gradient);
        }
        if let Some(dropout) = dropout {
            dropout.hidden.substream(0).apply(group.first_token * self.width, &mut group.gradient);
        }
        if let Some(norm) = &self.norm {
            let out = sized(&mut group.scratch.rows, group.gradient.len());
            norm.backward(&group.embedded, &group.gradient, out, &mut group.embedding_norm);
            std::mem::swap(&mut group.gradient, &mut group.scratch.rows);
        }
    }

    /// Returns the tasks that sum the gradients of the projection.
    pub(super) fn gradient_tasks(&mut self) -> impl Iterator<Item = GradientTask<'_>> {
        let operands: Operands = |group, _| (&group.d_projection, &group.projection_input);
        self.projection.iter_mut().flat_map(move |projection| projection.tasks(vec![0], operands))
    }

    /// Adds the gradients of groups that went backward, in their order.
    pub(super) fn add_gradients(&mut self, groups: &[Group]) {
        let (width, first) = (self.width, self.first_position);
        for group in groups {
            if let Some(norm) = &mut self.norm {
                norm.add(&group.embedding_norm);
            }
            for window in windows(&group.ends) {
                let rows = group.gradient[window.start * width..window.end * width].chunks_exact(width);
                for (index, (row, &id)) in rows.zip(&group.ids[window]).enumerate() {
                    add(&mut self.d_words[id as usize * width..][..width], row);
                    if let Some(table) = &mut self.position {
                        add(&mut table.gradient[(first + index) * width..][..width], row);
                    }
                    if let Some(table) = &mut self.segment {
                        add(&mut table.gradient[..width], row);
                    }
                }
            }
            self.touched.extend_from_slice(&group.ids);
        }
        self.touched.sort_unstable();
        self.touched.dedup();
    }

    /// Returns names and gradients of all tables, of the layer norm and of the projection.
    pub(super) fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        let tables = [&self.position, &self.segment].into_iter().flatten();
        let tables = tables.map(|table| (table.name, table.gradient.as_slice()));
        let norm = self.norm.iter().flat_map(Norm::gradients);
        let projection = self.projection.iter().flat_map(Linear::gradients);
        [(WORD_TABLE, self.d_words.as_slice())].into_iter().chain(tables).chain(norm).chain(projection)
    }
}
