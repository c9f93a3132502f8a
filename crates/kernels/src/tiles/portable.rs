//! Tiles in plain Rust: the reference for the other tiles, and the fallback where none of them runs.

use super::by_distance;
use super::tile::{GROUP, PairOrder, TileBf16, TileF32, TileQuantised, Tiles};
use crate::half::widen;

const COLUMNS: usize = 16;

pub(super) static TILES: Tiles = Tiles {
    rows: 4,
    columns: COLUMNS,
    attention_columns: COLUMNS,
    f32: tile_f32,
    attention: tile_f32,
    transpose,
    add_row_by_distance: by_distance::add_row,
    add_block_by_distance: by_distance::add_block,
    pair_order: PairOrder::Columns,
    bf16: tile_bf16,
    int16: tile_quantised::<2, _, _>,
    int8_rows: 4,
    int8: tile_quantised::<4, _, _>,
    int8_limits: (255, 127),
};

/// Multiplies rows with a panel of f32 weights.
///
/// # Safety
/// `tile` keeps its contract.
unsafe fn tile_f32(rows: usize, tile: TileF32) {
    for row in 0..rows {
        // SAFETY: the caller keeps the contract of the tile's arguments.
        let (input, panel, bias, out) = unsafe {
            (
                std::slice::from_raw_parts(tile.input.add(row * tile.input_stride), tile.depth),
                std::slice::from_raw_parts(tile.panel.cast::<[f32; COLUMNS]>(), tile.depth),
                &*tile.bias.cast::<[f32; COLUMNS]>(),
                &mut *tile.out.add(row * tile.out_stride).cast::<[f32; COLUMNS]>(),
            )
        };
        let mut sums = *bias;
        for (&x, weights) in input.iter().zip(panel) {
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum += x * weight;
            }
        }
        *out = sums;
    }
}

/// Transposes a block of 8 by 8 values.
///
/// # Safety
/// `from` is readable and `to` is writable for eight rows of eight values at their strides.
unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    for row in 0..8 {
        for column in 0..8 {
            // SAFETY: the caller provides eight rows of eight values on both sides.
            unsafe { *to.add(column * to_stride + row) = *from.add(row * from_stride + column) };
        }
    }
}

/// Multiplies rows of f32 activations with a panel of bf16 weights.
///
/// # Safety
/// `tile` keeps its contract.
unsafe fn tile_bf16(rows: usize, tile: TileBf16) {
    for row in 0..rows {
        // SAFETY: the caller keeps the contract of the tile's arguments; activations are f32 in this pair order.
        let (input, panel, bias, out) = unsafe {
            (
                std::slice::from_raw_parts(tile.input.add(row * tile.input_stride).cast::<f32>(), tile.depth),
                std::slice::from_raw_parts(tile.panel.cast::<[[u16; 2]; COLUMNS / 2]>(), tile.depth),
                &*tile.bias.cast::<[f32; COLUMNS]>(),
                &mut *tile.out.add(row * tile.out_stride).cast::<[f32; COLUMNS]>(),
            )
        };
        let mut sums = *bias;
        for (&x, weights) in input.iter().zip(panel) {
            for (c, &[left, right]) in weights.iter().enumerate() {
                sums[c] += x * widen(left);
                sums[c + COLUMNS / 2] += x * widen(right);
            }
        }
        *out = sums;
    }
}

/// Multiplies rows of integers with a panel of integer weights, of which `INTERLEAVED` neighbours in depth are interleaved.
///
/// # Safety
/// `tile` keeps its contract.
unsafe fn tile_quantised<const INTERLEAVED: usize, X, W>(rows: usize, tile: TileQuantised<X, W>)
where
    X: Copy + Into<i32>,
    W: Copy + Into<i32>,
{
    let groups = tile.depth.div_ceil(GROUP);
    // SAFETY: the caller keeps the contract of the tile's arguments.
    let (panel, bias, column_terms) = unsafe {
        (
            std::slice::from_raw_parts(tile.panel.cast::<[[W; INTERLEAVED]; COLUMNS]>(), tile.depth / INTERLEAVED),
            &*tile.bias.cast::<[f32; COLUMNS]>(),
            std::slice::from_raw_parts(tile.column_terms.cast::<[[f32; COLUMNS]; 2]>(), groups),
        )
    };
    for row in 0..rows {
        // SAFETY: as before.
        let (input, ranges, out) = unsafe {
            (
                std::slice::from_raw_parts(tile.input.add(row * tile.input_stride), tile.depth),
                std::slice::from_raw_parts(tile.row_ranges.add(row * groups), groups),
                &mut *tile.out.add(row * tile.out_stride).cast::<[f32; COLUMNS]>(),
            )
        };
        *out = *bias;
        let parts = input.chunks(GROUP).zip(panel.chunks(GROUP / INTERLEAVED));
        for (((input, panel), &[scale, min]), [column_sums, column_scales]) in parts.zip(ranges).zip(column_terms) {
            let mut sums = [0i32; COLUMNS];
            for (x, weights) in input.chunks_exact(INTERLEAVED).zip(panel) {
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    for (&x, &weight) in x.iter().zip(weights) {
                        *sum += x.into() * weight.into();
                    }
                }
            }
            for (c, out) in out.iter_mut().enumerate() {
                *out += sums[c] as f32 * (scale * column_scales[c]);
                *out += min * column_sums[c];
            }
        }
    }
}
