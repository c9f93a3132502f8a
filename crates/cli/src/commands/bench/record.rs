//! What a bench measured, as its JSON keeps it.

use crate::failure::Usage;
use crate::output::whole;
use anyhow::Result;
use newsdesk_metrics::{Difference, Interval};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Everything that a run of `newsdesk bench` found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    /// Newsdesk's version.
    pub newsdesk: String,
    /// When it began, as RFC 3339.
    pub started: String,
    /// Whether all that was asked for was measured.
    pub complete: bool,
    /// Where.
    pub machine: Machine,
    /// Rounds that were asked for.
    pub rounds: u16,
    /// One entry for each model, precision, number of threads and set.
    pub results: Vec<Measured>,
    /// Models compared on the same articles: the first with each of the others.
    pub differences: Vec<Compared>,
    /// What may have disturbed the measurements.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    pub system: String,
    pub processor: String,
    pub processors: usize,
    pub device: String,
}

/// A model in one precision on one number of threads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub model: String,
    pub precision: String,
    pub threads: usize,
}

/// What was measured of a setting on a set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    #[serde(flatten)]
    pub setting: Setting,
    /// SHA-256 of the model's weights file.
    pub sha256: String,
    pub parameters: usize,
    pub set: String,
    pub split: String,
    /// Articles that `classify` labelled in a pass.
    pub articles: u64,
    /// Rows that could not be used.
    pub rejected: usize,
    /// Tokens of these; words for a linear model.
    pub tokens: u64,
    /// Seconds from calling the model until it is ready.
    pub load_seconds: Spread,
    /// Articles by seconds of the whole command `newsdesk classify`, from its start to its end.
    pub articles_per_second: Spread,
    /// Articles by seconds, without starting and loading.
    pub steady_articles_per_second: Spread,
    /// Tokens by seconds, without starting and loading the model.
    pub tokens_per_second: Spread,
    /// Milliseconds that a single article takes; none if there are too few to tell.
    pub latency_ms: Option<Latency>,
    /// Most bytes of memory that the command took, where the system tells.
    pub peak_memory_bytes: Option<Spread>,
    /// The figures of each head.
    pub heads: Vec<Quality>,
}

/// Middle and ends of a figure over the rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// Percentiles over all single articles of all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub articles: usize,
    /// The 95th percentile, round by round.
    pub p95_of_rounds: Spread,
    /// Every hundredth part of the distribution, from the lowest to the highest.
    pub percentiles: Vec<f64>,
}

/// How right a head is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quality {
    pub head: String,
    pub articles: u64,
    pub accuracy: f64,
    pub accuracy_interval: Interval,
    pub macro_f1: f64,
    pub ece: f64,
}

/// Two models on the same articles.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compared {
    pub set: String,
    pub head: String,
    pub first: String,
    pub second: String,
    pub articles: usize,
    #[serde(flatten)]
    pub difference: Difference,
}

impl Spread {
    /// Of what the rounds gave; zeros of nothing.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        match sorted.as_slice() {
            [] => Self::default(),
            all => Self { median: median(all), low: all[0], high: all[all.len() - 1] },
        }
    }

    /// How far the ends lie apart, as a share of the middle.
    pub fn width(&self) -> f64 {
        if self.median > 0.0 { (self.high - self.low) / self.median } else { 0.0 }
    }
}

/// The middle of sorted values, of which there is one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

impl Latency {
    /// Of the articles' milliseconds, round by round; `None` for fewer than twenty, whose 95th percentile would be one article.
    pub fn of(rounds: &[Vec<f64>]) -> Option<Self> {
        let all = sorted(rounds.iter().flatten());
        if all.len() < 20 {
            return None;
        }
        let of_rounds = rounds.iter().filter(|round| !round.is_empty()).map(|round| at(&sorted(round.iter()), 0.95));
        Some(Self {
            p50: at(&all, 0.5),
            p95: at(&all, 0.95),
            p99: at(&all, 0.99),
            articles: all.len(),
            p95_of_rounds: Spread::of(&of_rounds.collect::<Vec<_>>()),
            percentiles: (0..=100).map(|percent| at(&all, f64::from(percent) / 100.0)).collect(),
        })
    }
}

fn sorted<'a>(values: impl Iterator<Item = &'a f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value at a share of sorted ones, of which there is one.
fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

impl Setting {
    /// As tables and charts name it.
    pub fn name(&self) -> String {
        let threads = if self.threads == 1 { "1 thread".into() } else { format!("{} threads", self.threads) };
        format!("{}, {}, {threads}", self.model, self.precision)
    }
}

impl Results {
    /// Reads the results of an earlier run.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |cause: String| {
            let message = format!("Failed to read the results `{}`: {cause}", path.display());
            Usage::new(message, "`newsdesk bench --output FILE` writes them")
        };
        let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        Ok(serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?)
    }

    /// Writes them.
    pub fn write(&self, path: &Path) -> Result<()> {
        whole::write(path, &(serde_json::to_string_pretty(self)? + "\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_rounds() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, low: 1.0, high: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0]).median, 2.5);
        assert_eq!(Spread::of(&[]), Spread::default());
        assert_eq!(Spread::of(&[4.0, 5.0, 6.0]).width(), 0.4);
    }

    #[test]
    fn percentiles_of_articles() {
        let milliseconds: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        let found =
            Latency::of(&[milliseconds]).map(|of| [of.p50, of.p95, of.p99, of.percentiles[0], of.percentiles[100]]);
        assert_eq!(found, Some([50.0, 95.0, 99.0, 0.0, 100.0]));
        assert_eq!(Latency::of(&[vec![1.0; 19]]), None);
    }
}
