//! A bias of the scores that depends on the distance from query to key, as in T5 and MPNet.

use std::ops::Range;

/// For each head, a number per distance that is added to the scores.
pub struct DistanceBias {
    /// `[heads, 2 * max_length - 1]`, divided by the scale that multiplies the scores.
    values: Vec<f32>,
    pub(super) heads: usize,
    pub(super) max_length: usize,
    pub(super) scale: f32,
}

impl DistanceBias {
    /// Prepares the bias for scores that are multiplied by `scale`. The bias itself is not multiplied.
    ///
    /// `values` is `[heads, 2 * max_length - 1]`. The entry of a query and a key is `key - query + max_length - 1`.
    ///
    /// # Panics
    /// If `values` has another size, or if `scale` is not positive.
    pub fn new(values: &[f32], heads: usize, scale: f32) -> Self {
        assert!(scale > 0.0, "distance bias: the scale is not positive");
        assert!(heads > 0 && values.len().is_multiple_of(heads), "distance bias: a head has no whole row");
        let distances = values.len() / heads;
        assert!(distances % 2 == 1, "distance bias: a row does not hold 2 * max_length - 1 values");
        let values = values.iter().map(|&value| value / scale).collect();
        Self { values, heads, max_length: distances.div_ceil(2), scale }
    }

    /// Adds the bias of a head to the scores of a query with some neighbouring keys.
    #[inline(always)]
    pub(super) fn add(&self, head: usize, query: usize, keys: Range<usize>, scores: &mut [f32]) {
        let distances = 2 * self.max_length - 1;
        let first = head * distances + (self.max_length - 1 - query) + keys.start;
        let values = &self.values[first..][..keys.len()];
        for (score, value) in scores[..keys.len()].iter_mut().zip(values) {
            *score += value;
        }
    }
}
