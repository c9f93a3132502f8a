//! Warnings about training and validation data.

use super::kinds::Warning;
use crate::error::{Remedy, Result, TrainError};
use crate::heads::{check_data, merge_heads};
use newsdesk_data::{LabelledSet, TextHash};
use newsdesk_eval::{EvalError, check_heads, head_data};
use newsdesk_metrics::wilson_interval;
use newsdesk_model::{Head, HeadActivation};
use std::collections::HashSet;

/// Labels with fewer training rows are hardly learned.
pub(super) const FEW_TRAINING_ROWS: usize = 10;

/// Fewer validation rows measure little.
const FEW_VALIDATION_ROWS: usize = 50;

/// With more labels per training row, the labels may be identifiers or texts.
const MANY_LABELS: f64 = 0.5;

/// The share of different texts below which it is reported.
const FEW_TEXTS: f64 = 0.5;

/// Returns what about the data makes it unlikely that a model is good.
///
/// # Errors
/// If no model can be trained on the data.
pub fn data_warnings(training: &[LabelledSet], validation: &[LabelledSet]) -> Result<Vec<Warning>> {
    let heads = merge_heads(training)?;
    check_data(training, validation, &heads)?;
    validation.iter().try_for_each(|set| check_heads(set, &heads)).map_err(untrained_label)?;
    let mut warnings = vec![];
    for (index, head) in heads.iter().enumerate() {
        let (trained, validated) = (Rows::count(training, &heads, index)?, Rows::count(validation, &heads, index)?);
        warnings.extend(of_head(head, &trained, &validated));
    }
    warnings.extend(repeated_texts(training));
    Ok(warnings)
}

/// Turns the error that a label is not one of the heads, which come from the training data, into one about that data.
pub fn untrained_label(error: EvalError) -> TrainError {
    match error {
        EvalError::UnknownLabel { set, label, head, position, .. } => TrainError::Data {
            cause: format!("the label `{label}` of `{set}` is not in head `{head}` of the training data{position}"),
            remedy: Remedy::AddTrainingRows { label: label.into() },
        },
        error => error.into(),
    }
}

/// The labelled rows of a head.
struct Rows {
    all: usize,
    /// By label. A row counts for each of its labels.
    by_label: Vec<usize>,
}

impl Rows {
    fn count(sets: &[LabelledSet], heads: &[Head], index: usize) -> Result<Self> {
        // Articles that only teachers label are in data sets without heads.
        let sets: Vec<&LabelledSet> = sets.iter().filter(|set| !set.heads.is_empty()).collect();
        let mut rows = Self { all: 0, by_label: vec![0; heads[index].labels.len()] };
        for data in head_data(&sets, heads, index)? {
            for gold_labels in data.gold_labels() {
                rows.all += 1;
                let labels = gold_labels.labels().iter();
                labels.for_each(|label| rows.by_label[data.matched.label(*label)] += 1);
            }
        }
        Ok(rows)
    }
}

fn of_head(head: &Head, trained: &Rows, validated: &Rows) -> Vec<Warning> {
    let name = || head.name.clone();
    let used = trained.by_label.iter().filter(|&&rows| rows > 0).count();
    if head.activation == HeadActivation::Softmax && used as f64 > trained.all as f64 * MANY_LABELS && used > 2 {
        // The other warnings would be about nearly every label.
        return vec![Warning::ManyLabels { head: name(), labels: used, rows: trained.all }];
    }
    let mut warnings = vec![];
    let labels = || head.labels.iter().zip(trained.by_label.iter().zip(&validated.by_label));
    let few: Vec<(String, usize)> = labels()
        .filter(|(_, (trained, _))| **trained < FEW_TRAINING_ROWS)
        .map(|(label, (trained, _))| (label.name.clone(), *trained))
        .collect();
    if !few.is_empty() {
        warnings.push(Warning::FewTrainingRows { head: name(), labels: few });
    }
    if validated.all == 0 {
        // Reported as a whole.
        return warnings;
    }
    let unmeasured: Vec<String> = labels()
        .filter(|(_, (trained, validated))| **trained > 0 && **validated == 0)
        .map(|(label, _)| label.name.clone())
        .collect();
    if !unmeasured.is_empty() {
        warnings.push(Warning::NotValidated { head: name(), labels: unmeasured });
    }
    if validated.all < FEW_VALIDATION_ROWS {
        let rows = validated.all as u64;
        let interval = wilson_interval(rows / 2, rows);
        let margin = (interval.high - interval.low) * 50.0;
        warnings.push(Warning::FewValidationRows { head: name(), rows: validated.all, margin });
    }
    warnings
}

fn repeated_texts(training: &[LabelledSet]) -> Option<Warning> {
    let rows: usize = training.iter().map(|set| set.articles.len()).sum();
    let articles = training.iter().flat_map(|set| &set.articles);
    let texts = articles.map(|row| TextHash::with_target(&row.article)).collect::<HashSet<_>>().len();
    ((texts as f64) < rows as f64 * FEW_TEXTS).then_some(Warning::RepeatedTexts { texts, rows })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::heads::tests::labelled;

    fn warnings(training: &[(&str, &str)], validation: &[(&str, &str)]) -> Vec<String> {
        let sets = [training, validation].map(|rows| labelled(rows, &["a", "b", "c", "d"]));
        data_warnings(&sets[..1], &sets[1..]).unwrap().iter().map(Warning::to_string).collect()
    }

    #[test]
    fn rare_and_unmeasured_labels_and_few_validation_rows_are_reported() {
        let texts: Vec<String> = (0..60).map(|i| format!("text {i}")).collect();
        let label = |i: usize| {
            if i < 30 {
                "a"
            } else if i < 57 {
                "b"
            } else {
                "c"
            }
        };
        let rows: Vec<(&str, &str)> = texts.iter().enumerate().map(|(i, text)| (text.as_str(), label(i))).collect();
        let found = warnings(&rows, &[("v", "a"), ("w", "b")]);
        assert!(found[0].ends_with("to learn from: c (3), d (0)"), "{found:?}");
        assert!(found[1].ends_with("how well they are learned: c"), "{found:?}");
        assert!(found[2].starts_with("head `label` has only 2 validation rows") && found.len() == 3, "{found:?}");
        let enough: Vec<(&str, &str)> = rows[..57].to_vec();
        let all = [enough.clone(), vec![("x", "c"); 0]].concat();
        assert_eq!(warnings(&all, &all).len(), 1, "only the labels without rows");
    }

    #[test]
    fn labels_on_most_rows_and_repeated_texts_are_reported() {
        let found = warnings(&[("s", "a"), ("t", "b"), ("u", "c"), ("v", "c")], &[("v", "a")]);
        assert!(found.len() == 1 && found[0].contains("has 3 labels on 4 training rows"), "{found:?}");
        let rows = [vec![("s", "a"); 20], vec![("t", "b"); 20]].concat();
        let found = warnings(&rows, &rows);
        assert!(found.last().unwrap().contains("the 40 training rows have only 2 different texts"), "{found:?}");
    }
}
