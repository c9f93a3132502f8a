//! Several runs that differ in their seed alone to what they reach on average, and how far they lie apart.

use crate::figures::SetFigures;
use serde::Serialize;

/// Mean and standard deviation of a figure over runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean; 0 of nothing.
    pub mean: f64,
    /// The sample's standard deviation, by one run less than there are; nothing for fewer than two runs.
    pub standard_deviation: Option<f64>,
}

/// What runs reached on one head of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadSpread {
    /// Name of the set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// The head.
    pub head: String,
    /// Articles that are labelled for it.
    pub articles: u64,
    /// Number of runs.
    pub runs: usize,
    /// Share of right answers.
    pub accuracy: Spread,
    /// Mean F1 of the labels that occur.
    pub macro_f1: Spread,
}

impl Spread {
    /// Of these values.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, standard_deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }
}

/// The spread of each head of each set over runs that were measured on the same sets.
pub fn spread(runs: &[&[SetFigures]]) -> Vec<HeadSpread> {
    let Some(first) = runs.first() else { return vec![] };
    let mut spreads = vec![];
    for (place, set) in first.iter().enumerate() {
        let measured = set.heads.iter().enumerate().filter(|(_, head)| head.articles > 0);
        for (number, head) in measured {
            let found: Vec<_> = runs.iter().filter_map(|run| run.get(place)?.heads.get(number)).collect();
            let accuracies: Vec<f64> = found.iter().map(|head| head.accuracy).collect();
            let f1s: Vec<f64> = found.iter().map(|head| head.macro_f1).collect();
            spreads.push(HeadSpread {
                set: set.set.clone(),
                split: set.split.clone(),
                head: head.head.clone(),
                articles: head.articles,
                runs: found.len(),
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
    fn a_spread_is_that_of_a_sample() {
        let spread = Spread::of(&[0.7, 0.8, 0.9]);
        assert!((spread.mean - 0.8).abs() < 1e-12);
        assert!((spread.standard_deviation.unwrap() - 0.1).abs() < 1e-12, "{spread:?}");
        assert_eq!(Spread::of(&[0.5]), Spread { mean: 0.5, standard_deviation: None });
    }
}
