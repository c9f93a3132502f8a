//! Which dtype a model runs in on a processor: what was asked for, or the fastest that its manifest certifies.

use newsdesk_kernels::instructions::InstructionSet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

pub use newsdesk_kernels::packed::Dtype;

/// Points of a hundred that may come of rounding fractions. One answer of a million is a hundred thousand times that.
const ROUNDING: f64 = 1e-9;

/// A dtype as a user asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DtypeChoice {
    /// The fastest that the model's manifest certifies.
    #[default]
    Auto,
    /// This one.
    Exactly(Dtype),
}

impl FromStr for DtypeChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => {
                text.parse().map(Self::Exactly).map_err(|_| format!("`{text}` is none of auto, f32, int16, bf16, int8"))
            }
        }
    }
}

impl fmt::Display for DtypeChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exactly(dtype) => dtype.fmt(f),
        }
    }
}

/// That a dtype was measured against f32 on labelled articles and found good enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The dtype.
    #[serde(with = "name", alias = "precision")]
    pub dtype: Dtype,
    /// Bits of an activation in it on the machine that measured; fewer on another machine are not covered.
    pub activation_bits: u32,
    /// Most accuracy that it was allowed to lose on any head, in points of a hundred.
    pub max_loss: f64,
    /// What was measured, by set and head.
    #[serde(default, rename = "figure")]
    pub figures: Vec<CertificateFigure>,
}

/// One head's figures in a dtype and in f32, on the same articles.
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

impl CertificateFigure {
    /// The accuracy that is lost, in points of a hundred; below zero where more answers are right than in f32.
    pub fn loss(&self) -> f64 {
        100.0 * (self.accuracy_f32 - self.accuracy)
    }
}

impl Certificate {
    /// The figures that lose more than is allowed. One of them is enough for the dtype not to be certified.
    pub fn beyond(&self) -> impl Iterator<Item = &CertificateFigure> {
        self.figures.iter().filter(|figure| figure.loss() > self.max_loss + ROUNDING)
    }

    /// As it is stored: six decimals tell one article of a million.
    fn rounded(&self) -> Self {
        let round = |x: f64| (x * 1e6).round() / 1e6;
        let figure = |figure: &CertificateFigure| CertificateFigure {
            accuracy: round(figure.accuracy),
            accuracy_f32: round(figure.accuracy_f32),
            agreement: round(figure.agreement),
            largest_change: round(figure.largest_change),
            ..figure.clone()
        };
        Self { figures: self.figures.iter().map(figure).collect(), ..self.clone() }
    }

    /// Whether it says something about the dtype on this instruction set.
    pub fn covers(&self, dtype: Dtype, set: InstructionSet) -> bool {
        self.dtype == dtype && self.activation_bits <= dtype.activation_bits(set)
    }
}

/// Takes up what was measured of a dtype, and says whether that certifies it. If so, it replaces the certificate for
/// as many bits of an activation; if not, those for as many or fewer go, since they would cover what was measured.
pub(crate) fn certify(certificates: &mut Vec<Certificate>, measured: &Certificate) -> bool {
    let certified = measured.beyond().next().is_none();
    certificates.retain(|known| {
        let (bits, measured_bits) = (known.activation_bits, measured.activation_bits);
        known.dtype != measured.dtype || if certified { bits != measured_bits } else { bits > measured_bits }
    });
    if certified {
        certificates.push(measured.rounded());
        certificates.sort_by_key(|certificate| (certificate.dtype, certificate.activation_bits));
    }
    certified
}

/// The fastest dtype on an instruction set that is f32 or certified.
pub(crate) fn fastest_certified(certificates: &[Certificate], set: InstructionSet) -> Dtype {
    let certified = |&dtype: &Dtype| certificates.iter().any(|c| c.covers(dtype, set));
    Dtype::faster_than_f32(set).iter().copied().find(certified).unwrap_or(Dtype::F32)
}

mod name {
    use super::Dtype;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(dtype: &Dtype, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(dtype)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Dtype, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(dtype: Dtype, activation_bits: u32) -> Certificate {
        Certificate { dtype, activation_bits, max_loss: 0.2, figures: vec![] }
    }

    #[test]
    fn only_what_is_certified_is_chosen() {
        use Dtype::{Bf16, F32, Int8, Int16};
        use InstructionSet::{Avx2, Avx512, Portable};
        assert_eq!(fastest_certified(&[], Avx512), F32);
        let all = [certificate(Int8, 7), certificate(Bf16, 16)];
        assert_eq!([Portable, Avx2, Avx512].map(|set| fastest_certified(&all, set)), [F32, Int8, Int8]);
        // Eight bits were measured; seven are less.
        let eight = [certificate(Int8, 8), certificate(Bf16, 16)];
        assert_eq!([Avx2, Avx512].map(|set| fastest_certified(&eight, set)), [F32, Int8]);
        // Only the weights were rounded where it was measured.
        assert_eq!(fastest_certified(&[certificate(Bf16, 32)], Avx512), F32);
        let exact = [certificate(Int16, 12), certificate(Int8, 8)];
        assert_eq!([Portable, Avx2, Avx512].map(|set| fastest_certified(&exact, set)), [F32, Int16, Int8]);
    }

    /// Measured on a set of 1500 articles and on one of 500, with so many right answers.
    fn measured(dtype: Dtype, activation_bits: u32, right: [u64; 2]) -> Certificate {
        let figure = |set: &str, articles: u64, right: u64, right_f32: u64| CertificateFigure {
            set: set.into(),
            split: "validation".into(),
            head: "topic".into(),
            articles,
            accuracy: right as f64 / articles as f64,
            accuracy_f32: right_f32 as f64 / articles as f64,
            agreement: 2.0 / 3.0,
            largest_change: 0.012_345_678_9,
        };
        let figures = vec![figure("large", 1500, right[0], 1000), figure("small", 500, right[1], 400)];
        Certificate { figures, ..certificate(dtype, activation_bits) }
    }

    #[test]
    fn a_loss_on_any_head_of_any_set_is_one() {
        let beyond = |right: [u64; 2]| -> Vec<String> {
            measured(Dtype::Int8, 8, right).beyond().map(|figure| figure.set.clone()).collect()
        };
        assert!(beyond([1000, 400]).is_empty());
        // Three of 1500 and one of 500 are the 0.2 points that may be lost, however the fractions are rounded.
        assert!(beyond([997, 399]).is_empty());
        assert_eq!(beyond([996, 399]), ["large"]);
        // What is won on one set does not pay for what is lost on another.
        assert_eq!(beyond([1500, 398]), ["small"]);
        assert_eq!(beyond([996, 398]), ["large", "small"]);
        let nothing = Certificate { max_loss: 0.0, ..measured(Dtype::Int8, 8, [1000, 399]) };
        assert_eq!(nothing.beyond().map(|figure| figure.set.as_str()).collect::<Vec<_>>(), ["small"]);
        assert!((measured(Dtype::Int8, 8, [996, 400]).figures[0].loss() - 4.0 / 15.0).abs() < 1e-9);
    }

    #[test]
    fn a_measurement_replaces_what_was_known_of_its_precision() {
        use Dtype::{Bf16, Int8};
        let (good, bad) = ([1000, 400], [900, 400]);
        let known = |all: &[Certificate]| all.iter().map(|c| (c.dtype, c.activation_bits)).collect::<Vec<_>>();
        let mut all = vec![];
        assert!(certify(&mut all, &measured(Int8, 8, good)));
        assert!(certify(&mut all, &measured(Bf16, 16, [999, 400])));
        assert_eq!(known(&all), [(Bf16, 16), (Int8, 8)]);
        assert_eq!(all[0].figures[0].accuracy, 0.666);
        assert_eq!((all[0].figures[0].accuracy_f32, all[0].figures[0].largest_change), (0.666667, 0.012346));
        // The newer figures of the same bits; those of other bits beside them.
        assert!(certify(&mut all, &measured(Bf16, 16, good)));
        assert!(certify(&mut all, &measured(Int8, 7, good)));
        assert_eq!(known(&all), [(Bf16, 16), (Int8, 7), (Int8, 8)]);
        assert_eq!(all[0].figures[0].accuracy, 0.666667);
        // Seven bits are too few, eight may be enough. If eight are too few, seven are.
        assert!(!certify(&mut all, &measured(Int8, 7, bad)));
        assert_eq!(known(&all), [(Bf16, 16), (Int8, 8)]);
        assert!(certify(&mut all, &measured(Int8, 7, good)));
        assert!(!certify(&mut all, &measured(Int8, 8, bad)));
        assert_eq!(known(&all), [(Bf16, 16)]);
    }

    #[test]
    fn names_are_read_and_shown() {
        for name in ["auto", "f32", "int16", "bf16", "int8"] {
            assert_eq!(name.parse::<DtypeChoice>().map(|p| p.to_string()), Ok(name.to_string()));
        }
        assert!("fp16".parse::<DtypeChoice>().is_err());
    }
}
