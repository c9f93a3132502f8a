//! From the windows' probabilities to one answer per article and head.

use crate::head::{Head, HeadActivation, Probabilities};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the windows of an article become one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// The mean of the windows' probabilities, each weighted by the tokens that it alone adds.
    #[default]
    Mean,
    /// Each label's largest probability, scaled to add up to one on softmax heads.
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

/// The answer for one article.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// One answer per head, in the model's order.
    pub heads: Vec<HeadPrediction>,
    /// Windows that were read.
    pub windows: usize,
    /// Tokens of the article that were read, special tokens not counted; all of them, unless windows are limited.
    pub tokens: usize,
}

impl Prediction {
    /// The answer of the head with this name.
    pub fn head(&self, name: &str) -> Option<&HeadPrediction> {
        self.heads.iter().find(|answer| answer.head.name == name)
    }
}

/// One head's answer for one article.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadPrediction {
    /// The head.
    pub head: Arc<Head>,
    /// Probability of each label, in the head's order.
    pub probabilities: Probabilities,
}

/// A label with its probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredLabel<'a> {
    /// Place among the head's labels.
    pub index: usize,
    /// Name.
    pub name: &'a str,
    /// Code, if the label has one.
    pub code: Option<&'a str>,
    /// Probability, 0..=1.
    pub score: f32,
}

impl HeadPrediction {
    /// The head's name.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    fn scored(&self, index: usize) -> ScoredLabel<'_> {
        let label = &self.head.labels[index];
        ScoredLabel { index, name: &label.name, code: label.code.as_deref(), score: self.probabilities.0[index] }
    }

    /// All labels, the most probable first.
    pub fn ranked(&self) -> Vec<ScoredLabel<'_>> {
        let mut all: Vec<_> = (0..self.head.labels.len()).map(|i| self.scored(i)).collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        all
    }

    /// The most probable label; `None` only for a head without labels, which no model has.
    pub fn best(&self) -> Option<ScoredLabel<'_>> {
        self.ranked().into_iter().next()
    }

    /// The labels that are given: the most probable one of a softmax head, all beyond their thresholds of a sigmoid
    /// head (maybe none), the most probable first.
    pub fn given(&self) -> Vec<ScoredLabel<'_>> {
        let mut ranked = self.ranked();
        match self.head.activation {
            HeadActivation::Softmax => ranked.truncate(1),
            HeadActivation::Sigmoid => {
                ranked.retain(|l| l.score >= self.head.labels[l.index].threshold.unwrap_or(0.5));
            }
        }
        ranked
    }

    /// Of the labels that are given, those with at least this score; none if the head is less sure of all of them.
    pub fn given_from(&self, min_score: f32) -> Vec<ScoredLabel<'_>> {
        let mut given = self.given();
        given.retain(|label| label.score >= min_score);
        given
    }
}

/// The prediction of a text from the probabilities of its windows, by window and head.
pub(crate) fn combined(
    heads: &[Arc<Head>],
    windows: &[Vec<Probabilities>],
    adds: &[usize],
    tokens: usize,
    rule: Combine,
) -> Prediction {
    let answer = |(number, head): (usize, &Arc<Head>)| {
        let own: Vec<Probabilities> = windows.iter().map(|heads| heads[number].clone()).collect();
        HeadPrediction { head: head.clone(), probabilities: combine(head, &own, adds, rule) }
    };
    let heads = heads.iter().enumerate().map(answer).collect();
    Prediction { heads, windows: windows.len(), tokens }
}

/// Combines the probabilities of an article's windows. `weights` are the tokens that each window adds.
fn combine(head: &Head, windows: &[Probabilities], weights: &[usize], rule: Combine) -> Probabilities {
    let mut result = vec![0f32; head.labels.len()];
    match rule {
        Combine::Mean => {
            let total: f32 = weights.iter().map(|&w| w as f32).sum();
            for (window, &weight) in windows.iter().zip(weights) {
                // A text without tokens has one window and no weight.
                let share = if total > 0.0 { weight as f32 / total } else { 1.0 / windows.len() as f32 };
                result.iter_mut().zip(&window.0).for_each(|(sum, p)| *sum += share * p);
            }
        }
        Combine::Max => {
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
    fn the_maximum_of_a_softmax_head_adds_up() {
        let windows = [Probabilities(vec![0.6, 0.4, 0.0]), Probabilities(vec![0.0, 0.6, 0.4])];
        let max = combine(&head(HeadActivation::Softmax), &windows, &[1, 1], Combine::Max);
        assert!((max.0.iter().sum::<f32>() - 1.0).abs() < 1e-6 && max.0[0] == max.0[1]);
        assert_eq!(combine(&head(HeadActivation::Sigmoid), &windows, &[1, 1], Combine::Max).0, vec![0.6, 0.6, 0.4]);
    }

    #[test]
    fn sigmoid_heads_give_what_passes_its_threshold() {
        let answer = |activation| HeadPrediction {
            head: Arc::new(head(activation)),
            probabilities: Probabilities(vec![0.4, 0.3, 0.6]),
        };
        let names = |a: &HeadPrediction| a.given().iter().map(|l| l.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&answer(HeadActivation::Sigmoid)), ["c", "b"]);
        assert_eq!(names(&answer(HeadActivation::Softmax)), ["c"]);
    }

    #[test]
    fn labels_below_the_least_score_are_held_back() {
        let answer = |activation| HeadPrediction {
            head: Arc::new(head(activation)),
            probabilities: Probabilities(vec![0.4, 0.3, 0.6]),
        };
        let from = |activation, score| {
            answer(activation).given_from(score).iter().map(|l| l.name.to_string()).collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        assert_eq!(from(HeadActivation::Softmax, 0.6), ["c"]);
        assert_eq!(from(HeadActivation::Softmax, 0.61), none);
        assert_eq!(from(HeadActivation::Sigmoid, 0.31), ["c"]);
        assert_eq!(from(HeadActivation::Sigmoid, 0.0), ["c", "b"]);
        assert_eq!(from(HeadActivation::Sigmoid, 0.7), none);
    }
}
