//! Which vector instructions the machine has, and how plain loops are compiled for them.

use std::fmt;
use std::str::FromStr;

/// A family of vector instructions that kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// Whatever the compiler makes of plain Rust.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX2 and FMA with the 256-bit form of VNNI.
    Avx2Vnni,
    /// AVX-512 (F, BW, DQ, VL) with VNNI and BF16.
    Avx512,
}

impl InstructionSet {
    /// All of them, the plainest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx2Vnni, Self::Avx512];

    /// The best one of this machine.
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|set| set.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this machine has it.
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

    /// Runs a closure of plain loops, compiled for this set. The closure must be marked `#[inline(always)]`, and so
    /// must all that it calls. Rust never fuses a product and a sum by itself, so the results are the same on each.
    ///
    /// # Panics
    /// If this machine does not have the set.
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
                // SAFETY: the machine has the instructions, see above.
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

/// How a product and a sum are computed: loops are generic over it, and [`fused!`] chooses.
pub(crate) trait Arithmetic: Copy {
    /// `a * b + c`
    fn fma(self, a: f32, b: f32, c: f32) -> f32;
}

/// In one instruction, rounded once.
#[derive(Clone, Copy)]
pub(crate) struct Fused;

/// In two, for machines where the compiler knows of no such instruction.
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

/// Runs `$body` compiled for an instruction set, with `$arithmetic` as fast as it has it. All that the body calls must be
/// `#[inline(always)]`.
macro_rules! fused {
    ($set:expr, |$arithmetic:ident| $body:expr) => {
        match $set {
            // Every processor of this kind has the instruction.
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
    fn names_are_read_and_shown() {
        for set in InstructionSet::ALL {
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        assert!("sse2".parse::<InstructionSet>().is_err());
    }

    #[test]
    fn plain_rust_is_always_there() {
        assert!(InstructionSet::Portable.is_available() && InstructionSet::best().is_available());
    }
}
