//! The embeddings in training. The word table is most of the weights, and a step touches few of its rows: only these are
//! read, and only their gradients are other than zero.

use super::group::{Group, sized, windows};
use super::linear::Norm;
use super::{Dropouts, add};
use crate::encoder::{EncoderConfig, Weights};
use crate::error::Result;
use crate::tokenize::TokenId;

pub(super) struct Embeddings {
    width: usize,
    vocabulary: usize,
    word_name: String,
    position: Rows,
    segment: Rows,
    norm: Norm,
    /// `[vocabulary, width]`
    d_words: Vec<f32>,
    /// Rows of it that are other than zero.
    touched: Vec<TokenId>,
}

/// A small table.
struct Rows {
    name: String,
    values: Vec<f32>,
    gradient: Vec<f32>,
}

impl Embeddings {
    pub(super) fn new(name: &str, config: &EncoderConfig) -> Self {
        let width = config.hidden_size;
        let rows = |what: &str, count: usize| {
            let zeros = || vec![0.0; count * width];
            Rows { name: format!("{name}.{what}.weight"), values: zeros(), gradient: zeros() }
        };
        Self {
            width,
            vocabulary: config.vocab_size,
            word_name: format!("{name}.word_embeddings.weight"),
            position: rows("position_embeddings", config.max_position_embeddings),
            segment: rows("token_type_embeddings", config.type_vocab_size),
            norm: Norm::new(&format!("{name}.LayerNorm"), width, config.layer_norm_eps),
            d_words: vec![0.0; config.vocab_size * width],
            touched: vec![],
        }
    }

    pub(super) fn load(&mut self, weights: &Weights) -> Result<()> {
        let width = self.width;
        for rows in [&mut self.position, &mut self.segment] {
            let shape = [rows.values.len() / width, width];
            weights.visit(&shape, &rows.name, |values| rows.values.copy_from_slice(values))?;
            rows.gradient.fill(0.0);
        }
        for &id in &self.touched {
            self.d_words[id as usize * width..][..width].fill(0.0);
        }
        self.touched.clear();
        self.norm.load(weights)
    }

    /// Calls `f` with the word table.
    pub(super) fn with_words<T>(&self, weights: &Weights, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
        weights.visit(&[self.vocabulary, self.width], &self.word_name, f)
    }

    pub(super) fn forward(&self, words: &[f32], drop: Option<Dropouts>, group: &mut Group) {
        let width = self.width;
        let size = group.tokens() * width;
        let segment = &self.segment.values[..width]; // a window is one segment
        let embedded = sized(&mut group.embedded, size);
        for window in windows(&group.ends) {
            let rows = embedded[window.start * width..window.end * width].chunks_exact_mut(width);
            let places = self.position.values.chunks_exact(width);
            for ((row, place), &id) in rows.zip(places).zip(&group.ids[window]) {
                let word = &words[id as usize * width..][..width];
                for ((x, w), (p, s)) in row.iter_mut().zip(word).zip(place.iter().zip(segment)) {
                    *x = w + (p + s);
                }
            }
        }
        let hidden = sized(&mut group.hidden, size);
        self.norm.forward(embedded, hidden);
        if let Some(drop) = drop {
            drop.hidden.of(0).apply(group.first_token * width, hidden);
        }
    }

    /// Leaves the gradient of the embeddings' sum in the place of the group's gradient.
    pub(super) fn backward(&self, drop: Option<Dropouts>, group: &mut Group) {
        if let Some(drop) = drop {
            drop.hidden.of(0).apply(group.first_token * self.width, &mut group.gradient);
        }
        let out = sized(&mut group.scratch.rows, group.gradient.len());
        self.norm.backward(&group.embedded, &group.gradient, out, &mut group.norm);
        std::mem::swap(&mut group.gradient, &mut group.scratch.rows);
    }

    pub(super) fn add_gradients(&mut self, groups: &[Group]) {
        let width = self.width;
        for group in groups {
            self.norm.add(&group.norm);
            for window in windows(&group.ends) {
                let rows = group.gradient[window.start * width..window.end * width].chunks_exact(width);
                for ((row, place), &id) in
                    rows.zip(self.position.gradient.chunks_exact_mut(width)).zip(&group.ids[window])
                {
                    add(&mut self.d_words[id as usize * width..][..width], row);
                    add(place, row);
                    add(&mut self.segment.gradient[..width], row);
                }
            }
            self.touched.extend_from_slice(&group.ids);
        }
        self.touched.sort_unstable();
        self.touched.dedup();
    }

    pub(super) fn gradients(&self) -> Vec<(&str, &[f32])> {
        let mut all: Vec<(&str, &[f32])> = vec![(&self.word_name, &self.d_words)];
        all.extend([&self.position, &self.segment].map(|rows| (rows.name.as_str(), rows.gradient.as_slice())));
        all.extend(self.norm.gradients());
        all
    }
}
