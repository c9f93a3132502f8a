//! Multi-head attention of one window, for inference.
//!
//! Keys and values are packed per head and multiplied by the same register tiles as weights.

use super::buffer::Buffer;
use crate::exponential::exp;
use crate::instructions::{InstructionSet, fused};
use crate::lanes::{LANES, max, total};
use crate::tiles::{TileF32, Tiles};

/// Rows and columns of a block that is transposed at once.
const BLOCK: usize = 8;
/// The maximum number of rows of a tile, over all instruction sets.
const MAX_TILE_ROWS: usize = 16;

/// Rows of a matrix that start `stride` elements apart.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    /// The values, from the first element of the first row.
    pub values: &'a [f32],
    /// The number of elements from one row to the next.
    pub stride: usize,
}

impl Strided<'_> {
    /// Returns whether the slice holds `rows` rows of `width` values.
    fn has_rows(&self, rows: usize, width: usize) -> bool {
        let end = |last: usize| last.checked_mul(self.stride)?.checked_add(width);
        rows.checked_sub(1).is_none_or(|last| end(last).is_some_and(|end| end <= self.values.len()))
    }
}

/// The sizes of a layer's attention, and the instruction set to use.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// The number of attention heads.
    pub heads: usize,
    /// The number of values of each head in a row.
    pub head_width: usize,
    /// The instruction set.
    pub set: InstructionSet,
}

/// Working memory of [`Attention::forward`]. Reuse it across windows to avoid allocations.
#[derive(Default)]
pub struct AttentionScratch {
    keys: Buffer<f32>,
    values: Buffer<f32>,
    scores: Buffer<f32>,
    context: Buffer<f32>,
    zeros: Buffer<f32>,
}

impl Attention {
    /// Computes `softmax(query keys^T / sqrt(head width)) values` for each query and head.
    ///
    /// `queries` has as many rows as `out`. `keys` and `values` have `length` rows. In each row the heads follow one
    /// another. `out` is `[queries, heads * head width]`. The result of a query does not depend on the other queries.
    ///
    /// # Panics
    /// If the sizes do not match or the machine lacks the instruction set.
    pub fn forward(
        &self,
        queries: Strided,
        keys: Strided,
        values: Strided,
        length: usize,
        scratch: &mut AttentionScratch,
        out: &mut [f32],
    ) {
        let Self { heads, head_width, set } = *self;
        let width = heads * head_width;
        let rows = out.len() / width;
        assert!(out.len() == rows * width && length > 0, "attention: output is not made of whole rows");
        assert!(
            queries.has_rows(rows, width) && keys.has_rows(length, width) && values.has_rows(length, width),
            "attention: a matrix has too few rows"
        );
        let tiles = Tiles::of(set);
        let columns = tiles.attention_columns;
        let padded_length = length.next_multiple_of(columns);
        let padded_head = head_width.next_multiple_of(columns);
        let scale = 1.0 / (head_width as f32).sqrt();
        let key_panels = scratch.keys.first(padded_length * head_width);
        let value_panels = scratch.values.first(padded_head * length);
        let scores = scratch.scores.first(tiles.rows * padded_length); // [tile rows, padded length]
        let context = scratch.context.first(tiles.rows * padded_head); // [tile rows, padded head]
        let zeros = scratch.zeros.first(columns);
        let product = |count: usize, input: &[f32], input_stride, panel: &[f32], depth, out: &mut [f32], out_stride| {
            assert!((1..=tiles.rows).contains(&count), "attention: a tile has no {count} rows");
            assert!(input.len() >= (count - 1) * input_stride + depth, "attention: the input of a tile is too small");
            assert!(panel.len() == depth * columns, "attention: a panel is not depth x columns");
            assert!(out.len() >= (count - 1) * out_stride + columns, "attention: the output of a tile is too small");
            let tile = TileF32 {
                input: input.as_ptr(),
                input_stride,
                panel: panel.as_ptr(),
                depth,
                bias: zeros.as_ptr(),
                out: out.as_mut_ptr(),
                out_stride,
            };
            // SAFETY: input, panel and output have the sizes that the assertions above check, and `zeros` has `columns`
            // values. The output is borrowed mutably, so it overlaps no input. The machine has the instructions
            // (`Tiles::of`).
            unsafe { (tiles.attention)(count, tile) }
        };
        fused!(set, |a| {
            for head in 0..heads {
                let start = head * head_width;
                pack_keys(keys, start, length, head_width, tiles, key_panels);
                pack_values(values, start, length, head_width, columns, value_panels);
                for row in (0..rows).step_by(tiles.rows) {
                    let count = tiles.rows.min(rows - row);
                    let query = &queries.values[row * queries.stride + start..];
                    for (number, panel) in key_panels.chunks_exact(head_width * columns).enumerate() {
                        let out = &mut scores[number * columns..];
                        product(count, query, queries.stride, panel, head_width, out, padded_length);
                    }
                    let mut inverse_sums = [0f32; MAX_TILE_ROWS];
                    for (scores, inverse_sum) in
                        scores.chunks_exact_mut(padded_length).take(count).zip(&mut inverse_sums)
                    {
                        // The padding is included, so that the loop works on whole vectors. Its exponentials are at most
                        // e^-87, which changes no sum, and no value is multiplied with them.
                        scores[length..].fill(f32::MIN);
                        let largest = max(scores);
                        let mut sums = [0f32; LANES];
                        for chunk in scores.as_chunks_mut::<LANES>().0 {
                            for (s, sum) in chunk.iter_mut().zip(&mut sums) {
                                *s = exp((*s - largest) * scale, a);
                                *sum += *s;
                            }
                        }
                        *inverse_sum = 1.0 / total(sums);
                    }
                    for (number, panel) in value_panels.chunks_exact(length * columns).enumerate() {
                        let out = &mut context[number * columns..];
                        product(count, scores, padded_length, panel, length, out, padded_head);
                    }
                    for (r, context) in context.chunks_exact(padded_head).take(count).enumerate() {
                        let out = &mut out[(row + r) * width + start..][..head_width];
                        for (y, &x) in out.iter_mut().zip(context) {
                            *y = x * inverse_sums[r];
                        }
                    }
                }
            }
        });
    }
}

/// Packs the keys of one head into panels of `columns` keys, each `[head width][columns]`. Columns beyond the last key
/// become zero.
#[inline(always)]
fn pack_keys(keys: Strided, start: usize, length: usize, head_width: usize, tiles: &Tiles, panels: &mut [f32]) {
    let columns = tiles.attention_columns;
    for (number, panel) in panels.chunks_exact_mut(head_width * columns).enumerate() {
        let first = number * columns;
        let count = columns.min(length - first);
        if count < columns {
            panel.fill(0.0);
        }
        // Whole blocks are transposed at once. The rest is copied value by value.
        let (block_tokens, block_width) = (count / BLOCK * BLOCK, head_width / BLOCK * BLOCK);
        for token in (0..block_tokens).step_by(BLOCK) {
            for k in (0..block_width).step_by(BLOCK) {
                let from =
                    &keys.values[(first + token) * keys.stride + start + k..][..(BLOCK - 1) * keys.stride + BLOCK];
                let to = &mut panel[k * columns + token..][..(BLOCK - 1) * columns + BLOCK];
                // SAFETY: both slices hold eight rows of eight values at these strides. The machine has the instructions
                // (`Tiles::of`).
                unsafe { (tiles.transpose)(from.as_ptr(), keys.stride, to.as_mut_ptr(), columns) };
            }
        }
        for token in 0..count {
            let copied_from = if token < block_tokens { block_width } else { 0 };
            let key = &keys.values[(first + token) * keys.stride + start..][..head_width];
            for (k, &x) in key.iter().enumerate().skip(copied_from) {
                panel[k * columns + token] = x;
            }
        }
    }
}

/// Packs the values of one head into panels of `columns` neighbouring values of the head, each `[length][columns]`.
/// Columns beyond the head become zero.
#[inline(always)]
fn pack_values(values: Strided, start: usize, length: usize, head_width: usize, columns: usize, panels: &mut [f32]) {
    for (number, panel) in panels.chunks_exact_mut(length * columns).enumerate() {
        let first = number * columns;
        let count = columns.min(head_width - first);
        for (token, row) in panel.chunks_exact_mut(columns).enumerate() {
            let value = &values.values[token * values.stride + start + first..][..count];
            row[..count].copy_from_slice(value);
            row[count..].fill(0.0);
        }
    }
}
