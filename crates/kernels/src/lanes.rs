//! Sums over a row in 16 lanes, in a fixed order. They are fast and bit-identical on every vector width.

/// The number of running sums of a row. The columns of an attention panel are a multiple of it.
pub(crate) const LANES: usize = 16;

/// Returns the sum of `f(a[i], b[i])` over two rows of equal length.
#[inline(always)]
pub(crate) fn sum_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (a_rest, b_rest) = (a_chunks.remainder(), b_chunks.remainder());
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += f(x[lane], y[lane]);
        }
    }
    for (lane, (&x, &y)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += f(x, y);
    }
    total(sums)
}

/// Returns the sum of the lanes. Pairwise (tree) reduction: four vector additions instead of fifteen scalar ones.
#[inline(always)]
pub(crate) fn total(mut sums: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// Returns the sum of `f(row[i])` over one row.
#[inline(always)]
pub(crate) fn sum(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    sum_pairs(row, row, |x, _| f(x))
}

/// Returns the largest value of a row, or minus infinity for an empty row.
#[inline(always)]
pub(crate) fn max(row: &[f32]) -> f32 {
    extremes(row).1
}

/// Returns the smallest and the largest value of a row, or infinity and minus infinity for an empty row. A NaN may be the result or
/// be passed over.
#[inline(always)]
pub(crate) fn extremes(row: &[f32]) -> (f32, f32) {
    let least = |a: f32, b: f32| if b < a { b } else { a };
    let most = |a: f32, b: f32| if b > a { b } else { a };
    let (mut smallest, mut largest) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let (chunks, rest) = row.as_chunks::<LANES>();
    for x in chunks {
        for lane in 0..LANES {
            smallest[lane] = least(smallest[lane], x[lane]);
            largest[lane] = most(largest[lane], x[lane]);
        }
    }
    for (lane, &x) in rest.iter().enumerate() {
        smallest[lane] = least(smallest[lane], x);
        largest[lane] = most(largest[lane], x);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            smallest[lane] = least(smallest[lane], smallest[lane + half]);
            largest[lane] = most(largest[lane], largest[lane + half]);
        }
        half /= 2;
    }
    (smallest[0], largest[0])
}
