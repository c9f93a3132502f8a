//! Packs the keys and values of one head into panels.

use super::strided::Strided;
use crate::tiles::Tiles;

/// Rows and columns of a block that is transposed at once.
const BLOCK: usize = 8;

/// Packs the keys of one head into panels of `columns` keys, each `[head width][columns]`. Columns beyond the last key
/// become zero.
#[inline(always)]
pub(super) fn keys(keys: Strided, start: usize, length: usize, head_width: usize, tiles: &Tiles, panels: &mut [f32]) {
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
pub(super) fn values(
    values: Strided,
    start: usize,
    length: usize,
    head_width: usize,
    columns: usize,
    panels: &mut [f32],
) {
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
