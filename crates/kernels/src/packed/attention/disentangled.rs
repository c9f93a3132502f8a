//! Disentangled attention of DeBERTa-v2 and v3: scores between contents and relative positions.

use super::position_term::PositionTerm;
use super::product::Head;
use super::strided::Strided;
use crate::instructions::InstructionSet;
use crate::packed::buffer::Buffer;
use crate::tiles::Tiles;
use crate::tiles::by_distance::BLOCK;
use std::ops::Range;

/// The number of queries whose scores are computed together: whole tiles, and whole blocks of transposed products.
pub(super) const QUERIES: usize = 24;

/// The vectors of relative positions of one layer, packed for an instruction set.
pub struct DisentangledPositions {
    /// Rows are queries, and the other side are keys.
    content_to_position: Option<PositionTerm>,
    /// Rows are keys, and the other side are queries.
    position_to_content: Option<PositionTerm>,
    pub(super) heads: usize,
    pub(super) head_width: usize,
    pub(super) max_length: usize,
    pub(super) set: InstructionSet,
}

/// Working memory of one head.
#[derive(Default)]
pub(super) struct PositionScratch {
    /// The products of a tile of queries, `[tile rows, columns]`.
    queries: Buffer<f32>,
    /// The products of all keys, `[length, columns]`.
    keys: Buffer<f32>,
}

impl DisentangledPositions {
    /// Packs the vectors of relative positions.
    ///
    /// The score of query i and key j gets two terms, which are multiplied by the scale of the attention:
    ///
    /// - `content_to_position`: query i times row `clamp(bucket(i - j) + span, 0, 2 * span - 1)`;
    /// - `position_to_content`: key j times row `clamp(-bucket(j - i) + span, 0, 2 * span - 1)`.
    ///
    /// Both matrices are `[2 * span, heads * head_width]`: the projections of the relative embeddings to keys and to queries.
    /// The definitions are those of `DisentangledSelfAttention` in transformers.
    ///
    /// # Panics
    /// If a matrix has another size, `span` or `max_length` is zero, or the machine lacks the instruction set.
    #[expect(clippy::too_many_arguments, reason = "two matrices, their sizes, and how positions choose their rows")]
    pub fn new(
        content_to_position: Option<&[f32]>,
        position_to_content: Option<&[f32]>,
        heads: usize,
        head_width: usize,
        span: usize,
        bucket: impl Fn(isize) -> isize,
        max_length: usize,
        set: InstructionSet,
    ) -> Self {
        assert!(span > 0 && max_length > 0, "disentangled positions: nothing is within the span");
        let span_end = 2 * span.cast_signed() - 1;
        let row = |offset: isize| (span.cast_signed() + offset).clamp(0, span_end).cast_unsigned();
        let columns = Tiles::of(set).attention_columns;
        let term = |vectors: &[f32], vector_of: &dyn Fn(isize) -> usize| {
            let size = 2 * span * heads * head_width;
            assert!(vectors.len() == size, "disentangled positions: a matrix is not 2 span x heads x head width");
            PositionTerm::new(vectors, heads, head_width, max_length, columns, vector_of)
        };
        // A term counts distances from its row to the other side: from query to key, and from key to query.
        let content_to_position = content_to_position.map(|vectors| term(vectors, &|distance| row(bucket(-distance))));
        let position_to_content = position_to_content.map(|vectors| term(vectors, &|distance| row(-bucket(-distance))));
        Self { content_to_position, position_to_content, heads, head_width, max_length, set }
    }

    /// Multiplies all keys of a head with the vectors of their distances to `queries` queries.
    #[inline(always)]
    pub(super) fn multiply_keys(
        &self,
        head: Head,
        keys: Strided,
        length: usize,
        queries: usize,
        scratch: &mut PositionScratch,
    ) {
        if let Some(term) = &self.position_to_content {
            let out = scratch.keys.first(length.next_multiple_of(BLOCK) * term.stride(head.products));
            term.multiply(head, keys, 0..length, queries, out);
        }
    }

    /// Adds both terms to the scores of a group of queries.
    ///
    /// `queries` starts with the query at position 0. Scores beyond the group and beyond the keys that a query sees become
    /// anything.
    #[inline(always)]
    pub(super) fn add(
        &self,
        head: Head,
        queries: Strided,
        group: Range<usize>,
        length: usize,
        scratch: &mut PositionScratch,
        scores: GroupScores,
    ) {
        let GroupScores { values: scores, stride, keys } = scores;
        let products = head.products;
        let width = keys.len().next_multiple_of(BLOCK);
        if let Some(term) = &self.content_to_position {
            let term_stride = term.stride(products);
            let out = scratch.queries.first(products.tiles.rows * term_stride);
            for first in group.clone().step_by(products.tiles.rows) {
                let tile = first..group.end.min(first + products.tiles.rows);
                term.multiply(head, queries, tile.clone(), length, out);
                for (query, row) in tile.zip(out.chunks_exact(term_stride)) {
                    let scores = &mut scores[(query - group.start) * stride..][..width];
                    term.add_row(query, keys.start, row, products, scores);
                }
            }
        }
        if let Some(term) = &self.position_to_content {
            let term_stride = term.stride(products);
            let rows = &scratch.keys.all()[keys.start * term_stride..];
            for (block, rows) in rows.chunks_exact(BLOCK * term_stride).take(width / BLOCK).enumerate() {
                for query in group.clone().step_by(BLOCK) {
                    let scores = &mut scores[(query - group.start) * stride + block * BLOCK..];
                    term.add_block(keys.start + block * BLOCK, query, rows, products, scores, stride);
                }
            }
        }
    }
}

/// The scores of a group of queries. There are whole blocks of queries and of keys.
pub(super) struct GroupScores<'a> {
    pub values: &'a mut [f32],
    /// The number of scores from one query to the next.
    pub stride: usize,
    /// The keys of a row.
    pub keys: Range<usize>,
}
