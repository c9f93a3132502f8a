//! Dense layers and attention for inference, on weights that are packed once for the machine's instruction set.

#![expect(unsafe_code, reason = "aligned memory and register tiles work on pointers")]

mod attention;
mod buffer;
mod dense;
mod dtype;
mod forward;
mod quantise;
mod rounding;
mod rows;
mod scratch;
mod weights;

pub use attention::{Attention, AttentionScratch, DisentangledPositions, DistanceBias, Relative, Strided};
pub use dense::PackedDense;
pub use dtype::Dtype;
pub use rounding::{round_activations, round_weights};
pub use rows::PreciseRows;
pub use scratch::Scratch;
