//! Pairs of heads that predict the same thing, one head of each of two models, and how often the two agree.

use super::agreeing_labels::AgreeingLabels;
use super::loaded_model::LoadedModel;
use crate::failure::{Usage, say};
use anyhow::Result;
use newsdesk_metrics::ConfusionMatrix;
use newsdesk_model::Prediction;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Corresponding heads of two models, with counts of their predictions.
pub struct HeadPair {
    head: String,
    /// Indices of the two models.
    models: [usize; 2],
    /// Index of the head in each model.
    heads: [usize; 2],
    /// Number of articles by the first and the second prediction.
    counts: BTreeMap<(String, String), u64>,
    agreeing: AgreeingLabels,
}

/// The agreement of two models on a head, as `agree --json` prints it.
#[derive(Serialize)]
pub struct Agreement {
    pub head: String,
    pub first: String,
    pub second: String,
    pub articles: u64,
    /// Articles with the same prediction.
    pub agreeing: u64,
    pub agreement: f64,
    /// Cohen's kappa: agreement corrected for chance, at most 1.
    pub kappa: f64,
    /// Different predictions (first model, second model, articles), the most frequent first.
    pub differing: Vec<(String, String, u64)>,
}

/// Returns the corresponding heads of each two models: heads with the same name, or the only heads of both models. Of a model
/// with a chosen head, only that one counts.
///
/// # Errors
/// If two models have no corresponding heads.
pub fn head_pairs(models: &[LoadedModel], agreeing: &AgreeingLabels) -> Result<Vec<HeadPair>> {
    let mut pairs = vec![];
    for first in 0..models.len() {
        for second in first + 1..models.len() {
            let found = pairs_of(models, [first, second], agreeing);
            if found.is_empty() {
                return Err(no_common_head(models, [first, second]).into());
            }
            found.iter().filter_map(|pair| no_common_label(models, pair)).for_each(|line| say(&line));
            pairs.extend(found);
        }
    }
    Ok(pairs)
}

fn pairs_of(models: &[LoadedModel], pair: [usize; 2], agreeing: &AgreeingLabels) -> Vec<HeadPair> {
    let heads = |model: usize| {
        let LoadedModel { classifier, head: chosen, .. } = &models[model];
        let is_compared = |index: &usize| chosen.is_none_or(|chosen| chosen == *index);
        (0..classifier.heads().len())
            .filter(is_compared)
            .map(|index| (index, &classifier.heads()[index].name))
            .collect::<Vec<_>>()
    };
    let [first, second] = pair.map(heads);
    let mut found = vec![];
    for (index, name) in &first {
        let same = second.iter().find(|(_, other)| other == name);
        let only = || second.first().filter(|_| first.len() == 1 && second.len() == 1);
        if let Some((other, _)) = same.or_else(only) {
            let (head, heads) = ((*name).clone(), [*index, *other]);
            found.push(HeadPair { head, models: pair, heads, counts: BTreeMap::new(), agreeing: agreeing.clone() });
        }
    }
    found
}

/// Returns a warning if the heads of a pair have no label in common.
fn no_common_label(models: &[LoadedModel], pair: &HeadPair) -> Option<String> {
    let labels = |side: usize| models[pair.models[side]].classifier.heads()[pair.heads[side]].names();
    let other = labels(1);
    if labels(0).iter().any(|label| other.iter().any(|other| pair.agreeing.agree(label, other))) {
        return None;
    }
    let [first, second] = pair.models.map(|model| &models[model].name);
    let head = &pair.head;
    Some(format!(
        "warning: `{first}` and `{second}` have no label in common on head `{head}`; say which labels agree with `--label-map FILE`"
    ))
}

fn no_common_head(models: &[LoadedModel], pair: [usize; 2]) -> Usage {
    let heads = |model: usize| {
        let heads = models[model].classifier.heads().iter();
        heads.map(|head| head.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let [first_name, second_name] = pair.map(|model| &models[model].name);
    let [first_heads, second_heads] = pair.map(heads);
    let message = format!("cannot compare `{first_name}` and `{second_name}`: they have no head in common");
    let hint = format!(
        "say which heads to compare with `--head MODEL=NAME` for each model: `{first_name}` has {first_heads}, `{second_name}` has {second_heads}"
    );
    Usage::new(message, hint)
}

impl HeadPair {
    /// Counts the two predictions for an article, and returns whether they differ.
    pub fn add(&mut self, predictions: [&Prediction; 2]) -> bool {
        let [first, second] = [0, 1].map(|side| predicted(predictions[side], self.heads[side]));
        let differ = !self.agreeing.agree(&first, &second);
        *self.counts.entry((first, second)).or_default() += 1;
        differ
    }

    /// Returns the indices of the two models.
    pub fn models(&self) -> [usize; 2] {
        self.models
    }

    /// Returns how often the two models agree.
    pub fn agreement(&self, models: &[LoadedModel]) -> Agreement {
        let labels: BTreeSet<&String> = self.counts.keys().flat_map(|(first, second)| [first, second]).collect();
        let labels: Vec<String> = labels.into_iter().cloned().collect();
        let index = |label: &String| labels.iter().position(|known| known == label).unwrap_or(0);
        let mut counts = vec![vec![0; labels.len()]; labels.len()];
        for ((first, second), count) in &self.counts {
            counts[index(first)][index(second)] += count;
        }
        let articles: u64 = self.counts.values().sum();
        let (same, different): (Vec<_>, Vec<_>) =
            self.counts.iter().partition(|((first, second), _)| self.agreeing.agree(first, second));
        let agreeing: u64 = same.into_iter().map(|(_, count)| count).sum();
        let mut differing: Vec<(String, String, u64)> =
            different.into_iter().map(|((first, second), &count)| (first.clone(), second.clone(), count)).collect();
        differing.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
        let confusion = ConfusionMatrix { gold: labels.clone(), predicted: labels, counts };
        Agreement {
            head: self.head.clone(),
            first: models[self.models[0]].name.clone(),
            second: models[self.models[1]].name.clone(),
            articles,
            agreeing,
            agreement: if articles == 0 { 0.0 } else { agreeing as f64 / articles as f64 },
            kappa: confusion.kappa_by(|first, second| self.agreeing.agree(first, second)),
            differing,
        }
    }
}

/// Returns a head's predicted labels, sorted and joined by `; `.
pub fn predicted(prediction: &Prediction, head: usize) -> String {
    let mut names: Vec<&str> = prediction.heads[head].predicted().iter().map(|label| label.name).collect();
    // The order of several labels has no meaning.
    names.sort_unstable();
    names.join("; ")
}
