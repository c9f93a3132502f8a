//! The product of a few rows with a panel of keys, values or vectors of positions.

use super::reach::Reach;
use super::strided::Strided;
use crate::tiles::{TileF32, Tiles};

/// What all products of a head share.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub number: usize,
    pub reach: Reach,
    pub products: Products<'a>,
}

/// The tiles of an instruction set, and the zeros that their sums start from.
#[derive(Clone, Copy)]
pub(super) struct Products<'a> {
    pub tiles: &'static Tiles,
    /// As many zeros as a panel has columns.
    pub zeros: &'a [f32],
}

impl Products<'_> {
    /// Stores the product of the first `count` rows of `input` with a panel, `[depth][columns]`, in rows of `out` that
    /// start `out_stride` values apart.
    #[inline(always)]
    pub fn tile(self, count: usize, input: Strided, panel: &[f32], depth: usize, out: &mut [f32], out_stride: usize) {
        let Self { tiles, zeros } = self;
        let columns = tiles.attention_columns;
        assert!((1..=tiles.rows).contains(&count), "attention: a tile has no {count} rows");
        assert!(input.has_rows(count, depth), "attention: the input of a tile is too small");
        assert!(panel.len() == depth * columns, "attention: a panel is not depth x columns");
        assert!(zeros.len() == columns, "attention: a panel has another number of columns");
        assert!(out.len() >= (count - 1) * out_stride + columns, "attention: the output of a tile is too small");
        let tile = TileF32 {
            input: input.values.as_ptr(),
            input_stride: input.stride,
            panel: panel.as_ptr(),
            depth,
            bias: zeros.as_ptr(),
            out: out.as_mut_ptr(),
            out_stride,
        };
        // SAFETY: input, panel and output have the sizes that the assertions above check, and `zeros` has `columns` values.
        // The output is borrowed mutably, so it overlaps no input. The machine has the instructions (`Tiles::of`).
        unsafe { (tiles.attention)(count, tile) }
    }
}
