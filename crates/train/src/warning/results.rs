//! Warnings about the metrics of a finished model on its validation sets.

use super::data::FEW_TRAINING_ROWS;
use super::kinds::Warning;
use newsdesk_data::{GoldLabels, LabelledSet};
use newsdesk_eval::{HeadReport, SetReport};
use std::collections::BTreeMap;

/// A label with fewer validation rows is not judged by its recall.
const MIN_SUPPORT: u64 = 5;

/// A label with a lower recall is often missed.
const LOW_RECALL: f64 = 0.5;

/// A label is rare if the most frequent one has this many times its training rows.
const RARE: usize = 4;

/// How far above chance the mean recall of a model may be that has learned nothing: figures on few rows vary.
const CHANCE: f64 = 1.25;

/// The counts of a label over all validation sets.
#[derive(Default, Clone)]
struct Counts {
    support: u64,
    predicted: u64,
    found: f64,
}

/// Returns what the metrics of a finished model on the validation sets say against it. `weighted` tells whether it was trained
/// with class weights.
///
/// Data sets with labels of their own, or with several correct labels for an article, are not judged.
pub fn result_warnings(training: &[LabelledSet], reports: &[SetReport], weighted: bool) -> Vec<Warning> {
    let mut heads: BTreeMap<&str, BTreeMap<&str, Counts>> = BTreeMap::new();
    let mut single_label: BTreeMap<&str, bool> = BTreeMap::new();
    for HeadReport { head, report, .. } in reports.iter().flat_map(|set| &set.heads).filter(|head| head.is_exact()) {
        *single_label.entry(head).or_insert(true) &= report.micro_f1.is_none();
        let labels = heads.entry(head).or_default();
        for label in &report.per_label {
            let counts = labels.entry(&label.label).or_default();
            counts.support += label.support;
            counts.predicted += label.predicted;
            counts.found += label.recall * label.support as f64;
        }
    }
    let mut warnings = vec![];
    for (head, labels) in &heads {
        let rows = training_rows(training, head);
        warnings.extend(of_head(head, labels, single_label.get(head) == Some(&true), weighted, &rows));
    }
    warnings
}

fn of_head(
    head: &str,
    labels: &BTreeMap<&str, Counts>,
    single_label: bool,
    weighted: bool,
    rows: &BTreeMap<&str, usize>,
) -> Vec<Warning> {
    let occurring = || labels.iter().filter(|(_, counts)| counts.support > 0);
    let all: u64 = occurring().map(|(_, counts)| counts.support).sum();
    let (kinds, found) = (occurring().count(), occurring().map(|(_, counts)| counts.found).sum::<f64>());
    let recall = |counts: &Counts| counts.found / counts.support as f64;
    let accuracy = found / all as f64;
    let share = occurring().map(|(_, counts)| counts.support).max().unwrap_or(0) as f64 / all as f64;
    let mean_recall = occurring().map(|(_, counts)| recall(counts)).sum::<f64>() / kinds as f64;
    let head = head.to_string();
    if single_label && kinds > 1 && accuracy <= share && mean_recall <= CHANCE / kinds as f64 {
        return vec![Warning::NoBetterThanGuessing { head, accuracy, share }];
    }
    let mut warnings = vec![];
    // Labels with too few training rows are reported before training, with what helps.
    let is_trained = |label: &str| rows.get(label).is_some_and(|&rows| rows >= FEW_TRAINING_ROWS);
    let never = occurring()
        .filter(|(label, counts)| counts.predicted == 0 && is_trained(label))
        .map(|(label, _)| label.to_string());
    let never: Vec<String> = never.collect();
    if !never.is_empty() {
        warnings.push(Warning::NeverPredicted { head: head.clone(), labels: never, unweighted: !weighted });
    }
    let most = rows.values().copied().max().unwrap_or(0);
    let is_rare = |label: &str| is_trained(label) && rows.get(label).is_some_and(|&rows| rows * RARE <= most);
    let missed: Vec<(String, f64)> = occurring()
        .filter(|(label, counts)| is_rare(label) && counts.support >= MIN_SUPPORT && counts.predicted > 0)
        .map(|(label, counts)| (label.to_string(), recall(counts)))
        .filter(|(_, recall)| *recall < LOW_RECALL && *recall < accuracy)
        .collect();
    if single_label && !weighted && !missed.is_empty() {
        warnings.push(Warning::RareLabelsMissed { head, labels: missed, accuracy });
    }
    warnings
}

/// Returns the number of training rows of each label of a head, by name.
fn training_rows<'a>(training: &'a [LabelledSet], head: &str) -> BTreeMap<&'a str, usize> {
    let mut rows = BTreeMap::new();
    for set in training {
        let Some(index) = set.heads.iter().position(|known| known.name == head) else { continue };
        let gold_labels = set.articles.iter().filter_map(|row| row.gold_labels[index].as_ref());
        for label in gold_labels.flat_map(GoldLabels::labels) {
            let Some(label) = set.heads[index].labels.get(*label) else { continue };
            *rows.entry(label.name.as_str()).or_default() += 1;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(all: &[(&'static str, u64, u64, f64)]) -> BTreeMap<&'static str, Counts> {
        let counts = |&(label, support, predicted, recall): &(&'static str, u64, u64, f64)| {
            (label, Counts { support, predicted, found: recall * support as f64 })
        };
        all.iter().map(counts).collect()
    }

    #[test]
    fn labels_that_are_missed_are_reported() {
        let rows = BTreeMap::from([("a", 400), ("b", 380), ("c", 40), ("d", 30)]);
        let labels = counts(&[("a", 50, 55, 0.9), ("b", 40, 40, 0.8), ("c", 6, 1, 0.1), ("d", 2, 0, 0.0)]);
        let found = of_head("h", &labels, true, false, &rows);
        assert!(matches!(&found[0], Warning::NeverPredicted { labels, .. } if labels == &["d"]), "{found:?}");
        assert!(matches!(&found[1], Warning::RareLabelsMissed { labels, .. } if labels[0].0 == "c"), "{found:?}");
        // With class weights, they are no longer advised.
        let found = of_head("h", &labels, true, true, &rows);
        assert!(matches!(found[..], [Warning::NeverPredicted { unweighted: false, .. }]), "{found:?}");
        // Labels with few training rows need more of them, which is said before training.
        let few = BTreeMap::from([("a", 400), ("b", 380), ("c", 9), ("d", 3)]);
        assert_eq!(of_head("h", &labels, true, false, &few), []);
        assert_eq!(of_head("h", &counts(&[("a", 50, 50, 0.9), ("b", 9, 9, 0.4)]), true, false, &rows), []);
    }

    #[test]
    fn a_model_that_guesses_is_reported() {
        let found = of_head("h", &counts(&[("a", 60, 90, 0.9), ("b", 40, 10, 0.1)]), true, false, &BTreeMap::new());
        assert!(matches!(found[..], [Warning::NoBetterThanGuessing { .. }]), "{found:?}");
        // A lower accuracy than that of the most frequent label is no fault if rare labels are found.
        let found = of_head("h", &counts(&[("a", 90, 80, 0.8), ("b", 10, 20, 0.9)]), true, false, &BTreeMap::new());
        assert_eq!(found, []);
    }
}
