//! What a head's numbers mean: its labels and the way its logits become probabilities.

use serde::{Deserialize, Serialize};

/// One label of a head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadLabel {
    /// As it is shown.
    pub name: String,
    /// Its code in a public list, such as `medtop:11000000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Sigmoid heads: the probability from which the label is given; 0.5 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
}

/// How a head's logits become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadActivation {
    /// Exactly one label holds; probabilities add up to one.
    Softmax,
    /// Any number of labels hold; each has a probability of its own.
    Sigmoid,
}

impl std::fmt::Display for HeadActivation {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
        })
    }
}

/// A head: a question that the model answers about each article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Name of the question and of the column that its answer goes to.
    pub name: String,
    /// Softmax or sigmoid.
    pub activation: HeadActivation,
    /// Logits are divided by this before the activation; 1 where nothing was calibrated.
    #[serde(default = "one")]
    pub temperature: f32,
    /// Labels in the order of the head's rows.
    #[serde(rename = "label")]
    pub labels: Vec<HeadLabel>,
}

fn one() -> f32 {
    1.0
}

/// A head's raw outputs for one window, one per label.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits(pub Vec<f32>);

/// Probabilities, one per label, each within 0..=1.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities(pub Vec<f32>);

impl Head {
    /// Logits to probabilities, by this head's temperature and activation.
    pub fn probabilities(&self, logits: &Logits) -> Probabilities {
        let scaled = logits.0.iter().map(|x| x / self.temperature);
        match self.activation {
            HeadActivation::Sigmoid => Probabilities(scaled.map(|x| 1.0 / (1.0 + (-x).exp())).collect()),
            HeadActivation::Softmax => {
                let largest = scaled.clone().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = scaled.map(|x| (x - largest).exp()).collect();
                let total: f32 = powers.iter().sum();
                Probabilities(powers.into_iter().map(|p| p / total).collect())
            }
        }
    }

    /// Index of a label by name (exact, else without regard to case) or code.
    pub fn find(&self, label: &str) -> Option<usize> {
        let position = |same: &dyn Fn(&HeadLabel) -> bool| self.labels.iter().position(same);
        position(&|l| l.name == label)
            .or_else(|| position(&|l| l.name.to_lowercase() == label.to_lowercase()))
            .or_else(|| position(&|l| l.code.as_deref() == Some(label)))
    }

    /// The labels' names, in order.
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
    fn softmax_adds_up_and_heeds_the_temperature() {
        let p = head(HeadActivation::Softmax).probabilities(&Logits(vec![1000.0, 998.0]));
        assert!((p.0[0] - 0.731_058_6).abs() < 1e-6 && (p.0[0] + p.0[1] - 1.0).abs() < 1e-6, "{p:?}");
    }

    #[test]
    fn sigmoid_labels_are_independent_and_extremes_stay_numbers() {
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
