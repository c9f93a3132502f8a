//! The softmax of one row of scores.

use crate::exponential::exp;
use crate::instructions::Arithmetic;
use crate::lanes::{LANES, max, total};
use std::ops::Range;

/// Replaces each score that the query sees by `e^((score - largest) * scale)`, and returns the inverse of their sum.
///
/// `seen` are the columns that the query sees. Around them, whole panels of columns are overwritten. So the sum is the same
/// wherever the row of scores starts, as long as it starts with a panel.
#[inline(always)]
pub(super) fn exponentials(
    scores: &mut [f32],
    seen: Range<usize>,
    panel: usize,
    scale: f32,
    a: impl Arithmetic,
) -> f32 {
    let scores = &mut scores[seen.start / panel * panel..seen.end.next_multiple_of(panel)];
    let start = seen.start % panel;
    // The rest of the panels is included, so that the loop works on whole vectors. Its exponentials are at most e^-87, which
    // changes no sum.
    scores[..start].fill(f32::MIN);
    scores[start + seen.len()..].fill(f32::MIN);
    let largest = max(scores);
    let mut sums = [0f32; LANES];
    for chunk in scores.as_chunks_mut::<LANES>().0 {
        for (s, sum) in chunk.iter_mut().zip(&mut sums) {
            *s = exp((*s - largest) * scale, a);
            *sum += *s;
        }
    }
    1.0 / total(sums)
}
