//! Encoder, pooling and heads together: a batch of windows in, logits of every head out.

mod graph;
mod packed;

pub use graph::Network;
pub use packed::{PackedNetwork, Scratch};

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
