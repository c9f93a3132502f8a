//! The vector instructions of the machine, and how plain loops are compiled for them.

use std::fmt;
use std::str::FromStr;

/// A set of vector instructions that kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// Plain Rust, compiled for the baseline of the target.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX2 and FMA with the 256-bit form of VNNI.
    Avx2Vnni,
    /// AVX-512 (F, BW, DQ, VL) with VNNI and BF16.
    Avx512,
}

impl InstructionSet {
    /// All instruction sets, the simplest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx2Vnni, Self::Avx512];

    /// Returns the best instruction set of this machine.
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|set| set.is_available()).unwrap_or(Self::Portable)
    }

    /// Returns whether this machine has the instruction set.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            match self {
                Self::Portable => true,
                Self::Avx2 => avx2,
                Self::Avx2Vnni => avx2 && is_x86_feature_detected!("avxvnni"),
                Self::Avx512 => {
                    avx2 && is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512bw")
                        && is_x86_feature_detected!("avx512dq")
                        && is_x86_feature_detected!("avx512vl")
                        && is_x86_feature_detected!("avx512vnni")
                        && is_x86_feature_detected!("avx512bf16")
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Self::Portable
        }
    }

    /// Runs a closure of plain loops, compiled for this instruction set.
    ///
    /// The closure and everything it calls must be marked `#[inline(always)]`. Rust never fuses a product and a sum by
    /// itself. So the results are the same with every instruction set, unless the closure uses [`Fused`].
    ///
    /// # Panics
    /// If the machine lacks the instruction set.
    #[inline(always)]
    #[cfg_attr(
        target_arch = "x86_64",
        expect(unsafe_code, reason = "calls code that is compiled for more instructions")
    )]
    pub(crate) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        assert!(self.is_available(), "this machine has no {self}");
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2,fma")]
            fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
                work()
            }
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
                work()
            }
            match self {
                Self::Portable => work(),
                // SAFETY: the machine has the instructions (see the assertion above).
                Self::Avx2 | Self::Avx2Vnni => unsafe { with_avx2(work) },
                // SAFETY: as before.
                Self::Avx512 => unsafe { with_avx512(work) },
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            work()
        }
    }
}

/// How a product and a sum are computed. Loops are generic over it, and [`fused!`] chooses the implementation.
pub(crate) trait Arithmetic: Copy {
    /// Returns `a * b + c`.
    fn fma(self, a: f32, b: f32, c: f32) -> f32;
}

/// One instruction, which rounds once.
#[derive(Clone, Copy)]
pub(crate) struct Fused;

/// Two instructions, for targets without a fused one.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Arithmetic for Fused {
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Plain {
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// Runs `$body` compiled for an instruction set, with the fastest `$arithmetic` that it has.
///
/// Everything that the body calls must be `#[inline(always)]`.
macro_rules! fused {
    ($set:expr, |$arithmetic:ident| $body:expr) => {
        match $set {
            // Every AArch64 CPU has the fused instruction.
            set if cfg!(target_arch = "aarch64") || set != $crate::instructions::InstructionSet::Portable => set.run(
                #[inline(always)]
                || {
                    let $arithmetic = $crate::instructions::Fused;
                    $body
                },
            ),
            _ => {
                let $arithmetic = $crate::instructions::Plain;
                $body
            }
        }
    };
}
pub(crate) use fused;

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx2Vnni => "avx2-vnni",
            Self::Avx512 => "avx512",
        })
    }
}

impl FromStr for InstructionSet {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|set| set.to_string() == name)
            .ok_or_else(|| format!("`{name}` is none of portable, avx2, avx2-vnni, avx512"))
    }
}

#[cfg(test)]
mod tests {
    use super::InstructionSet;

    #[test]
    fn displayed_names_are_parsed() {
        for set in InstructionSet::ALL {
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        assert!("sse2".parse::<InstructionSet>().is_err());
    }

    #[test]
    fn best_is_the_last_available_set() {
        let available: Vec<_> = InstructionSet::ALL.into_iter().filter(|set| set.is_available()).collect();
        assert!(InstructionSet::ALL.is_sorted());
        assert_eq!(available.first(), Some(&InstructionSet::Portable));
        assert_eq!(available.last(), Some(&InstructionSet::best()));
    }
}
