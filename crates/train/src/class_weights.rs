//! The weight of each label in the loss.

use crate::error::{Result, TrainError};
use crate::examples::Example;
use crate::sampling::SetSample;
use crate::settings::ClassWeights;
use newsdesk_model::Head;
use std::collections::BTreeMap;

/// Returns the weights of the labels of each head; empty if all labels weigh the same. `examples` are those of each data set.
///
/// # Errors
/// [`TrainError::Setting`] if a weight is given for a label that no head has.
pub(crate) fn class_weights(
    setting: &ClassWeights,
    heads: &[Head],
    examples: &[Vec<Example>],
    samples: &[SetSample],
) -> Result<Vec<Vec<f32>>> {
    match setting {
        ClassWeights::Equal => Ok(vec![]),
        ClassWeights::Balanced => {
            // A row counts as often as an epoch takes it.
            let times = |sample: &SetSample| sample.taken as f64 / sample.rows.max(1) as f64;
            let weighted = examples.iter().zip(samples).map(|(rows, sample)| (rows, times(sample)));
            Ok(balanced(heads, weighted.flat_map(|(rows, times)| rows.iter().map(move |row| (row, times)))))
        }
        ClassWeights::Given(weights) => given(heads, weights),
    }
}

/// Returns the weights that are given by name; 1 for other labels.
///
/// # Errors
/// [`TrainError::Setting`] if no head has one of the labels.
pub(crate) fn given(heads: &[Head], given: &BTreeMap<String, f64>) -> Result<Vec<Vec<f32>>> {
    let mut weights: Vec<Vec<f32>> = heads.iter().map(|head| vec![1.0; head.labels.len()]).collect();
    for (name, &weight) in given {
        let mut known = false;
        for (head, weights) in heads.iter().zip(&mut weights) {
            if let Some(label) = head.find(name) {
                weights[label] = weight as f32;
                known = true;
            }
        }
        if !known {
            let cause = format!("no head has a label `{name}`");
            return Err(TrainError::Setting { setting: "class_weights", cause });
        }
    }
    Ok(weights)
}

/// Returns weights that give every label of a head the same total weight over the examples, each of which comes with the number
/// of times that an epoch takes it. A row with several labels counts in equal parts for each. Labels without a row weigh 1.
fn balanced<'a>(heads: &[Head], examples: impl Iterator<Item = (&'a Example, f64)>) -> Vec<Vec<f32>> {
    let mut counts: Vec<Vec<f64>> = heads.iter().map(|head| vec![0.0; head.labels.len()]).collect();
    for (example, times) in examples {
        for (counts, gold_labels) in counts.iter_mut().zip(&example.gold_labels) {
            let Some(gold_labels) = gold_labels else { continue };
            let labels = gold_labels.labels();
            labels.iter().for_each(|label| counts[label.index()] += times / labels.len() as f64);
        }
    }
    counts.iter().map(|counts| of_counts(counts)).collect()
}

/// Returns weights that give every label the same total weight, from the number of rows of each; 1 for labels without a row.
pub(crate) fn of_counts(counts: &[f64]) -> Vec<f32> {
    let (all, labels) = (counts.iter().sum::<f64>(), counts.iter().filter(|&&n| n > 0.0).count() as f64);
    counts.iter().map(|&n| if n > 0.0 { (all / (labels * n)) as f32 } else { 1.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use newsdesk_data::{GoldLabels, LabelId};
    use newsdesk_model::{HeadActivation, HeadLabel};

    #[test]
    fn balanced_weights_give_every_label_the_same_total_weight() {
        let label = |name: &str| HeadLabel { name: name.into(), code: None, threshold: None };
        let labels = vec![label("a"), label("b"), label("c")];
        let head = Head { name: "h".into(), activation: HeadActivation::Softmax, temperature: 1.0, labels };
        let gold_labels = [
            GoldLabels::One(LabelId(0)),
            GoldLabels::One(LabelId(0)),
            GoldLabels::One(LabelId(0)),
            GoldLabels::One(LabelId(2)),
        ];
        let examples = gold_labels.map(|gold| Example { gold_labels: vec![Some(gold)], ..Example::default() });
        let close = |times: [f64; 4], expected: [f32; 3]| {
            let weights = balanced(std::slice::from_ref(&head), examples.iter().zip(times));
            assert!(weights[0].iter().zip(expected).all(|(w, e)| (w - e).abs() < 1e-6), "{weights:?}");
        };
        close([1.0; 4], [4.0 / 6.0, 1.0, 2.0]);
        // If an epoch takes half of a label's rows, only that half counts.
        close([0.5, 0.5, 0.5, 1.0], [2.5 / 3.0, 1.0, 2.5 / 2.0]);
    }
}
