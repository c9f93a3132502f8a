//! Encoder, pooling and heads: a batch of windows in, the logits of each head out.

mod graph;
mod packed;
mod training;

pub use crate::encoder::training::{EncoderLosses, Rounding, rounded_weights};
pub use graph::Network;
pub use packed::{PackedNetwork, Scratch};
pub use training::{StepGradients, TrainingNetwork};

use crate::architecture::{EncoderSpec, PoolerInput};
use crate::encoder::OutputRows;
use serde::{Deserialize, Serialize};

/// How the token vectors of a window become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The first token's vector.
    Cls,
    /// The mean of all token vectors, including special tokens but not padding.
    Mean,
    /// What the checkpoint's own classifier reads: usually the first token's vector after a dense layer and an activation. See
    /// [`EncoderSpec::pooler`].
    Pooler,
}

impl Pooling {
    /// Returns whether the pooled vector is, or starts from, the mean over all tokens.
    fn is_mean(self, encoder: &EncoderSpec) -> bool {
        match self {
            Self::Cls => false,
            Self::Mean => true,
            Self::Pooler => encoder.pooler.input == PoolerInput::Mean,
        }
    }

    /// Returns the tokens whose vectors are pooled.
    fn output_rows(self, encoder: &EncoderSpec) -> OutputRows {
        if self.is_mean(encoder) { OutputRows::All } else { OutputRows::First }
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

/// The structure of a network: an encoder's pooling and heads.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSpec {
    /// For each head, the prefix of its `weight` and `bias`, and its number of labels.
    pub heads: Vec<(String, usize)>,
    /// How windows are pooled.
    pub pooling: Pooling,
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
