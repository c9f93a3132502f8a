//! Adds products with one vector per distance to the scores of attention.
//!
//! A row of products has a column for each vector. A table names the column of each distance. Distances follow one another,
//! so neighbouring entries of the table are equal, or the second is one larger. The columns of eight neighbouring distances
//! are therefore within eight neighbouring values, and one permutation replaces eight loads.

/// The number of distances that are handled at once.
pub(crate) const BLOCK: usize = 8;

/// Adds `from[table[i]]` to `to[i]`, for `blocks` times [`BLOCK`] values.
///
/// # Safety
/// `table` is readable and `to` is writable for these values. `from` is readable for [`BLOCK`] values from each entry on.
/// Neighbouring entries of `table` are equal, or the second is one larger.
pub(super) unsafe fn add_row(from: *const f32, table: *const u32, blocks: usize, to: *mut f32) {
    for i in 0..blocks * BLOCK {
        // SAFETY: the caller provides these values.
        unsafe { *to.add(i) += *from.add(*table.add(i) as usize) };
    }
}

/// Adds `from[row][table[column - row]]` to `to[column][row]`, for [`BLOCK`] rows and columns.
///
/// # Safety
/// `from` has rows of `from_stride` values. It is readable for [`BLOCK`] rows, and for [`BLOCK`] values from each entry on.
/// `table` is readable for [`BLOCK`] entries from `table - (BLOCK - 1)` to `table`. Neighbouring entries are equal, or the
/// second is one larger. `to` is writable for [`BLOCK`] rows of as many values at its stride.
pub(super) unsafe fn add_block(
    from: *const f32,
    from_stride: usize,
    table: *const u32,
    to: *mut f32,
    to_stride: usize,
) {
    for row in 0..BLOCK {
        for column in 0..BLOCK {
            // SAFETY: the caller provides these values.
            unsafe {
                let entry = *table.sub(row).add(column);
                *to.add(column * to_stride + row) += *from.add(row * from_stride + entry as usize);
            }
        }
    }
}

/// The same with AVX2.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use super::BLOCK;
    use std::arch::x86_64::*;

    /// Returns `from[table[i]]` for eight neighbouring entries.
    ///
    /// # Safety
    /// The machine has AVX2. `table` is readable for eight entries, and `from` for eight values from the first entry on. No
    /// entry is more than seven larger than the first.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn load(from: *const f32, table: *const u32) -> __m256 {
        // SAFETY: the caller provides these values.
        unsafe {
            let first = *table;
            let entries = _mm256_loadu_si256(table.cast());
            let places = _mm256_sub_epi32(entries, _mm256_set1_epi32(first.cast_signed()));
            _mm256_permutevar8x32_ps(_mm256_loadu_ps(from.add(first as usize)), places)
        }
    }

    /// [`add_row`](super::add_row) with AVX2.
    ///
    /// # Safety
    /// The machine has AVX2, and the arguments keep the contract of [`add_row`](super::add_row).
    #[target_feature(enable = "avx2,fma")]
    pub(in crate::tiles) unsafe fn add_row(from: *const f32, table: *const u32, blocks: usize, to: *mut f32) {
        for block in 0..blocks {
            // SAFETY: the caller provides these values.
            unsafe {
                let to = to.add(block * BLOCK);
                _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), load(from, table.add(block * BLOCK))));
            }
        }
    }

    /// [`add_block`](super::add_block) with AVX2.
    ///
    /// # Safety
    /// The machine has AVX2, and the arguments keep the contract of [`add_block`](super::add_block).
    #[target_feature(enable = "avx2,fma")]
    pub(in crate::tiles) unsafe fn add_block(
        from: *const f32,
        from_stride: usize,
        table: *const u32,
        to: *mut f32,
        to_stride: usize,
    ) {
        // SAFETY: the caller provides these values.
        unsafe {
            // Four rows become four pairs of columns, of which each register holds two: c in its lower half, c + 4 in its
            // upper.
            let quarter = |first: usize| {
                let row = |r: usize| load(from.add((first + r) * from_stride), table.sub(first + r));
                let rows = [row(0), row(1), row(2), row(3)];
                let low = [_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpacklo_ps(rows[2], rows[3])];
                let high = [_mm256_unpackhi_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[2], rows[3])];
                [
                    _mm256_shuffle_ps::<0x44>(low[0], low[1]),
                    _mm256_shuffle_ps::<0xee>(low[0], low[1]),
                    _mm256_shuffle_ps::<0x44>(high[0], high[1]),
                    _mm256_shuffle_ps::<0xee>(high[0], high[1]),
                ]
            };
            for (column, (left, right)) in quarter(0).into_iter().zip(quarter(4)).enumerate() {
                let add = |column: usize, values: __m256| {
                    let to = to.add(column * to_stride);
                    _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), values));
                };
                add(column, _mm256_permute2f128_ps::<0x20>(left, right));
                add(column + 4, _mm256_permute2f128_ps::<0x31>(left, right));
            }
        }
    }
}
