//! Certificates: measurements that show a dtype to be accurate enough for a model.

use crate::dtype::Dtype;
use newsdesk_kernels::instructions::InstructionSet;
use serde::{Deserialize, Serialize};

/// Tolerance for rounding errors, in percentage points. One prediction in a million is 1e-4 percentage points.
const ROUNDING: f64 = 1e-9;

/// The correct predictions that a dtype may lose on any data set, however small it is: the two that a dtype with the same accuracy
/// loses by chance.
const ALLOWED_PREDICTIONS: f64 = 2.0;

/// A limit in percentage points that allows any loss.
const EVERYTHING: f64 = 100.0;

/// The p-value below which a loss is significant.
const SIGNIFICANCE: f64 = 0.05;

/// The measurement of a dtype against f32 on labelled articles.
///
/// Older files call `dtype` `precision` and `max_accuracy_drop` `max_loss`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The measured dtype.
    #[serde(with = "name", alias = "precision")]
    pub dtype: Dtype,
    /// Bits of an activation in this dtype on the measuring machine. The certificate covers machines with as many or
    /// more.
    pub activation_bits: u32,
    /// The accuracy that may be lost over all figures together, in percentage points. Each figure may also lose two correct
    /// predictions.
    #[serde(alias = "max_loss")]
    pub max_accuracy_drop: f64,
    /// The measurement of each data set and head.
    #[serde(default, rename = "figure")]
    pub figures: Vec<CertificateFigure>,
}

/// One head in a dtype and in f32 on the same articles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFigure {
    /// Name of the data set.
    pub set: String,
    /// Name of its split.
    pub split: String,
    /// Name of the head.
    pub head: String,
    /// Number of articles.
    pub articles: u64,
    /// Share of correct predictions in the dtype.
    pub accuracy: f64,
    /// Share of correct predictions in f32.
    pub accuracy_f32: f64,
    /// Share of articles with the same prediction in both.
    pub agreement: f64,
    /// Largest difference of any label's score from f32.
    pub largest_change: f64,
    /// Two-sided p-value of McNemar's exact test on which predictions are correct; 1 in files of older versions, which lack it.
    #[serde(default = "not_significant")]
    pub p: f64,
}

fn not_significant() -> f64 {
    1.0
}

/// Why a measurement does not certify a dtype.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refusal<'a> {
    /// A figure loses more accuracy than allowed.
    Figure(&'a CertificateFigure),
    /// A figure loses no more than allowed, but significantly.
    Significant(&'a CertificateFigure),
    /// All figures together lose more accuracy than allowed: this many percentage points.
    All(f64),
}

impl CertificateFigure {
    /// Returns the accuracy lost against f32 in percentage points; negative if the dtype gives more correct
    /// predictions.
    pub fn accuracy_drop(&self) -> f64 {
        100.0 * (self.accuracy_f32 - self.accuracy)
    }
}

impl Certificate {
    /// Returns why this measurement does not certify the dtype; empty if it does.
    ///
    /// All figures together may lose [`Self::max_accuracy_drop`]. Each may lose the larger of that and two correct predictions,
    /// unless nothing may be lost at all, and its loss must not be significant. If everything may be lost, that does not matter.
    pub fn refusals(&self) -> Vec<Refusal<'_>> {
        let failing: Vec<Refusal> = self.figures.iter().filter_map(|figure| self.refusal(figure)).collect();
        if !failing.is_empty() {
            return failing;
        }
        let articles: u64 = self.figures.iter().map(|figure| figure.articles).sum();
        let lost: f64 = self.figures.iter().map(|figure| figure.accuracy_drop() * figure.articles as f64).sum();
        let drop = lost / articles.max(1) as f64;
        if drop > self.max_accuracy_drop + ROUNDING { vec![Refusal::All(drop)] } else { vec![] }
    }

    /// Returns why a figure denies the certificate, if it does.
    fn refusal<'a>(&self, figure: &'a CertificateFigure) -> Option<Refusal<'a>> {
        let of_few = 100.0 * ALLOWED_PREDICTIONS / figure.articles.max(1) as f64;
        let allowed = if self.max_accuracy_drop > 0.0 { self.max_accuracy_drop.max(of_few) } else { 0.0 };
        if figure.accuracy_drop() > allowed + ROUNDING {
            return Some(Refusal::Figure(figure));
        }
        let is_significant = figure.accuracy_drop() > 0.0 && figure.p < SIGNIFICANCE;
        (is_significant && self.max_accuracy_drop < EVERYTHING).then_some(Refusal::Significant(figure))
    }

    /// Rounds the figures for storage. Six decimals distinguish one article in a million.
    fn rounded(&self) -> Self {
        let round = |x: f64| (x * 1e6).round() / 1e6;
        let figure = |figure: &CertificateFigure| CertificateFigure {
            accuracy: round(figure.accuracy),
            accuracy_f32: round(figure.accuracy_f32),
            agreement: round(figure.agreement),
            largest_change: round(figure.largest_change),
            p: round(figure.p),
            ..figure.clone()
        };
        Self { figures: self.figures.iter().map(figure).collect(), ..self.clone() }
    }

    /// Returns whether the certificate applies to a dtype on an instruction set.
    pub fn covers(&self, dtype: Dtype, set: InstructionSet) -> bool {
        self.dtype == dtype && self.activation_bits <= dtype.activation_bits(set)
    }
}

/// Records a measurement and returns whether it certifies the dtype.
///
/// A passed measurement replaces the certificate for the same number of activation bits. A failed one removes the
/// certificates for the same or fewer bits, because they would cover what was measured.
pub(crate) fn certify(certificates: &mut Vec<Certificate>, measured: &Certificate) -> bool {
    let certified = measured.refusals().is_empty();
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

/// Returns the fastest certified dtype on an instruction set, or f32 if none is certified.
pub(crate) fn fastest_certified(certificates: &[Certificate], set: InstructionSet) -> Dtype {
    let certified = |&dtype: &Dtype| certificates.iter().any(|c| c.covers(dtype, set));
    Dtype::faster_than_f32(set).iter().copied().find(certified).unwrap_or(Dtype::F32)
}

/// Serialises a dtype by its name.
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
        Certificate { dtype, activation_bits, max_accuracy_drop: 0.2, figures: vec![] }
    }

    #[test]
    fn auto_chooses_only_certified_dtypes() {
        use Dtype::{Bf16, F32, Int8, Int16};
        use InstructionSet::{Avx2, Avx512, Portable};
        assert_eq!(fastest_certified(&[], Avx512), F32);
        let all = [certificate(Int8, 7), certificate(Bf16, 16)];
        assert_eq!([Portable, Avx2, Avx512].map(|set| fastest_certified(&all, set)), [F32, Int8, Int8]);
        // A measurement with eight bits does not cover a machine with seven.
        let eight = [certificate(Int8, 8), certificate(Bf16, 16)];
        assert_eq!([Avx2, Avx512].map(|set| fastest_certified(&eight, set)), [F32, Int8]);
        // The measuring machine rounded only the weights; this one rounds activations as well.
        assert_eq!(fastest_certified(&[certificate(Bf16, 32)], Avx512), F32);
        let exact = [certificate(Int16, 12), certificate(Int8, 8)];
        assert_eq!([Portable, Avx2, Avx512].map(|set| fastest_certified(&exact, set)), [F32, Int16, Int8]);
    }

    /// Returns a measurement on 1500 and on 500 articles, with these numbers of correct predictions.
    fn measured(dtype: Dtype, activation_bits: u32, correct: [u64; 2]) -> Certificate {
        let figure = |set: &str, articles: u64, correct: u64, correct_f32: u64| CertificateFigure {
            set: set.into(),
            split: "validation".into(),
            head: "topic".into(),
            articles,
            accuracy: correct as f64 / articles as f64,
            accuracy_f32: correct_f32 as f64 / articles as f64,
            agreement: 2.0 / 3.0,
            largest_change: 0.012_345_678_9,
            p: 0.5,
        };
        let figures = vec![figure("large", 1500, correct[0], 1000), figure("small", 500, correct[1], 400)];
        Certificate { figures, ..certificate(dtype, activation_bits) }
    }

    /// Returns the data sets with a refusal; `all` for all together.
    fn refused(measured: &Certificate) -> Vec<String> {
        let name = |refusal: &Refusal| match refusal {
            Refusal::Figure(figure) => figure.set.clone(),
            Refusal::Significant(figure) => format!("{}, significantly", figure.set),
            Refusal::All(_) => "all".into(),
        };
        measured.refusals().iter().map(name).collect()
    }

    #[test]
    fn each_data_set_and_head_must_pass() {
        let failing = |correct: [u64; 2]| refused(&measured(Dtype::Int8, 8, correct));
        assert!(failing([1000, 400]).is_empty());
        // Three of 1500 and one of 500 are exactly the allowed 0.2 points, however the fractions are rounded.
        assert!(failing([997, 399]).is_empty());
        assert_eq!(failing([996, 399]), ["large"]);
        // Two predictions may be lost on any data set, but not 0.2 points of all articles.
        assert!(failing([1000, 398]).is_empty());
        assert_eq!(failing([997, 398]), ["all"]);
        // A gain on one data set does not make up for a loss on another.
        assert_eq!(failing([1500, 397]), ["small"]);
        assert_eq!(failing([996, 397]), ["large", "small"]);
        let zero = Certificate { max_accuracy_drop: 0.0, ..measured(Dtype::Int8, 8, [1000, 399]) };
        assert_eq!(refused(&zero), ["small"]);
        assert!((measured(Dtype::Int8, 8, [996, 400]).figures[0].accuracy_drop() - 4.0 / 15.0).abs() < 1e-9);
    }

    #[test]
    fn a_significant_loss_is_refused_however_small_it_is() {
        let mut found = measured(Dtype::Int8, 8, [998, 400]);
        assert!(refused(&found).is_empty());
        found.figures[0].p = 0.04;
        assert_eq!(refused(&found), ["large, significantly"]);
        found.max_accuracy_drop = 100.0;
        assert!(refused(&found).is_empty());
        // A significant gain is none.
        let mut better = measured(Dtype::Int8, 8, [1010, 400]);
        better.figures[0].p = 0.001;
        assert!(refused(&better).is_empty());
    }

    #[test]
    fn a_measurement_replaces_older_certificates_of_its_dtype() {
        use Dtype::{Bf16, Int8};
        let (good, bad) = ([1000, 400], [900, 400]);
        let known = |all: &[Certificate]| all.iter().map(|c| (c.dtype, c.activation_bits)).collect::<Vec<_>>();
        let mut all = vec![];
        assert!(certify(&mut all, &measured(Int8, 8, good)));
        assert!(certify(&mut all, &measured(Bf16, 16, [999, 400])));
        assert_eq!(known(&all), [(Bf16, 16), (Int8, 8)]);
        assert_eq!(all[0].figures[0].accuracy, 0.666);
        assert_eq!((all[0].figures[0].accuracy_f32, all[0].figures[0].largest_change), (0.666667, 0.012346));
        // The newer measurement wins for equal bits; certificates for other bits are kept.
        assert!(certify(&mut all, &measured(Bf16, 16, good)));
        assert!(certify(&mut all, &measured(Int8, 7, good)));
        assert_eq!(known(&all), [(Bf16, 16), (Int8, 7), (Int8, 8)]);
        assert_eq!(all[0].figures[0].accuracy, 0.666667);
        // If seven bits fail, eight may still pass. If eight fail, seven fail as well.
        assert!(!certify(&mut all, &measured(Int8, 7, bad)));
        assert_eq!(known(&all), [(Bf16, 16), (Int8, 8)]);
        assert!(certify(&mut all, &measured(Int8, 7, good)));
        assert!(!certify(&mut all, &measured(Int8, 8, bad)));
        assert_eq!(known(&all), [(Bf16, 16)]);
    }
}
