//! The encoder: token ids in, one vector per token out.
//!
//! Configuration and weights are read here. Three modules run the encoder: [`graph`] (candle, any device), [`packed`]
//! (inference on the CPU) and [`training`] (gradients on the CPU).

mod config;
pub mod graph;
pub mod packed;
mod stored;
mod table;
pub mod training;
mod values;
mod variables;
mod weights;

pub use config::{Activation, EncoderConfig};
pub use table::RowTable;
pub(crate) use values::with_values;
pub use variables::Variables;
pub use weights::Weights;

/// The tokens whose vectors the last layer computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputRows {
    /// Every token.
    All,
    /// Only the first token of each window. The numbers are the same for about 14 % less work with 6 layers.
    First,
}
