//! Rows of a matrix inside a larger one.

/// Rows of a matrix that start `stride` elements apart.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    /// The values, from the first element of the first row.
    pub values: &'a [f32],
    /// The number of elements from one row to the next.
    pub stride: usize,
}

impl Strided<'_> {
    /// Returns whether the slice holds `rows` rows of `width` values.
    pub(super) fn has_rows(&self, rows: usize, width: usize) -> bool {
        let end = |last: usize| last.checked_mul(self.stride)?.checked_add(width);
        rows.checked_sub(1).is_none_or(|last| end(last).is_some_and(|end| end <= self.values.len()))
    }

    /// Returns the rows from `row` on, without their first `column` values.
    #[inline(always)]
    pub(super) fn from(&self, row: usize, column: usize) -> Self {
        Self { values: &self.values[row * self.stride + column..], stride: self.stride }
    }
}
