//! Working memory of packed products.

use super::buffer::Buffer;

/// Working memory of [`PackedDense::forward`](super::PackedDense::forward).
///
/// Reuse it across products: then no product allocates once the memory has reached its largest size.
#[derive(Default)]
pub struct Scratch {
    /// Activations as bytes: quantised to int8 or rounded to bf16.
    pub(super) bytes: Buffer<u8>,
    /// Activations quantised to int16.
    pub(super) words: Buffer<u16>,
    /// Scale and minimum of each group of activations.
    pub(super) ranges: Vec<[f32; 2]>,
    /// The output of a tile at the right edge, which has more columns than the matrix has left.
    pub(super) edge: Buffer<f32>,
    /// Input rows for `gemm`, filled up to a whole block.
    pub(super) gemm_rows: Vec<f32>,
}
