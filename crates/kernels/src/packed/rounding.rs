//! What int8 products do to their factors, for training that takes it into account (quantisation-aware training).
//!
//! Training leaves weights of five bits and a sign for each group of 128. Such weights are packed without loss, and their products
//! with activations of eight bits fit into what plain AVX2 adds. So all instruction sets compute the same.

use super::quantise::quantise_weights;
use super::rows::{PreciseRows, Preparation};
use super::scratch::Scratch;
use crate::instructions::InstructionSet;
use crate::tiles::{GROUP, QUANTISED_DEPTH, TRAINED_LIMITS};

/// Replaces weights (`[width, depth]`, row-major) by the nearest ones that int8 products multiply without loss.
///
/// # Panics
/// If the weights are not made of whole rows.
pub fn round_weights(weights: &mut [f32], depth: usize) {
    assert!(depth > 0 && weights.len().is_multiple_of(depth), "rounding: weights are not made of whole rows");
    let (_, limit) = TRAINED_LIMITS;
    let mut integers = [0i8; GROUP];
    for row in weights.chunks_exact_mut(depth) {
        for group in row.chunks_mut(GROUP) {
            let scale = quantise_weights(group, limit, |k, q| integers[k] = q);
            group.iter_mut().zip(integers).for_each(|(w, q)| *w = scale * f32::from(q));
        }
    }
}

/// Writes to `out` the numbers that int8 products with such weights multiply in place of activations (`[rows, depth]`, row-major). A
/// group with a number that is not finite becomes NaN.
///
/// # Panics
/// If the activations are not made of whole rows, or `out` does not have their size.
pub fn round_activations(
    activations: &[f32],
    depth: usize,
    precise: PreciseRows,
    memory: &mut Scratch,
    out: &mut [f32],
) {
    assert!(depth > 0 && activations.len().is_multiple_of(depth), "rounding: activations are not made of whole rows");
    assert!(activations.len() == out.len(), "rounding: sizes do not match");
    let (limit, _) = TRAINED_LIMITS;
    let set = InstructionSet::best();
    let rows = &mut memory.bytes;
    rows.fill(activations, depth, limit, precise, Preparation::None, set);
    let (padded, groups) = (depth.next_multiple_of(QUANTISED_DEPTH), depth.div_ceil(GROUP));
    let (integers, ranges, precise) = (rows.integers.all(), rows.ranges.as_slice(), rows.precise.as_slice());
    set.run(
        #[inline(always)]
        || {
            let halves = |row: usize| {
                let integers = integers[row * padded..][..depth].chunks(GROUP);
                integers.zip(&ranges[row * groups..(row + 1) * groups])
            };
            let count = out.len() / depth;
            for (row, out) in out.chunks_exact_mut(depth).enumerate() {
                for (out, (integers, [scale, min])) in out.chunks_mut(GROUP).zip(halves(row)) {
                    out.iter_mut().zip(integers).for_each(|(x, &q)| *x = scale * f32::from(q) + min);
                }
            }
            for (number, &row) in precise.iter().enumerate() {
                let out = out[row * depth..(row + 1) * depth].chunks_mut(GROUP);
                for (out, (integers, [scale, _])) in out.zip(halves(count + number)) {
                    out.iter_mut().zip(integers).for_each(|(x, &q)| *x += scale * f32::from(q));
                }
            }
        },
    );
}
