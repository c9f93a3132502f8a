//! CPU kernels on slices: the arithmetic that encoders and linear models spend their time on.
//!
//! The crate knows neither candle nor files. Each function takes slices and sizes, panics if they do not match, and runs with
//! the vector instructions that [`instructions`] detects or the caller names.
//!
//! The result of a row is bit-identical regardless of the other rows. [`matmul`] is the exception: its blocking depends on
//! the number of rows.
//!
//! Matrices are row-major, `rows` by `width`, without padding between rows.

#![warn(clippy::undocumented_unsafe_blocks)]

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
pub mod rotary;
pub mod softmax;

mod half;
mod lanes;
mod tiles;
