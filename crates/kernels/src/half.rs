//! Conversions of bf16, which is the upper half of an f32.

/// Widens a bf16 to f32.
#[inline(always)]
pub(crate) fn widen(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

/// Rounds to the nearest bf16, ties to even. NaN is not supported.
#[inline(always)]
pub(crate) fn narrow(x: f32) -> u16 {
    let bits = x.to_bits();
    let round = 0x7fff + ((bits >> 16) & 1);
    (bits.wrapping_add(round) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest_with_ties_to_even() {
        assert_eq!(widen(narrow(1.0)), 1.0);
        // 1 + 2^-8 lies between 1 and 1 + 2^-7; the even one is 1.
        assert_eq!(widen(narrow(1.003_906_3)), 1.0);
        assert_eq!(widen(narrow(1.011_718_8)), 1.015_625);
        for i in 1..1000 {
            let x = i as f32 * 0.37;
            assert!((widen(narrow(x)) / x - 1.0).abs() <= 1.0 / 256.0, "{x}");
        }
    }
}
