//! The peak speed of one core: loops of the instructions of the tiles, on registers only.

#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "calls code that is compiled for more instructions"))]

use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::Dtype;

/// Measures billions of operations per second, where a product and a sum are two operations. Returns `None` if there is no
/// loop for the instruction set.
pub fn peak(set: InstructionSet, dtype: Dtype) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if set.is_available() {
        return x86::peak(set, dtype);
    }
    let _ = (set, dtype);
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Dtype, InstructionSet};
    use crate::timing::timed;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// The number of independent sums: enough to keep every unit busy, and few enough for sixteen registers.
    const CHAINS: usize = 12;
    const STEPS: usize = 100_000;
    const ROUNDS: usize = 100;

    pub fn peak(set: InstructionSet, dtype: Dtype) -> Option<f64> {
        use InstructionSet::{Avx2, Avx2Vnni, Avx512, Portable};
        // The operations of a step on one vector, and the loop of steps.
        let (operations, steps): (usize, unsafe fn()) = match (set, dtype) {
            (Portable, _) => return None,
            (Avx512, Dtype::F32) => (2 * 16, f32_avx512),
            (Avx512, Dtype::Bf16) => (2 * 32, bf16_avx512),
            (Avx512, Dtype::Int16) => (2 * 32, int16_avx512),
            (Avx512, Dtype::Int8) => (2 * 64, int8_avx512),
            (Avx2, Dtype::Int16) => (2 * 16, int16_avx2),
            (Avx2Vnni, Dtype::Int16) => (2 * 16, int16_avx2_vnni),
            (Avx2Vnni, Dtype::Int8) => (2 * 32, int8_avx2_vnni),
            (Avx2, Dtype::Int8) => (2 * 64, int8_avx2),
            // bf16 weights are widened and multiplied as f32.
            (Avx2 | Avx2Vnni, Dtype::F32 | Dtype::Bf16) => (2 * 8, f32_avx2),
        };
        // SAFETY: the caller checked that the machine has the instruction set.
        let fastest = (0..ROUNDS).map(|_| timed(|| unsafe { steps() })).min()?;
        Some((operations * CHAINS * STEPS) as f64 / fastest.as_secs_f64() / 1e9)
    }

    /// Defines a loop in which every step updates all the sums.
    macro_rules! steps {
        ($name:ident, $features:literal, $start:expr, |$x:ident, $sum:ident| $step:expr) => {
            #[target_feature(enable = $features)]
            fn $name() {
                let $x = black_box($start);
                let mut sums = [$x; CHAINS];
                for _ in 0..STEPS {
                    for $sum in &mut sums {
                        *$sum = $step;
                    }
                }
                black_box(sums);
            }
        };
    }

    steps!(f32_avx2, "avx2,fma", _mm256_set1_ps(0.5), |x, sum| _mm256_fmadd_ps(*sum, x, x));
    steps!(int16_avx2, "avx2,fma", _mm256_set1_epi16(1), |x, sum| _mm256_add_epi32(*sum, _mm256_madd_epi16(x, *sum)));
    // Without VNNI, 64 products are two `vpmaddubsw`, `vpaddw`, `vpmaddwd` and `vpaddd`, as in the tile.
    steps!(int8_avx2, "avx2,fma", _mm256_set1_epi8(1), |x, sum| {
        let products = _mm256_add_epi16(_mm256_maddubs_epi16(x, *sum), _mm256_maddubs_epi16(*sum, x));
        _mm256_add_epi32(*sum, _mm256_madd_epi16(products, x))
    });
    steps!(int16_avx2_vnni, "avx2,avxvnni", _mm256_set1_epi16(1), |x, sum| _mm256_dpwssd_avx_epi32(*sum, x, x));
    steps!(int8_avx2_vnni, "avx2,avxvnni", _mm256_set1_epi8(1), |x, sum| _mm256_dpbusd_avx_epi32(*sum, x, x));
    steps!(f32_avx512, "avx512f", _mm512_set1_ps(0.5), |x, sum| _mm512_fmadd_ps(*sum, x, x));
    steps!(bf16_avx512, "avx512f,avx512bf16", _mm512_set1_ps(0.5), |x, sum| {
        // SAFETY: vectors of f32 and of bf16 pairs are the same 512 bits.
        let pairs = unsafe { std::mem::transmute::<__m512, __m512bh>(x) };
        _mm512_dpbf16_ps(*sum, pairs, pairs)
    });
    steps!(int16_avx512, "avx512f,avx512vnni", _mm512_set1_epi16(1), |x, sum| _mm512_dpwssd_epi32(*sum, x, x));
    steps!(int8_avx512, "avx512f,avx512vnni", _mm512_set1_epi8(1), |x, sum| _mm512_dpbusd_epi32(*sum, x, x));
}
