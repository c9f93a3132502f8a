//! The encoder: token ids in, one vector per token out.
//!
//! Three modules run the encoder that an [`EncoderSpec`] describes: [`graph`] (candle, any device), [`packed`] (inference on
//! the CPU) and [`training`] (gradients on the CPU).
//!
//! [`EncoderSpec`]: crate::architecture::EncoderSpec

mod first_tokens;
pub mod graph;
pub mod packed;
mod relative;
pub mod training;

/// The tokens whose vectors the last layer computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputRows {
    /// Every token.
    All,
    /// Only the first token of each window. The numbers are the same for about 14 % less work with 6 layers.
    First,
}
