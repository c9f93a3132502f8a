//! The forward pass of attention: scores, softmax and context, a few queries at a time.

use super::disentangled::{DisentangledPositions, GroupScores, PositionScratch, QUERIES};
use super::distance_bias::DistanceBias;
use super::pack;
use super::product::{Head, Products};
use super::reach::Reach;
use super::softmax::exponentials;
use super::strided::Strided;
use crate::instructions::{InstructionSet, fused};
use crate::packed::buffer::Buffer;
use crate::tiles::Tiles;
use std::ops::Range;

/// The sizes of a layer's attention, and the instruction set to use.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// The number of attention heads.
    pub heads: usize,
    /// The number of values of each head in a row.
    pub head_width: usize,
    /// Multiplies the scores, usually `1 / sqrt(head_width)`.
    pub scale: f32,
    /// The largest distance between a query and a key that it sees, or `None` if it sees all keys.
    pub reach: Option<usize>,
    /// The instruction set.
    pub set: InstructionSet,
}

/// Terms of the scores that depend on the positions of query and key.
#[derive(Clone, Copy)]
pub enum Relative<'a> {
    /// No such terms.
    None,
    /// A number for each head and distance.
    Bias(&'a DistanceBias),
    /// Products with vectors of relative positions.
    Disentangled(&'a DisentangledPositions),
}

/// Working memory of [`Attention::forward`]. Reuse it across windows to avoid allocations.
#[derive(Default)]
pub struct AttentionScratch {
    keys: Buffer<f32>,
    values: Buffer<f32>,
    scores: Buffer<f32>,
    context: Buffer<f32>,
    zeros: Buffer<f32>,
    positions: PositionScratch,
}

impl Attention {
    /// Computes `softmax(scale * query keys^T + relative terms) values` for each query and head.
    ///
    /// `queries` has as many rows as `out`. `keys` and `values` have `length` rows. In each row the heads follow one
    /// another. `out` is `[queries, heads * head_width]`. Row i of each matrix is position i of the window, so `queries` may
    /// hold only the first positions.
    ///
    /// The result of a query does not depend on the number of queries. With a reach, the time grows with `length * reach`.
    ///
    /// # Panics
    /// If the sizes do not match, the window is longer than the relative terms allow, or the machine lacks the instruction
    /// set. A [`DistanceBias`] must have the same scale, and [`DisentangledPositions`] the same instruction set.
    #[expect(clippy::too_many_arguments, reason = "three matrices, their terms, working memory and output")]
    pub fn forward(
        &self,
        queries: Strided,
        keys: Strided,
        values: Strided,
        length: usize,
        relative: Relative,
        scratch: &mut AttentionScratch,
        out: &mut [f32],
    ) {
        let Self { heads, head_width, scale, set, .. } = *self;
        let width = heads * head_width;
        let rows = out.len() / width;
        assert!(out.len() == rows * width && length > 0, "attention: output is not made of whole rows");
        assert!(
            queries.has_rows(rows, width) && keys.has_rows(length, width) && values.has_rows(length, width),
            "attention: a matrix has too few rows"
        );
        assert!(rows <= length, "attention: there are more queries than positions");
        self.check(relative, length);
        let reach = Reach(self.reach);
        let tiles = Tiles::of(set);
        let columns = tiles.attention_columns;
        let group_rows = match relative {
            Relative::None | Relative::Bias(_) => tiles.rows,
            Relative::Disentangled(_) => QUERIES,
        };
        let padded_length = length.next_multiple_of(columns);
        let padded_head = head_width.next_multiple_of(columns);
        let score_stride = reach.score_columns(group_rows, length, columns);
        let key_panels = scratch.keys.first(padded_length * head_width);
        let value_panels = scratch.values.first(padded_head * length);
        let scores = scratch.scores.first(group_rows * score_stride); // [group rows, score stride]
        let context = scratch.context.first(tiles.rows * padded_head); // [tile rows, padded head]
        let products = Products { tiles, zeros: scratch.zeros.first(columns) };
        let positions = &mut scratch.positions;
        fused!(set, |a| {
            for number in 0..heads {
                let start = number * head_width;
                let head = Head { number, reach, products };
                pack::keys(keys, start, length, head_width, tiles, key_panels);
                pack::values(values, start, length, head_width, columns, value_panels);
                if let Relative::Disentangled(vectors) = relative {
                    vectors.multiply_keys(head, keys.from(0, start), length, rows, positions);
                }
                for first in (0..rows).step_by(group_rows) {
                    let group = first..rows.min(first + group_rows);
                    let seen = reach.around(group.clone(), length);
                    // Only the panels of keys that a query of the group sees are multiplied.
                    let panels = seen.start / columns..seen.end.div_ceil(columns);
                    let first_key = panels.start * columns;
                    for row in group.clone().step_by(tiles.rows) {
                        let count = tiles.rows.min(group.end - row);
                        let query = queries.from(row, start);
                        let scores = &mut scores[(row - first) * score_stride..];
                        let key_panels = key_panels.chunks_exact(head_width * columns);
                        for (number, panel) in key_panels.skip(panels.start).take(panels.len()).enumerate() {
                            let out = &mut scores[number * columns..];
                            products.tile(count, query, panel, head_width, out, score_stride);
                        }
                    }
                    if let Relative::Disentangled(vectors) = relative {
                        let keys = first_key..seen.end;
                        let scores = GroupScores { values: &mut *scores, stride: score_stride, keys };
                        vectors.add(head, queries.from(0, start), group.clone(), length, positions, scores);
                    }
                    let mut inverse_sums = [0f32; QUERIES];
                    let score_rows = scores.chunks_exact_mut(score_stride);
                    for ((query, scores), inverse_sum) in group.clone().zip(score_rows).zip(&mut inverse_sums) {
                        let own = reach.around(query..query + 1, length);
                        let columns_of = |keys: Range<usize>| keys.start - first_key..keys.end - first_key;
                        if let Relative::Bias(bias) = relative {
                            bias.add(number, query, own.clone(), &mut scores[columns_of(own.clone())]);
                        }
                        *inverse_sum = exponentials(scores, columns_of(own.clone()), columns, scale, a);
                        // Keys that only other queries of the group see are multiplied with zero.
                        scores[columns_of(seen.start..own.start)].fill(0.0);
                        scores[columns_of(own.end..seen.end)].fill(0.0);
                    }
                    for row in group.clone().step_by(tiles.rows) {
                        let count = tiles.rows.min(group.end - row);
                        let scores = Strided { values: scores, stride: score_stride };
                        let scores = scores.from(row - first, seen.start - first_key);
                        for (number, panel) in value_panels.chunks_exact(length * columns).enumerate() {
                            let panel = &panel[seen.start * columns..seen.end * columns];
                            let out = &mut context[number * columns..];
                            products.tile(count, scores, panel, seen.len(), out, padded_head);
                        }
                        for (r, context) in context.chunks_exact(padded_head).take(count).enumerate() {
                            let out = &mut out[(row + r) * width + start..][..head_width];
                            for (y, &x) in out.iter_mut().zip(context) {
                                *y = x * inverse_sums[row - first + r];
                            }
                        }
                    }
                }
            }
        });
    }

    /// Checks that relative terms were made for this attention.
    fn check(&self, relative: Relative, length: usize) {
        let (heads, max_length) = match relative {
            Relative::None => return,
            Relative::Bias(bias) => {
                assert!(bias.scale == self.scale, "attention: the distance bias is for another scale");
                (bias.heads, bias.max_length)
            }
            Relative::Disentangled(vectors) => {
                assert!(vectors.set == self.set, "attention: the positions are packed for another instruction set");
                assert!(vectors.head_width == self.head_width, "attention: the positions have another head width");
                (vectors.heads, vectors.max_length)
            }
        };
        assert!(heads == self.heads, "attention: the relative terms have another number of heads");
        assert!(length <= max_length, "attention: the window is longer than the relative terms allow");
    }
}
