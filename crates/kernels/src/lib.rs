//! Arithmetic on slices: what the encoder spends its time on, without candle and without files.
//!
//! Every function takes slices and sizes, checks that they fit, and runs in the vector instructions that [`instructions`]
//! finds or the caller names. Except in [`matmul`], whose blocking depends on the number of rows, a row's result does not
//! depend on its neighbours, to the bit.
//!
//! Sizes are named once and mean the same everywhere: `rows` by `width`, row-major, no padding between rows.

pub mod activation;
pub mod adamw;
pub mod attention;
pub mod dropout;
mod exponential;
pub mod gather;
pub mod instructions;
pub mod layer_norm;
pub mod matmul;
pub mod packed;
pub mod softmax;

mod half;
mod lanes;
mod tiles;
