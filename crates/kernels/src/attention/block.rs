//! Blocks of rows of queries, with the band of keys that they see.

use crate::dropout::Dropout;
use crate::instructions::{Arithmetic, InstructionSet, fused};
use std::ops::Range;

/// The smallest block of a window with limited reach. Smaller products are slower per operation.
const MIN_ROWS: usize = 32;
/// The largest block of a window with limited reach. It bounds memory.
const MAX_ROWS: usize = 256;

/// Neighbouring queries of a window, and the keys that at least one of them sees. Scores of a block are
/// `[rows, keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub rows: Range<usize>,
    pub keys: Range<usize>,
    reach: usize,
    length: usize,
}

impl Block {
    /// Divides `rows` queries of a window of `length` keys.
    ///
    /// Without reach, or if the window is short for it, there is one block.
    pub fn all(rows: usize, length: usize, reach: Option<usize>) -> impl Iterator<Item = Self> {
        let reach = reach.unwrap_or(length);
        // The products of a band cost about three times the reach per row.
        let size = if length / 3 > reach { reach.clamp(MIN_ROWS, MAX_ROWS) } else { rows.max(1) };
        (0..rows).step_by(size).map(move |first| {
            let last = rows.min(first + size) - 1;
            let keys = first.saturating_sub(reach)..length.min(last.saturating_add(reach).saturating_add(1));
            Self { rows: first..last + 1, keys, reach, length }
        })
    }

    /// Returns whether the block has all queries and keys of the window.
    pub fn is_whole(&self, rows: usize) -> bool {
        self.rows.len() == rows && self.keys.len() == self.length
    }

    /// Returns the keys that a row of the block sees. Both are counted from the block's first.
    pub fn seen(&self, row: usize) -> Range<usize> {
        let position = self.rows.start + row;
        let end = self.keys.end.min(position.saturating_add(self.reach).saturating_add(1));
        position.saturating_sub(self.reach).max(self.keys.start) - self.keys.start..end - self.keys.start
    }

    /// Returns the index, within a head's biases by distance, of the first key that a row of the block sees.
    fn first_distance(&self, row: usize, distances: usize) -> usize {
        distances / 2 + self.keys.start + self.seen(row).start - (self.rows.start + row)
    }

    /// Computes `scores = scale * scores + bias` for the keys that each row sees. `bias` is that of a head, by distance.
    pub fn scale_and_bias(&self, scores: &mut [f32], scale: f32, bias: &[f32]) {
        fused!(InstructionSet::best(), |a| {
            for (row, scores) in scores.chunks_exact_mut(self.keys.len()).enumerate() {
                let bias = &bias[self.first_distance(row, bias.len())..];
                for (s, &b) in scores[self.seen(row)].iter_mut().zip(bias) {
                    *s = a.fma(*s, scale, b);
                }
            }
        });
    }

    /// Adds the gradients of scaled scores to those of a head's bias, row by row.
    pub fn add_bias_gradient(&self, gradient: &[f32], d_bias: &mut [f32]) {
        InstructionSet::best().run(
            #[inline(always)]
            || {
                for (row, gradient) in gradient.chunks_exact(self.keys.len()).enumerate() {
                    let first = self.first_distance(row, d_bias.len());
                    for (sum, &g) in d_bias[first..].iter_mut().zip(&gradient[self.seen(row)]) {
                        *sum += g;
                    }
                }
            },
        );
    }

    /// Applies a head's dropout. The mask of a query and key does not depend on the blocks.
    pub fn drop(&self, dropout: Dropout, values: &mut [f32]) {
        if self.keys.len() == self.length {
            return dropout.apply(self.rows.start * self.length, values);
        }
        for (row, values) in self.rows.clone().zip(values.chunks_exact_mut(self.keys.len())) {
            dropout.apply(row * self.length + self.keys.start, values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Block;

    #[test]
    fn blocks_hold_each_row_once_with_the_keys_within_reach() {
        for length in [1, 5, 40, 97, 300] {
            for reach in [None, Some(0), Some(1), Some(13), Some(64), Some(400), Some(usize::MAX)] {
                for rows in [0, 1, length / 2, length] {
                    let mut next = 0;
                    for block in Block::all(rows, length, reach) {
                        assert_eq!(block.rows.start, next);
                        next = block.rows.end;
                        let mut union = length..0;
                        for (index, row) in block.rows.clone().enumerate() {
                            let seen = block.seen(index);
                            let seen = seen.start + block.keys.start..seen.end + block.keys.start;
                            let within = |&key: &usize| reach.is_none_or(|reach| row.abs_diff(key) <= reach);
                            assert!(seen.clone().eq((0..length).filter(within)), "row {row} of {length}, {reach:?}");
                            union = union.start.min(seen.start)..union.end.max(seen.end);
                        }
                        assert_eq!(union, block.keys, "{rows} rows of {length}, reach {reach:?}");
                    }
                    assert_eq!(next, rows);
                }
            }
        }
    }

    #[test]
    fn bands_of_long_windows_are_narrow() {
        let cost = |length, reach| -> usize {
            Block::all(length, length, reach).map(|block| block.rows.len() * block.keys.len()).sum()
        };
        assert_eq!(cost(512, None), 512 * 512);
        assert_eq!(cost(192, Some(64)), 192 * 192);
        assert!(cost(8_192, Some(64)) <= 8_192 * 3 * 64);
        assert!(cost(8_192, Some(0)) <= 8_192 * 32);
    }
}
