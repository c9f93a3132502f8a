//! Pairs of heads that predict the same thing, one head of each of two models, and how often the two agree.

use super::agreeing_labels::AgreeingLabels;
use super::loaded_model::LoadedModel;
use crate::failure::{Usage, say};
use crate::output::count::counted;
use anyhow::Result;
use indicatif::HumanCount;
use newsdesk_metrics::ConfusionMatrix;
use newsdesk_model::{HeadActivation, Prediction};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What to do about labels that agree with none of the other model.
const MAP_LABELS: &str = "say which labels agree with `--label-map FILE`";

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
/// If two models have no corresponding heads, or these have no label in common.
pub fn head_pairs(models: &[LoadedModel], agreeing: &AgreeingLabels) -> Result<Vec<HeadPair>> {
    let mut pairs = vec![];
    for first in 0..models.len() {
        for second in first + 1..models.len() {
            let found = pairs_of(models, [first, second], agreeing);
            if found.is_empty() {
                return Err(no_common_head(models, [first, second]).into());
            }
            let (comparable, others): (Vec<_>, Vec<_>) =
                found.iter().partition(|pair: &&HeadPair| has_common_label(models, pair));
            let without_label: Vec<String> = others.into_iter().map(|pair| no_common_label(models, pair)).collect();
            match without_label.first().filter(|_| comparable.is_empty()) {
                Some(cause) => return Err(Usage::new(format!("cannot compare: {cause}"), MAP_LABELS).into()),
                None => without_label.iter().for_each(|cause| say(&format!("warning: {cause}; {MAP_LABELS}"))),
            }
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

/// Returns whether a label of one head of a pair agrees with a label of the other.
fn has_common_label(models: &[LoadedModel], pair: &HeadPair) -> bool {
    let other = pair.labels(models, 1);
    pair.labels(models, 0).iter().any(|label| other.iter().any(|other| pair.agreeing.agree(label, other)))
}

/// Returns that the heads of a pair have no label in common.
fn no_common_label(models: &[LoadedModel], pair: &HeadPair) -> String {
    let [first, second] = pair.models.map(|model| &models[model].name);
    let head = &pair.head;
    format!("`{first}` and `{second}` have no label in common on head `{head}`")
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

    /// Returns the labels of the head of one of the two models.
    fn labels(&self, models: &[LoadedModel], side: usize) -> Vec<String> {
        models[self.models[side]].classifier.heads()[self.heads[side]].names()
    }

    /// Returns a warning that names the predicted labels that agree with no label of the other model, if there are any.
    pub fn unmapped(&self, models: &[LoadedModel]) -> Option<String> {
        let heads = [0, 1].map(|side| &models[self.models[side]].classifier.heads()[self.heads[side]]);
        if heads.iter().any(|head| head.activation == HeadActivation::Sigmoid) {
            return None;
        }
        let (mut articles, mut found) = (0, BTreeSet::new());
        let [first, second] = [0, 1].map(|side| self.labels(models, side));
        let is_alone = |label: &str, others: &[String]| !others.iter().any(|other| self.agreeing.agree(label, other));
        for ((one, other), count) in &self.counts {
            let alone = [(one, is_alone(one, &second)), (other, is_alone(other, &first))];
            articles += if alone.iter().any(|(_, is_alone)| *is_alone) { *count } else { 0 };
            found.extend(alone.into_iter().filter(|(_, is_alone)| *is_alone).map(|(label, _)| format!("`{label}`")));
        }
        let list = found.into_iter().collect::<Vec<_>>().join(", ");
        let articles = counted(HumanCount(articles), "article");
        let [first, second] = self.models.map(|model| &models[model].name);
        (!list.is_empty()).then(|| {
            format!(
                "warning: {articles} count as differing, since no label of the other model agrees with {list} \
                 (`{first}` and `{second}`, head `{}`); {MAP_LABELS}",
                self.head
            )
        })
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
