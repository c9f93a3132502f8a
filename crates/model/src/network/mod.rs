//! Encoder, pooling and heads together: a batch of windows in, logits of every head out.

mod graph;
mod packed;
mod training;

pub use graph::Network;
pub use packed::{PackedNetwork, Scratch};
pub use training::{StepGradients, TrainingNetwork};

use crate::encoder::{Rows, Weights};

use serde::{Deserialize, Serialize};

/// How a window's token vectors become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The first token's vector.
    Cls,
    /// The mean of all tokens' vectors, special tokens included, padding not.
    Mean,
    /// The first token's vector through the checkpoint's `pooler` (dense and tanh).
    Pooler,
}

impl Pooling {
    /// The tokens whose vectors are pooled.
    fn rows(self) -> Rows {
        match self {
            Self::Mean => Rows::All,
            Self::Cls | Self::Pooler => Rows::First,
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

/// Where the parts of a network stand among the weights' names, and how many labels each head has.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Prefix of the encoder's tensors: `bert`, or empty.
    pub encoder: String,
    /// Prefix of each head's `weight` and `bias`, with its number of labels.
    pub heads: Vec<(String, usize)>,
    /// How windows are pooled.
    pub pooling: Pooling,
}

impl Parts {
    /// The weights as the encoder sees them.
    fn encoder_weights(&self, weights: &Weights) -> Weights {
        if self.encoder.is_empty() { weights.clone() } else { weights.pp(&self.encoder) }
    }
}

/// Appends the mean of `rows` (`[tokens, width]`) to `out`.
fn mean(rows: &[f32], width: usize, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + width, 0.0);
    let sums = &mut out[start..];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let share = 1.0 / (rows.len() / width) as f32;
    sums.iter_mut().for_each(|sum| *sum *= share);
}
