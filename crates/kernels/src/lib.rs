//! Arithmetic on slices: what the encoder spends its time on, without candle and without files.
//!
//! Every function takes plain `f32` slices and sizes, checks that they fit, and runs the same Rust loop
//! compiled for the best instruction set of the machine (through `pulp`, chosen at run time). Except in [`matmul`],
//! whose blocking depends on the number of rows, a row's result does not depend on its neighbours.
//!
//! Sizes are named once and mean the same everywhere: `rows` by `width`, row-major, no padding between rows.

pub mod activation;
pub mod adamw;
mod exponential;
pub mod instructions;
pub mod layer_norm;
pub mod matmul;
pub mod packed;
pub mod softmax;

mod half;
mod lanes;
mod tiles;
