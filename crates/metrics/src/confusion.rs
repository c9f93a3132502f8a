//! What is taken for what: right labels against predicted ones, counted.

use crate::truth::Case;
use serde::Serialize;

/// How often each answer was given for each right label, where exactly one label is predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// What is right: the head's labels, or those of the data set where it has its own.
    pub right: Vec<String>,
    /// What was predicted: the head's labels.
    pub predicted: Vec<String>,
    /// `counts[i][j]`: cases of which `right[i]` is right and `predicted[j]` was predicted.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Counts cases by the head's labels. Where any of several would do, the predicted one counts as the right one if it is among them,
    /// else the first of them. Cases with a label beyond the list, or with none or several, are left out.
    pub fn of_labels(labels: &[String], cases: &[Case]) -> Self {
        let right = |case: &Case| match case.truth.labels_nearest(&case.predicted_set()).as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        Self::count(labels, labels, cases, right)
    }

    /// Counts cases by the data set's own labels. Cases without one are left out.
    pub fn of_sources(sources: &[String], labels: &[String], cases: &[Case]) -> Self {
        Self::count(sources, labels, cases, |case| case.source_label)
    }

    fn count(right: &[String], predicted: &[String], cases: &[Case], of: impl Fn(&Case) -> Option<usize>) -> Self {
        let mut counts = vec![vec![0; predicted.len()]; right.len()];
        for case in cases {
            if let (Some(row), [column]) = (of(case), case.predicted_set().as_slice())
                && let Some(count) = counts.get_mut(row).and_then(|row: &mut Vec<u64>| row.get_mut(*column))
            {
                *count += 1;
            }
        }
        Self { right: right.to_vec(), predicted: predicted.to_vec(), counts }
    }

    /// Cohen's kappa, at most 1: how much more often the two agree than by chance; 0 where only one label occurs. `None` where rows and
    /// columns are not the same labels.
    pub fn kappa(&self) -> Option<f64> {
        let Marginals { right, predicted, agreeing, all } = self.marginals()?;
        let chance: f64 = right.iter().zip(&predicted).map(|(a, b)| a * b).sum();
        let room = all * all - chance;
        Some(if room > 0.0 { (agreeing * all - chance) / room } else { 0.0 })
    }

    fn marginals(&self) -> Option<Marginals> {
        if self.right != self.predicted {
            return None;
        }
        let right: Vec<f64> = self.counts.iter().map(|row| row.iter().sum::<u64>() as f64).collect();
        let column = |label: usize| self.counts.iter().map(|row| row[label]).sum::<u64>() as f64;
        let predicted: Vec<f64> = (0..self.predicted.len()).map(column).collect();
        let agreeing = (0..self.right.len()).map(|label| self.counts[label][label]).sum::<u64>() as f64;
        Some(Marginals { all: right.iter().sum(), right, predicted, agreeing })
    }
}

struct Marginals {
    right: Vec<f64>,
    predicted: Vec<f64>,
    agreeing: f64,
    all: f64,
}
