//! Working memory of packed products.

use super::buffer::Buffer;
use super::rows::QuantisedRows;

/// Working memory of [`PackedDense::forward`](super::PackedDense::forward).
///
/// Reuse it across products: then no product allocates once the memory has reached its largest size.
#[derive(Default)]
pub struct Scratch {
    /// Activations quantised to int8.
    pub(super) bytes: QuantisedRows<u8>,
    /// Activations quantised to int16.
    pub(super) words: QuantisedRows<u16>,
    /// Activations rounded to bf16.
    pub(super) rounded: Buffer<u8>,
    /// The output of a tile at the right edge, which has more columns than the matrix has left.
    pub(super) edge: Buffer<f32>,
    /// Input rows for `gemm`, filled up to a whole block.
    pub(super) gemm_rows: Vec<f32>,
}
