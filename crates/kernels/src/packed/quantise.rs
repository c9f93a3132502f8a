//! f32 to eight bits and fewer, in groups of neighbours with a range of their own: weights once, activations each time.

/// Quantises a group of one output's weights to `-limit..=limit`: `weight = scale * q`. Returns the scale.
pub(super) fn weights(weights: &[f32], limit: i8, mut put: impl FnMut(usize, i8)) -> f32 {
    let largest = weights.iter().fold(0f32, |largest, w| largest.max(w.abs()));
    let scale = largest / f32::from(limit);
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    // 1.5 * 2^23: what is added to it is rounded to an integer, which stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    for (k, w) in weights.iter().enumerate() {
        put(k, (w * inverse + ROUND).to_bits() as i8);
    }
    scale
}

/// Quantises a group of a row to `0..=limit`: `x = scale * q + least`. Returns scale and least value.
#[inline(always)]
pub(super) fn row(row: &[f32], limit: u8, out: &mut [u8]) -> [f32; 2] {
    const LANES: usize = 16;
    // 2^23: what is added to it is rounded to an integer, which stands in the low bits.
    const ROUND: f32 = 8_388_608.0;
    let (mut least, mut largest) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let chunks = row.chunks_exact(LANES);
    for (lane, &x) in chunks.remainder().iter().enumerate() {
        least[lane] = x;
        largest[lane] = x;
    }
    for chunk in chunks {
        for lane in 0..LANES {
            least[lane] = if chunk[lane] < least[lane] { chunk[lane] } else { least[lane] };
            largest[lane] = if chunk[lane] > largest[lane] { chunk[lane] } else { largest[lane] };
        }
    }
    let least = least.iter().fold(f32::INFINITY, |a, &b| if b < a { b } else { a });
    let largest = largest.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    let range = largest - least;
    let limit = f32::from(limit);
    let inverse = if range > 0.0 { limit / range } else { 0.0 };
    for (q, &x) in out.iter_mut().zip(row) {
        *q = ((x - least) * inverse + ROUND).to_bits() as u8;
    }
    [range / limit, least]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_row_comes_back_within_half_a_step(values in proptest::collection::vec(-50f32..50.0, 1..100), seven: bool) {
            let limit = if seven { 127 } else { 255 };
            let mut out = vec![0; values.len()];
            let [scale, least] = super::row(&values, limit, &mut out);
            for (&q, &x) in out.iter().zip(&values) {
                prop_assert!(q <= limit);
                prop_assert!((scale * f32::from(q) + least - x).abs() <= scale * 0.501 + 1e-5, "{x} became {q}");
            }
        }

        #[test]
        fn weights_come_back_within_half_a_step(values in proptest::collection::vec(-5f32..5.0, 1..100)) {
            let mut out = vec![0i8; values.len()];
            let scale = super::weights(&values, 63, |k, q| out[k] = q);
            for (&q, &x) in out.iter().zip(&values) {
                prop_assert!(q.abs() <= 63 && (scale * f32::from(q) - x).abs() <= scale * 0.501);
            }
        }
    }

    #[test]
    fn a_row_of_one_value_is_exact() {
        let mut out = [9; 5];
        assert_eq!(super::row(&[0.25; 5], 127, &mut out), [0.0, 0.25]);
        assert_eq!(out, [0; 5]);
    }
}
