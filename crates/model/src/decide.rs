//! Combines the probabilities of an article's windows into one prediction per head.

use crate::head::{Head, HeadActivation, Probabilities};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the predictions of an article's windows become one prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// The mean of the windows' probabilities, each weighted by its number of new tokens.
    #[default]
    Mean,
    /// The largest probability of each label, scaled to sum to one on softmax heads.
    Max,
}

impl std::fmt::Display for Combine {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mean => "mean",
            Self::Max => "max",
        })
    }
}

/// The prediction for one article.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// One prediction per head, in the order of the model's heads.
    pub heads: Vec<HeadPrediction>,
    /// Number of windows.
    pub windows: usize,
    /// Number of tokens that the model read, without special tokens. This is the whole article unless the number of
    /// windows is limited.
    pub tokens: usize,
}

impl Prediction {
    /// Returns the prediction of the head with this name.
    pub fn head(&self, name: &str) -> Option<&HeadPrediction> {
        self.heads.iter().find(|prediction| prediction.head.name == name)
    }
}

/// The prediction of one head for one article.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadPrediction {
    /// The head.
    pub head: Arc<Head>,
    /// Probability of each label, in the order of the head's labels.
    pub probabilities: Probabilities,
}

/// A label with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredLabel<'a> {
    /// Index among the head's labels.
    pub index: usize,
    /// Name of the label.
    pub name: &'a str,
    /// Code of the label, if it has one.
    pub code: Option<&'a str>,
    /// Probability, within 0..=1; the logit if the head has no activation.
    pub score: f32,
}

impl HeadPrediction {
    /// Returns the name of the head.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    fn scored(&self, index: usize) -> ScoredLabel<'_> {
        let label = &self.head.labels[index];
        ScoredLabel { index, name: &label.name, code: label.code.as_deref(), score: self.probabilities.0[index] }
    }

    /// Returns all labels, the most probable first.
    pub fn ranked(&self) -> Vec<ScoredLabel<'_>> {
        let mut all: Vec<_> = (0..self.head.labels.len()).map(|i| self.scored(i)).collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        all
    }

    /// Returns the most probable label. It is `None` only for a head without labels, which no opened model has.
    pub fn best(&self) -> Option<ScoredLabel<'_>> {
        self.ranked().into_iter().next()
    }

    /// Returns the predicted labels, the most probable first. A softmax head, or one without activation, predicts its best
    /// label. A sigmoid head predicts every label whose score reaches its threshold, possibly none.
    pub fn predicted(&self) -> Vec<ScoredLabel<'_>> {
        let mut ranked = self.ranked();
        match self.head.activation {
            HeadActivation::Softmax | HeadActivation::None => ranked.truncate(1),
            HeadActivation::Sigmoid => {
                ranked.retain(|l| l.score >= self.head.labels[l.index].threshold.unwrap_or(0.5));
            }
        }
        ranked
    }

    /// Returns the predicted labels with at least this score.
    pub fn predicted_from(&self, min_score: f32) -> Vec<ScoredLabel<'_>> {
        let mut predicted = self.predicted();
        predicted.retain(|label| label.score >= min_score);
        predicted
    }
}

/// Returns the prediction for a text from the probabilities of its windows, by window and head.
pub(crate) fn combined(
    heads: &[Arc<Head>],
    windows: &[Vec<Probabilities>],
    new_tokens: &[usize],
    tokens: usize,
    rule: Combine,
) -> Prediction {
    let predict = |(index, head): (usize, &Arc<Head>)| {
        let own: Vec<Probabilities> = windows.iter().map(|heads| heads[index].clone()).collect();
        HeadPrediction { head: head.clone(), probabilities: combine(head, &own, new_tokens, rule) }
    };
    let heads = heads.iter().enumerate().map(predict).collect();
    Prediction { heads, windows: windows.len(), tokens }
}

/// Combines the probabilities of an article's windows. `new_tokens` counts the tokens of each window that no earlier
/// one contains.
fn combine(head: &Head, windows: &[Probabilities], new_tokens: &[usize], rule: Combine) -> Probabilities {
    let mut result = vec![0f32; head.labels.len()];
    match rule {
        Combine::Mean => {
            let total: f32 = new_tokens.iter().map(|&n| n as f32).sum();
            for (window, &count) in windows.iter().zip(new_tokens) {
                // A text without tokens has one window without new tokens.
                let weight = if total > 0.0 { count as f32 / total } else { 1.0 / windows.len() as f32 };
                result.iter_mut().zip(&window.0).for_each(|(sum, p)| *sum += weight * p);
            }
        }
        Combine::Max => {
            result.fill(f32::NEG_INFINITY);
            for window in windows {
                result.iter_mut().zip(&window.0).for_each(|(best, &p)| *best = best.max(p));
            }
            if head.activation == HeadActivation::Softmax {
                let total: f32 = result.iter().sum();
                result.iter_mut().for_each(|p| *p /= total);
            }
        }
    }
    Probabilities(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::HeadLabel;

    fn head(activation: HeadActivation) -> Head {
        let label = |name: &str, threshold| HeadLabel { name: name.into(), code: None, threshold };
        let labels = vec![label("a", None), label("b", Some(0.2)), label("c", None)];
        Head { name: "desk".into(), activation, temperature: 1.0, labels }
    }

    #[test]
    fn the_mean_is_weighted_by_new_tokens() {
        let windows = [Probabilities(vec![1.0, 0.0, 0.0]), Probabilities(vec![0.0, 1.0, 0.0])];
        let mean = combine(&head(HeadActivation::Softmax), &windows, &[30, 10], Combine::Mean);
        assert_eq!(mean.0, vec![0.75, 0.25, 0.0]);
        let empty = combine(&head(HeadActivation::Softmax), &windows[..1], &[0], Combine::Mean);
        assert_eq!(empty.0, vec![1.0, 0.0, 0.0]);
    }

    #[test]
    fn the_maximum_of_a_softmax_head_sums_to_one() {
        let windows = [Probabilities(vec![0.6, 0.4, 0.0]), Probabilities(vec![0.0, 0.6, 0.4])];
        let max = combine(&head(HeadActivation::Softmax), &windows, &[1, 1], Combine::Max);
        assert!((max.0.iter().sum::<f32>() - 1.0).abs() < 1e-6 && max.0[0] == max.0[1]);
        assert_eq!(combine(&head(HeadActivation::Sigmoid), &windows, &[1, 1], Combine::Max).0, vec![0.6, 0.6, 0.4]);
    }

    #[test]
    fn sigmoid_heads_predict_labels_at_their_thresholds() {
        let prediction = |activation| HeadPrediction {
            head: Arc::new(head(activation)),
            probabilities: Probabilities(vec![0.4, 0.3, 0.6]),
        };
        let names = |p: &HeadPrediction| p.predicted().iter().map(|l| l.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&prediction(HeadActivation::Sigmoid)), ["c", "b"]);
        assert_eq!(names(&prediction(HeadActivation::Softmax)), ["c"]);
    }

    #[test]
    fn labels_below_the_minimum_score_are_dropped() {
        let prediction = |activation| HeadPrediction {
            head: Arc::new(head(activation)),
            probabilities: Probabilities(vec![0.4, 0.3, 0.6]),
        };
        let from = |activation, score| {
            prediction(activation).predicted_from(score).iter().map(|l| l.name.to_string()).collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        assert_eq!(from(HeadActivation::Softmax, 0.6), ["c"]);
        assert_eq!(from(HeadActivation::Softmax, 0.61), none);
        assert_eq!(from(HeadActivation::Sigmoid, 0.31), ["c"]);
        assert_eq!(from(HeadActivation::Sigmoid, 0.0), ["c", "b"]);
        assert_eq!(from(HeadActivation::Sigmoid, 0.7), none);
    }
}
