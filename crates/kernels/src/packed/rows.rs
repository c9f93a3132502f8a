//! The input rows of a product of integers: quantised, and some of them with twice the bits.

use super::buffer::Buffer;
use super::quantise::{Integer, quantise_row, quantise_row_precisely};
use crate::activation::approximate_gelu;
use crate::instructions::{InstructionSet, fused};
use crate::tiles::{GROUP, QUANTISED_DEPTH};

/// Rows that int8 products quantise to twice the bits, by their index in a matrix. An input may be a part of that matrix.
///
/// A network that reads its answer from the first token of each window needs that token's rows more precisely than others.
#[derive(Debug, Clone, Copy, Default)]
pub struct PreciseRows<'a> {
    ascending: &'a [usize],
    first: usize,
}

impl<'a> PreciseRows<'a> {
    /// Returns the rows with these indices, which are in ascending order, each once.
    pub fn new(ascending: &'a [usize]) -> Self {
        Self { ascending, first: 0 }
    }

    /// Returns those from a row on, for the part of the matrix that starts there.
    pub fn from(self, row: usize) -> Self {
        Self { first: self.first + row, ..self }
    }

    /// Returns those of the first `count` rows, by their index among these.
    fn within(self, count: usize) -> impl Iterator<Item = usize> {
        let start = self.ascending.partition_point(|&row| row < self.first);
        self.ascending[start..].iter().map(move |row| row - self.first).take_while(move |&row| row < count)
    }
}

/// What is done to the numbers of an input before they are quantised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Preparation {
    None,
    /// GELU to within 2e-5, in the same pass over the input.
    Gelu,
}

/// Memory of the quantised rows of an input. A precise row is a sum of two: its high half in its place, and its low half after
/// the last row.
pub(super) struct QuantisedRows<X> {
    /// `[rows + precise rows, depth]`
    pub(super) integers: Buffer<X>,
    /// Scale and minimum of each group: `[rows + precise rows, groups]`.
    pub(super) ranges: Vec<[f32; 2]>,
    /// The indices of the precise rows.
    pub(super) precise: Vec<usize>,
}

impl<X: Integer> Default for QuantisedRows<X> {
    fn default() -> Self {
        Self { integers: Buffer::default(), ranges: vec![], precise: vec![] }
    }
}

impl<X: Integer> QuantisedRows<X> {
    /// Quantises `input` (`[rows, depth]`) to `0..=limit`, with the depth padded by zeros to a multiple of [`QUANTISED_DEPTH`].
    pub(super) fn fill(
        &mut self,
        input: &[f32],
        depth: usize,
        limit: X,
        precise: PreciseRows,
        preparation: Preparation,
        set: InstructionSet,
    ) {
        let rows = input.len() / depth;
        self.precise.clear();
        self.precise.extend(precise.within(rows));
        let (padded, groups, all) =
            (depth.next_multiple_of(QUANTISED_DEPTH), depth.div_ceil(GROUP), rows + self.precise.len());
        self.ranges.resize(all * groups, [0.0; 2]);
        let (integers, low_integers) = self.integers.first(all * padded).split_at_mut(rows * padded);
        let (ranges, low_ranges) = self.ranges.split_at_mut(rows * groups);
        let mut low = low_integers.chunks_exact_mut(padded).zip(low_ranges.chunks_exact_mut(groups));
        let mut next_precise = self.precise.iter().copied().peekable();
        fused!(set, |a| {
            let mut memory = [0f32; GROUP];
            let rows = input.chunks_exact(depth).zip(integers.chunks_exact_mut(padded));
            for (row, ((x, q), ranges)) in rows.zip(ranges.chunks_exact_mut(groups)).enumerate() {
                let mut low = next_precise.next_if_eq(&row).and_then(|_| low.next());
                q[depth..].fill(X::from_low_bits(0));
                if let Some((low, _)) = &mut low {
                    low[depth..].fill(X::from_low_bits(0));
                }
                for (group, (x, range)) in x.chunks(GROUP).zip(ranges).enumerate() {
                    let x = match preparation {
                        Preparation::None => x,
                        Preparation::Gelu => {
                            let activated = &mut memory[..x.len()];
                            activated.iter_mut().zip(x).for_each(|(y, &x)| *y = approximate_gelu(x, a));
                            &*activated
                        }
                    };
                    let own = group * GROUP..group * GROUP + x.len();
                    match &mut low {
                        None => *range = quantise_row(x, limit, &mut q[own]),
                        Some((low, low_ranges)) => {
                            let (high, low) = (&mut q[own.clone()], &mut low[own]);
                            [*range, low_ranges[group]] = quantise_row_precisely(x, limit, high, low);
                        }
                    }
                }
            }
        });
    }
}
