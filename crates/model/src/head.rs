//! Classification heads: their labels, and how their logits become probabilities.

use serde::{Deserialize, Serialize};

/// One label of a head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadLabel {
    /// Name of the label.
    pub name: String,
    /// Code of the label in a public vocabulary, such as `medtop:11000000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Sigmoid heads only: the smallest probability at which the label is predicted; 0.5 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
}

/// How a head's logits become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadActivation {
    /// Exactly one label is correct, and the probabilities sum to one.
    Softmax,
    /// Any number of labels can be correct, and each has an independent probability.
    Sigmoid,
    /// None: the scores are the logits, as in a regression.
    None,
}

impl HeadActivation {
    /// All activations.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::Sigmoid, Self::None];

    /// Returns the name, as it is in `newsdesk.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
            Self::None => "none",
        }
    }
}

impl std::fmt::Display for HeadActivation {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A classification head. Each head predicts labels of one kind, such as topics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Name of the head, which is also the name of its output column.
    pub name: String,
    /// The activation function.
    pub activation: HeadActivation,
    /// Divides the logits before the activation; 1 without calibration.
    #[serde(default = "one")]
    pub temperature: f32,
    /// Labels in the order of the head's outputs.
    #[serde(rename = "label")]
    pub labels: Vec<HeadLabel>,
}

/// The default temperature.
fn one() -> f32 {
    1.0
}

/// The raw outputs of a head for one window, one per label.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits(pub Vec<f32>);

/// One probability per label, each within 0..=1. With [`HeadActivation::None`], one logit per label.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities(pub Vec<f32>);

impl Head {
    /// Converts logits to probabilities with the head's temperature and activation.
    pub fn probabilities(&self, logits: &Logits) -> Probabilities {
        let scaled = logits.0.iter().map(|x| x / self.temperature);
        match self.activation {
            HeadActivation::None => Probabilities(scaled.collect()),
            HeadActivation::Sigmoid => Probabilities(scaled.map(|x| 1.0 / (1.0 + (-x).exp())).collect()),
            HeadActivation::Softmax => {
                let largest = scaled.clone().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = scaled.map(|x| (x - largest).exp()).collect();
                let total: f32 = powers.iter().sum();
                Probabilities(powers.into_iter().map(|p| p / total).collect())
            }
        }
    }

    /// Returns the first logit that is no finite number, as it is after the temperature. There are then no probabilities.
    pub(crate) fn not_finite(&self, logits: &Logits) -> Option<f32> {
        logits.0.iter().map(|x| x / self.temperature).find(|x| !x.is_finite())
    }

    /// Returns the index of a label by name or code. An exact name wins over one that differs in case, and both over a
    /// code.
    pub fn find(&self, label: &str) -> Option<usize> {
        let position = |same: &dyn Fn(&HeadLabel) -> bool| self.labels.iter().position(same);
        position(&|l| l.name == label)
            .or_else(|| position(&|l| l.name.to_lowercase() == label.to_lowercase()))
            .or_else(|| position(&|l| l.code.as_deref() == Some(label)))
    }

    /// Returns the names of the labels, in order.
    pub fn names(&self) -> Vec<String> {
        self.labels.iter().map(|l| l.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(activation: HeadActivation) -> Head {
        let label = |name: &str| HeadLabel { name: name.into(), code: Some(format!("code:{name}")), threshold: None };
        Head { name: "desk".into(), activation, temperature: 2.0, labels: vec![label("A"), label("b")] }
    }

    #[test]
    fn softmax_sums_to_one_and_uses_the_temperature() {
        let p = head(HeadActivation::Softmax).probabilities(&Logits(vec![1000.0, 998.0]));
        assert!((p.0[0] - 0.731_058_6).abs() < 1e-6 && (p.0[0] + p.0[1] - 1.0).abs() < 1e-6, "{p:?}");
    }

    #[test]
    fn sigmoid_labels_are_independent_and_extreme_logits_stay_finite() {
        let p = head(HeadActivation::Sigmoid).probabilities(&Logits(vec![-1000.0, 0.0]));
        assert_eq!(p.0, vec![0.0, 0.5]);
    }

    #[test]
    fn labels_are_found_by_name_and_code() {
        let head = head(HeadActivation::Softmax);
        assert_eq!(
            [head.find("A"), head.find("B"), head.find("code:b"), head.find("c")],
            [Some(0), Some(1), Some(1), None]
        );
    }
}
