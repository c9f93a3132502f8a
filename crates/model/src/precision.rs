//! Which precision a model runs in on a processor: what was asked for, or the fastest that its manifest certifies.

use newsdesk_kernels::instructions::InstructionSet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

pub use newsdesk_kernels::packed::Precision;

/// A precision as a user asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrecisionChoice {
    /// The fastest that the model's manifest certifies.
    #[default]
    Auto,
    /// This one.
    Exactly(Precision),
}

impl FromStr for PrecisionChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().map(Self::Exactly).map_err(|_| format!("`{text}` is none of auto, f32, bf16, int8")),
        }
    }
}

impl fmt::Display for PrecisionChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exactly(precision) => precision.fmt(f),
        }
    }
}

/// That a precision was measured against f32 on labelled articles and found good enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The precision.
    #[serde(with = "name")]
    pub precision: Precision,
    /// Bits of an activation in it on the machine that measured; fewer on another machine are not covered.
    pub activation_bits: u32,
    /// Most accuracy that it was allowed to lose on any head, in points of a hundred.
    pub max_loss: f64,
    /// What was measured, by set and head.
    #[serde(default, rename = "figure")]
    pub figures: Vec<CertificateFigure>,
}

/// One head's figures in a precision and in f32, on the same articles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFigure {
    /// The set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// The head.
    pub head: String,
    /// Articles.
    pub articles: u64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Share of right answers in f32.
    pub accuracy_f32: f64,
    /// Share of articles whose answer is the same as in f32.
    pub agreement: f64,
    /// Largest difference of any label's score from f32.
    pub largest_change: f64,
}

impl Certificate {
    /// Whether it says something about the precision on this instruction set.
    pub fn covers(&self, precision: Precision, set: InstructionSet) -> bool {
        self.precision == precision && self.activation_bits <= precision.activation_bits(set)
    }
}

/// The fastest precision on an instruction set that is f32 or certified.
pub(crate) fn fastest_certified(certificates: &[Certificate], set: InstructionSet) -> Precision {
    let certified = |&precision: &Precision| certificates.iter().any(|c| c.covers(precision, set));
    Precision::faster_than_f32(set).iter().copied().find(certified).unwrap_or(Precision::F32)
}

mod name {
    use super::Precision;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(precision: &Precision, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(precision)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Precision, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(precision: Precision, activation_bits: u32) -> Certificate {
        Certificate { precision, activation_bits, max_loss: 0.2, figures: vec![] }
    }

    #[test]
    fn only_what_is_certified_is_chosen() {
        use InstructionSet::{Avx2, Avx512, Portable};
        use Precision::{Bf16, F32, Int8};
        assert_eq!(fastest_certified(&[], Avx512), F32);
        let all = [certificate(Int8, 7), certificate(Bf16, 16)];
        assert_eq!([Portable, Avx2, Avx512].map(|set| fastest_certified(&all, set)), [F32, Int8, Int8]);
        // Eight bits were measured; seven are less.
        let eight = [certificate(Int8, 8), certificate(Bf16, 16)];
        assert_eq!([Avx2, Avx512].map(|set| fastest_certified(&eight, set)), [F32, Int8]);
        // Only the weights were rounded where it was measured.
        assert_eq!(fastest_certified(&[certificate(Bf16, 32)], Avx512), F32);
    }

    #[test]
    fn names_are_read_and_shown() {
        for name in ["auto", "f32", "bf16", "int8"] {
            assert_eq!(name.parse::<PrecisionChoice>().map(|p| p.to_string()), Ok(name.to_string()));
        }
        assert!("fp16".parse::<PrecisionChoice>().is_err());
    }
}
