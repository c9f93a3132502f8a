//! Multi-head attention of one window, for inference.
//!
//! Keys and values are packed per head and multiplied by the same register tiles as weights. Optional terms of the scores
//! depend on the positions of query and key.

mod disentangled;
mod distance_bias;
mod forward;
mod pack;
mod position_term;
mod product;
mod reach;
mod softmax;
mod strided;

pub use disentangled::DisentangledPositions;
pub use distance_bias::DistanceBias;
pub use forward::{Attention, AttentionScratch, Relative};
pub use strided::Strided;
