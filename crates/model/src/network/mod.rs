//! Encoder, pooling and heads: a batch of windows in, the logits of each head out.

mod graph;
mod packed;
mod training;

pub use graph::Network;
pub use packed::{PackedNetwork, Scratch};
pub use training::{StepGradients, TrainingNetwork};

use crate::encoder::{OutputRows, Weights};
use serde::{Deserialize, Serialize};

/// How the token vectors of a window become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The first token's vector.
    Cls,
    /// The mean of all token vectors, including special tokens but not padding.
    Mean,
    /// The first token's vector after the checkpoint's `pooler` (a dense layer and tanh).
    Pooler,
}

impl Pooling {
    /// Returns the tokens whose vectors are pooled.
    fn output_rows(self) -> OutputRows {
        match self {
            Self::Mean => OutputRows::All,
            Self::Cls | Self::Pooler => OutputRows::First,
        }
    }
}

impl std::fmt::Display for Pooling {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cls => "cls",
            Self::Mean => "mean",
            Self::Pooler => "pooler",
        })
    }
}

/// The structure of a network over a checkpoint: names of its tensors, pooling, and the labels of each head.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSpec {
    /// Prefix of the encoder's tensors: `bert`, or empty.
    pub encoder_prefix: String,
    /// For each head, the prefix of its `weight` and `bias`, and its number of labels.
    pub heads: Vec<(String, usize)>,
    /// How windows are pooled.
    pub pooling: Pooling,
}

impl NetworkSpec {
    /// Returns the weights seen from the encoder's prefix.
    fn encoder_weights(&self, weights: &Weights) -> Weights {
        if self.encoder_prefix.is_empty() { weights.clone() } else { weights.pp(&self.encoder_prefix) }
    }
}

/// Appends the mean of `rows` (`[tokens, width]`) to `out`.
fn append_mean(rows: &[f32], width: usize, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + width, 0.0);
    let sums = &mut out[start..];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let factor = 1.0 / (rows.len() / width) as f32;
    sums.iter_mut().for_each(|sum| *sum *= factor);
}
