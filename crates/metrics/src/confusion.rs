//! Confusion matrices: how often each label is predicted for each gold label.

use crate::case::Case;
use serde::Serialize;

/// A confusion matrix of cases with exactly one predicted label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfusionMatrix {
    /// The gold labels: the head's labels, or those of the data set if it has its own.
    pub gold: Vec<String>,
    /// The predicted labels: the head's labels.
    pub predicted: Vec<String>,
    /// `counts[i][j]` is the number of cases with gold label `gold[i]` and prediction `predicted[j]`.
    pub counts: Vec<Vec<u64>>,
}

impl ConfusionMatrix {
    /// Counts cases by the head's labels.
    ///
    /// For [`Gold::AnyOf`](crate::Gold::AnyOf), the gold label is the predicted one if it is allowed, otherwise the first
    /// allowed one. Cases with no or several labels, or with a label beyond the list, are left out.
    pub fn by_label(labels: &[String], cases: &[Case]) -> Self {
        let gold = |case: &Case| match case.gold.labels_nearest(&case.predicted_set()).as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        Self::count(labels, labels, cases, gold)
    }

    /// Counts cases by the data set's own labels. Cases without one are left out.
    pub fn by_data_set_label(data_set_labels: &[String], labels: &[String], cases: &[Case]) -> Self {
        Self::count(data_set_labels, labels, cases, |case| case.data_set_label)
    }

    fn count(gold: &[String], predicted: &[String], cases: &[Case], gold_of: impl Fn(&Case) -> Option<usize>) -> Self {
        let mut counts = vec![vec![0; predicted.len()]; gold.len()];
        for case in cases {
            if let (Some(row), [column]) = (gold_of(case), case.predicted_set().as_slice())
                && let Some(count) = counts.get_mut(row).and_then(|row: &mut Vec<u64>| row.get_mut(*column))
            {
                *count += 1;
            }
        }
        Self { gold: gold.to_vec(), predicted: predicted.to_vec(), counts }
    }

    /// Returns Cohen's kappa: the agreement between gold labels and predictions beyond chance, at most 1.
    ///
    /// It is 0 if only one label occurs, and `None` if rows and columns have different labels.
    pub fn kappa(&self) -> Option<f64> {
        (self.gold == self.predicted).then(|| self.kappa_by(|gold, predicted| gold == predicted))
    }

    /// Returns kappa for labels that need not be equal to agree: `agree` says whether a gold label and a prediction do.
    ///
    /// This is Cohen's weighted kappa with the weights 0 and 1. It is 0 if all pairs of labels that occur agree.
    pub fn kappa_by(&self, agree: impl Fn(&str, &str) -> bool) -> f64 {
        let rows: Vec<f64> = self.counts.iter().map(|row| row.iter().sum::<u64>() as f64).collect();
        let columns: Vec<f64> = (0..self.predicted.len())
            .map(|label| self.counts.iter().map(|row| row[label]).sum::<u64>() as f64)
            .collect();
        let (mut chance, mut agreeing) = (0.0, 0);
        for (row, gold) in self.gold.iter().enumerate() {
            for (column, predicted) in self.predicted.iter().enumerate() {
                if agree(gold, predicted) {
                    chance += rows[row] * columns[column];
                    agreeing += self.counts[row][column];
                }
            }
        }
        let total: f64 = rows.iter().sum();
        let beyond_chance = total * total - chance;
        if beyond_chance > 0.0 { (agreeing as f64 * total - chance) / beyond_chance } else { 0.0 }
    }
}
