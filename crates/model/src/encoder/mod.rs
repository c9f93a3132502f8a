//! The encoder: token ids in, one vector per token out. Configuration and weights here, execution in [`graph`].

mod config;
pub mod graph;
mod weights;

pub use config::{Activation, EncoderConfig};
pub use weights::{Variables, Weights};
