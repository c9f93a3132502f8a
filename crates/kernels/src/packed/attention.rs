//! Multi-head attention of one window: keys and values are repacked per head, then go through the same register tiles
//! as weights do.

use super::buffer::Buffer;
use crate::exponential::exp;
use crate::instructions::{InstructionSet, fused};
use crate::lanes::{LANES, max, total};
use crate::tiles::{TileF32, Tiles};

/// Rows and columns of a block that is turned at once.
const BLOCK: usize = 8;
/// No tile has more rows.
const MOST_ROWS: usize = 16;

/// Rows of a matrix that lie `stride` elements apart.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    /// Starts with the first element of the first row.
    pub values: &'a [f32],
    /// Elements from one row to the next.
    pub stride: usize,
}

/// Sizes of a layer's attention.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// Attention heads.
    pub heads: usize,
    /// Values of each head in a row.
    pub head_width: usize,
    /// Instruction set.
    pub set: InstructionSet,
}

/// Memory of [`Attention::forward`], kept from one window to the next.
#[derive(Default)]
pub struct AttentionScratch {
    keys: Buffer<f32>,
    values: Buffer<f32>,
    scores: Buffer<f32>,
    gathered: Buffer<f32>,
    zeros: Buffer<f32>,
}

impl Attention {
    /// What each query gathers: `softmax(query keys^T / sqrt(head width)) values`, head by head.
    ///
    /// `queries` are as many rows as `out` has; `keys` and `values` are `length` rows. All rows hold the heads one after
    /// the other. `out` is `[queries, heads * head width]`. A query's result does not depend on the other queries.
    ///
    /// # Panics
    /// If the sizes do not fit.
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
        let holds = |m: Strided, rows: usize| rows == 0 || m.values.len() >= (rows - 1) * m.stride + width;
        assert!(out.len() == rows * width && length > 0, "attention: output is not made of whole rows");
        assert!(
            holds(queries, rows) && holds(keys, length) && holds(values, length),
            "attention: a matrix has too few rows"
        );
        let tiles = Tiles::of(set);
        let columns = tiles.attention_columns;
        let padded_length = length.next_multiple_of(columns);
        let padded_head = head_width.next_multiple_of(columns);
        let scale = 1.0 / (head_width as f32).sqrt();
        let key_panels = scratch.keys.first(padded_length * head_width);
        let value_panels = scratch.values.first(padded_head * length);
        let scores = scratch.scores.first(tiles.rows * padded_length);
        let gathered = scratch.gathered.first(tiles.rows * padded_head);
        let zeros = scratch.zeros.first(columns);
        let product = |count: usize, input: &[f32], input_stride, panel: &[f32], depth, out: &mut [f32], out_stride| {
            debug_assert!(input.len() >= (count - 1) * input_stride + depth && panel.len() == depth * columns);
            debug_assert!(out.len() >= (count - 1) * out_stride + columns);
            let tile = TileF32 {
                input: input.as_ptr(),
                input_stride,
                panel: panel.as_ptr(),
                depth,
                bias: zeros.as_ptr(),
                out: out.as_mut_ptr(),
                out_stride,
            };
            // SAFETY: the callers below pass input, panel and output of the sizes asserted here, which follow from the
            // sizes of the buffers and from what `holds` checked; `zeros` has `columns` values. The machine has the
            // instructions (`Tiles::of`).
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
                    let mut shares = [0f32; MOST_ROWS];
                    for (scores, share) in scores.chunks_exact_mut(padded_length).take(count).zip(&mut shares) {
                        // Whole vectors from here on: what lies beyond the window gets a share of e^-87 at most, which
                        // no sum notices, and meets no value.
                        scores[length..].fill(f32::MIN);
                        let largest = max(scores);
                        let mut sums = [0f32; LANES];
                        for chunk in scores.as_chunks_mut::<LANES>().0 {
                            for (s, sum) in chunk.iter_mut().zip(&mut sums) {
                                *s = exp((*s - largest) * scale, a);
                                *sum += *s;
                            }
                        }
                        *share = 1.0 / total(sums);
                    }
                    for (number, panel) in value_panels.chunks_exact(length * columns).enumerate() {
                        let out = &mut gathered[number * columns..];
                        product(count, scores, padded_length, panel, length, out, padded_head);
                    }
                    for (r, gathered) in gathered.chunks_exact(padded_head).take(count).enumerate() {
                        let out = &mut out[(row + r) * width + start..][..head_width];
                        for (y, &x) in out.iter_mut().zip(gathered) {
                            *y = x * shares[r];
                        }
                    }
                }
            }
        });
    }
}

/// Keys of one head as panels of as many keys as a panel has columns, each `[head width][columns]`; places beyond the last
/// key become zero.
#[inline(always)]
fn pack_keys(keys: Strided, start: usize, length: usize, head_width: usize, tiles: &Tiles, panels: &mut [f32]) {
    let columns = tiles.attention_columns;
    for (number, panel) in panels.chunks_exact_mut(head_width * columns).enumerate() {
        let first = number * columns;
        let count = columns.min(length - first);
        if count < columns {
            panel.fill(0.0);
        }
        let (blocks, wide) = (count / BLOCK * BLOCK, head_width / BLOCK * BLOCK);
        for token in (0..blocks).step_by(BLOCK) {
            for k in (0..wide).step_by(BLOCK) {
                let from =
                    &keys.values[(first + token) * keys.stride + start + k..][..(BLOCK - 1) * keys.stride + BLOCK];
                let to = &mut panel[k * columns + token..][..(BLOCK - 1) * columns + BLOCK];
                // SAFETY: both slices hold eight rows of eight values at these strides. The machine has the instructions
                // (`Tiles::of`).
                unsafe { (tiles.transpose)(from.as_ptr(), keys.stride, to.as_mut_ptr(), columns) };
            }
        }
        for token in 0..count {
            let rest = if token < blocks { wide } else { 0 };
            let key = &keys.values[(first + token) * keys.stride + start..][..head_width];
            for (k, &x) in key.iter().enumerate().skip(rest) {
                panel[k * columns + token] = x;
            }
        }
    }
}

/// Values of one head as panels of `columns` places of the head, each `[length][columns]`.
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
