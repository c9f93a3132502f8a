//! The embeddings in training.
//!
//! The word table holds most of the weights, and a step uses few of its rows. Only these rows are read, and only their
//! gradients are not zero.

use super::group::{Group, sized, windows};
use super::linear::Norm;
use super::{Dropouts, add};
use crate::encoder::{EncoderConfig, Weights};
use crate::error::Result;
use crate::tokenize::TokenId;

/// The embedding tables, their layer norm, and the gradients of both.
pub(super) struct Embeddings {
    width: usize,
    vocabulary: usize,
    word_name: String,
    position: SmallTable,
    segment: SmallTable,
    norm: Norm,
    /// `[vocabulary, width]`
    d_words: Vec<f32>,
    /// Ids whose rows of `d_words` are not zero.
    touched: Vec<TokenId>,
}

/// A table small enough to copy at each step.
struct SmallTable {
    name: String,
    /// `[rows, width]`
    values: Vec<f32>,
    gradient: Vec<f32>,
}

impl Embeddings {
    pub(super) fn new(name: &str, config: &EncoderConfig) -> Self {
        let width = config.hidden_size;
        let table = |what: &str, count: usize| {
            let zeros = || vec![0.0; count * width];
            SmallTable { name: format!("{name}.{what}.weight"), values: zeros(), gradient: zeros() }
        };
        Self {
            width,
            vocabulary: config.vocab_size,
            word_name: format!("{name}.word_embeddings.weight"),
            position: table("position_embeddings", config.max_position_embeddings),
            segment: table("token_type_embeddings", config.type_vocab_size),
            norm: Norm::new(&format!("{name}.LayerNorm"), width, config.layer_norm_eps),
            d_words: vec![0.0; config.vocab_size * width],
            touched: vec![],
        }
    }

    /// Loads the weights and sets all gradients to zero.
    pub(super) fn load(&mut self, weights: &Weights) -> Result<()> {
        let width = self.width;
        for table in [&mut self.position, &mut self.segment] {
            let shape = [table.values.len() / width, width];
            weights.visit(&shape, &table.name, |values| table.values.copy_from_slice(values))?;
            table.gradient.fill(0.0);
        }
        for &id in &self.touched {
            self.d_words[id as usize * width..][..width].fill(0.0);
        }
        self.touched.clear();
        self.norm.load(weights)
    }

    /// Calls `f` with the word table, `[vocabulary, width]`.
    pub(super) fn with_words<T>(&self, weights: &Weights, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
        weights.visit(&[self.vocabulary, self.width], &self.word_name, f)
    }

    /// Embeds the tokens of a group.
    ///
    /// # Panics
    /// If a window is longer than the position table.
    pub(super) fn forward(&self, words: &[f32], dropout: Option<Dropouts>, group: &mut Group) {
        let width = self.width;
        let positions = self.position.values.len() / width;
        let size = group.tokens() * width;
        let segment = &self.segment.values[..width]; // a window is one segment
        let embedded = sized(&mut group.embedded, size);
        for window in windows(&group.ends) {
            assert!(window.len() <= positions, "a window of {} tokens exceeds {positions} positions", window.len());
            let rows = embedded[window.start * width..window.end * width].chunks_exact_mut(width);
            let positions = self.position.values.chunks_exact(width);
            for ((row, position), &id) in rows.zip(positions).zip(&group.ids[window]) {
                let word = &words[id as usize * width..][..width];
                for ((x, w), (p, s)) in row.iter_mut().zip(word).zip(position.iter().zip(segment)) {
                    *x = w + (p + s);
                }
            }
        }
        let hidden = sized(&mut group.hidden, size);
        self.norm.forward(embedded, hidden);
        if let Some(dropout) = dropout {
            dropout.hidden.substream(0).apply(group.first_token * width, hidden);
        }
    }

    /// Replaces the group's gradient with that of the sum of the embeddings.
    pub(super) fn backward(&self, dropout: Option<Dropouts>, group: &mut Group) {
        if let Some(dropout) = dropout {
            dropout.hidden.substream(0).apply(group.first_token * self.width, &mut group.gradient);
        }
        let out = sized(&mut group.scratch.rows, group.gradient.len());
        self.norm.backward(&group.embedded, &group.gradient, out, &mut group.norm);
        std::mem::swap(&mut group.gradient, &mut group.scratch.rows);
    }

    /// Adds the gradients of groups that went backward, in their order.
    pub(super) fn add_gradients(&mut self, groups: &[Group]) {
        let width = self.width;
        for group in groups {
            self.norm.add(&group.norm);
            for window in windows(&group.ends) {
                let rows = group.gradient[window.start * width..window.end * width].chunks_exact(width);
                for ((row, position), &id) in
                    rows.zip(self.position.gradient.chunks_exact_mut(width)).zip(&group.ids[window])
                {
                    add(&mut self.d_words[id as usize * width..][..width], row);
                    add(position, row);
                    add(&mut self.segment.gradient[..width], row);
                }
            }
            self.touched.extend_from_slice(&group.ids);
        }
        self.touched.sort_unstable();
        self.touched.dedup();
    }

    /// Returns names and gradients of all tables and of the layer norm.
    pub(super) fn gradients(&self) -> Vec<(&str, &[f32])> {
        let mut all: Vec<(&str, &[f32])> = vec![(&self.word_name, &self.d_words)];
        all.extend([&self.position, &self.segment].map(|table| (table.name.as_str(), table.gradient.as_slice())));
        all.extend(self.norm.gradients());
        all
    }
}
