//! What int8 products do to their factors, for training that takes it into account (quantisation-aware training).
//!
//! Training leaves weights of five bits and a sign for each group of 128. Such weights are packed without loss, and their products
//! with activations of eight bits fit into what plain AVX2 adds. So all instruction sets compute the same.

use super::quantise::{quantise_row, quantise_weights};
use crate::instructions::InstructionSet;
use crate::tiles::{GROUP, TRAINED_LIMITS};

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

/// Writes to `out` the numbers that int8 products with such weights multiply in place of activations (`[rows, depth]`, row-major). A group with a
/// number that is not finite becomes NaN.
///
/// # Panics
/// If the activations are not made of whole rows, or `out` does not have their size.
pub fn round_activations(activations: &[f32], depth: usize, out: &mut [f32]) {
    assert!(depth > 0 && activations.len().is_multiple_of(depth), "rounding: activations are not made of whole rows");
    assert!(activations.len() == out.len(), "rounding: sizes do not match");
    InstructionSet::best().run(
        #[inline(always)]
        || {
            let (limit, _) = TRAINED_LIMITS;
            let mut integers = [0u8; GROUP];
            for (row, out) in activations.chunks_exact(depth).zip(out.chunks_exact_mut(depth)) {
                for (group, out) in row.chunks(GROUP).zip(out.chunks_mut(GROUP)) {
                    let [scale, min] = quantise_row(group, limit, &mut integers[..group.len()]);
                    out.iter_mut().zip(integers).for_each(|(x, q)| *x = scale * f32::from(q) + min);
                }
            }
        },
    );
}
