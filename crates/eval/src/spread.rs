//! Mean and standard deviation of metrics over runs that differ only in their seed.

use crate::summary::SetSummary;
use serde::Serialize;

/// Mean and standard deviation of a metric over runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean; 0 for no runs.
    pub mean: f64,
    /// The sample standard deviation (divided by n - 1); `None` for fewer than two runs.
    pub standard_deviation: Option<f64>,
}

/// The metrics of several runs on one head of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadSpread {
    /// The name of the data set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// The name of the head.
    pub head: String,
    /// Articles that are labelled for it.
    pub articles: u64,
    /// Number of runs.
    pub runs: usize,
    /// Share of correct predictions.
    pub accuracy: Spread,
    /// Mean F1 of the labels that occur.
    pub macro_f1: Spread,
}

impl Spread {
    /// Computes mean and standard deviation of the values.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, standard_deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }
}

/// Computes the spread of each head of each data set. All runs were evaluated on the same data sets, in the same order.
pub fn spread(runs: &[&[SetSummary]]) -> Vec<HeadSpread> {
    let Some(first) = runs.first() else { return vec![] };
    let mut spreads = vec![];
    for (set_index, set) in first.iter().enumerate() {
        let measured = set.heads.iter().enumerate().filter(|(_, head)| head.articles > 0);
        for (head_index, head) in measured {
            let of_runs: Vec<_> = runs.iter().filter_map(|run| run.get(set_index)?.heads.get(head_index)).collect();
            let accuracies: Vec<f64> = of_runs.iter().map(|head| head.accuracy).collect();
            let f1s: Vec<f64> = of_runs.iter().map(|head| head.macro_f1).collect();
            spreads.push(HeadSpread {
                set: set.set.clone(),
                split: set.split.clone(),
                head: head.head.clone(),
                articles: head.articles,
                runs: of_runs.len(),
                accuracy: Spread::of(&accuracies),
                macro_f1: Spread::of(&f1s),
            });
        }
    }
    spreads
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_standard_deviation_is_that_of_a_sample() {
        let spread = Spread::of(&[0.7, 0.8, 0.9]);
        assert!((spread.mean - 0.8).abs() < 1e-12);
        assert!((spread.standard_deviation.unwrap() - 0.1).abs() < 1e-12, "{spread:?}");
        assert_eq!(Spread::of(&[0.5]), Spread { mean: 0.5, standard_deviation: None });
    }
}
