//! Products with one vector for each distance: the terms of disentangled attention.
//!
//! Distances that share a vector follow one another, for example beyond the exact buckets. A vector is stored once for each
//! such run, and only the vectors of distances within a window are multiplied.

use super::product::{Head, Products};
use super::strided::Strided;
use crate::packed::buffer::Buffer;
use crate::tiles::by_distance::BLOCK;
use std::ops::Range;

/// Columns between two rows of products: a block of them may start at the last column. With sixteen, rows stay aligned, and
/// few of them fall into the same set of the cache.
const GAP: usize = 16;

/// A vector for each distance, and their products with the rows of a window.
///
/// The row at position `p` and the other side's position `o` have the distance `o - p`.
pub(super) struct PositionTerm {
    /// The column of each distance, from `-(max_length - 1) - BLOCK` to `max_length - 1 + BLOCK`. The ends are repeated, for
    /// blocks that reach beyond the window. Neighbours are equal, or the second is one larger.
    table: Vec<u32>,
    /// `[heads, panels, head_width, columns of a panel]`
    panels: Buffer<f32>,
    panels_per_head: usize,
    head_width: usize,
    max_length: usize,
}

impl PositionTerm {
    /// Packs the vectors into panels of `columns`.
    ///
    /// `vectors` is `[vectors, heads * head_width]`, and `vector_of` returns the vector of a distance.
    pub fn new(
        vectors: &[f32],
        heads: usize,
        head_width: usize,
        max_length: usize,
        columns: usize,
        vector_of: impl Fn(isize) -> usize,
    ) -> Self {
        let longest = max_length.cast_signed() - 1;
        let mut runs: Vec<usize> = vec![];
        let mut table = vec![];
        for distance in -longest..=longest {
            let vector = vector_of(distance);
            if runs.last() != Some(&vector) {
                runs.push(vector);
            }
            table.push(u32::try_from(runs.len() - 1).expect("a table of distances has fewer entries"));
        }
        let last = table[table.len() - 1];
        let table = [vec![0; BLOCK], table, vec![last; BLOCK]].concat();
        let panels_per_head = runs.len().div_ceil(columns);
        let mut panels = Buffer::zeros(heads * panels_per_head * head_width * columns);
        let panels_of_all = panels.first(heads * panels_per_head * head_width * columns);
        for (number, panel) in panels_of_all.chunks_exact_mut(head_width * columns).enumerate() {
            let (head, first) = (number / panels_per_head, number % panels_per_head * columns);
            for (column, &run) in runs[first..].iter().take(columns).enumerate() {
                let vector = &vectors[(run * heads + head) * head_width..][..head_width];
                for (k, &x) in vector.iter().enumerate() {
                    panel[k * columns + column] = x;
                }
            }
        }
        Self { table, panels, panels_per_head, head_width, max_length }
    }

    /// Returns the number of values from one row of products to the next.
    pub fn stride(&self, products: Products) -> usize {
        self.panels_per_head * products.tiles.attention_columns + GAP
    }

    /// Returns the table from a distance on.
    ///
    /// # Panics
    /// If the distance is not within the table.
    #[inline(always)]
    fn table_from(&self, position: usize, other: usize) -> &[u32] {
        &self.table[self.max_length - 1 + BLOCK + other - position..]
    }

    /// Multiplies the rows at neighbouring `positions` with the vectors of all positions below `others` that they see.
    ///
    /// `rows` starts with the row at position 0. The row of products at the first position is the first of `out`, which has
    /// room for all of them. Columns of distances that no position sees keep their values.
    #[inline(always)]
    pub fn multiply(&self, head: Head, rows: Strided, positions: Range<usize>, others: usize, out: &mut [f32]) {
        let Head { number: head, reach, products } = head;
        let (columns, stride) = (products.tiles.attention_columns, self.stride(products));
        let panel_size = self.head_width * columns;
        let head_panels = &self.panels.all()[head * self.panels_per_head * panel_size..];
        let origin = positions.start;
        for first in positions.clone().step_by(products.tiles.rows) {
            let tile = first..positions.end.min(first + products.tiles.rows);
            let seen = reach.around(tile.clone(), others);
            if seen.is_empty() {
                continue;
            }
            let column = |position, other| self.table_from(position, other)[0] as usize;
            let panels = column(tile.end - 1, seen.start) / columns..=column(tile.start, seen.end - 1) / columns;
            for number in panels {
                let panel = &head_panels[number * panel_size..][..panel_size];
                let out = &mut out[(first - origin) * stride + number * columns..];
                products.tile(tile.len(), rows.from(first, 0), panel, self.head_width, out, stride);
            }
        }
    }

    /// Adds the products of the row at `position` to its scores with the positions from `first_other` on. `scores` is made
    /// of whole blocks.
    #[inline(always)]
    pub fn add_row(&self, position: usize, first_other: usize, row: &[f32], products: Products, scores: &mut [f32]) {
        let table = self.table_from(position, first_other);
        assert!(scores.len().is_multiple_of(BLOCK) && table.len() >= scores.len(), "attention: no whole blocks");
        assert!(row.len() >= self.stride(products), "attention: a row of products is too short");
        // SAFETY: the table and the scores hold these blocks. Every entry of the table is a column of the row, after which
        // it has a gap of at least a block. Neighbouring entries are equal, or the second is one larger (`new`). The machine
        // has the instructions (`Tiles::of`).
        unsafe {
            let add = products.tiles.add_row_by_distance;
            add(row.as_ptr(), table.as_ptr(), scores.len() / BLOCK, scores.as_mut_ptr());
        }
    }

    /// Adds a block of products to the transposed scores: those of the rows from `position` on with the positions from
    /// `other` on. `rows` starts with the row at `position`, and `scores` with the first score of the row of `other`.
    #[inline(always)]
    pub fn add_block(
        &self,
        position: usize,
        other: usize,
        rows: &[f32],
        products: Products,
        scores: &mut [f32],
        scores_stride: usize,
    ) {
        let stride = self.stride(products);
        let table = self.table_from(position + BLOCK - 1, other);
        assert!(table.len() >= 2 * BLOCK - 1, "attention: a block is beyond the table of distances");
        assert!(rows.len() >= BLOCK * stride, "attention: a block has too few rows");
        assert!(scores.len() >= (BLOCK - 1) * scores_stride + BLOCK, "attention: a block has too few scores");
        // SAFETY: the table holds a block from seven entries before the one of the first row on. The rest is as in
        // `add_row`.
        unsafe {
            let add = products.tiles.add_block_by_distance;
            let table = table.as_ptr().add(BLOCK - 1);
            add(rows.as_ptr(), stride, table, scores.as_mut_ptr(), scores_stride);
        }
    }
}
