//! The results of a benchmark, as `--output` and `--json` write them.

use crate::failure::Usage;
use crate::output::atomic;
use anyhow::Result;
use newsdesk_files::read::bounded;
use newsdesk_metrics::{Difference, Interval};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The results of a run of `newsdesk bench`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    /// Version of Newsdesk.
    pub newsdesk: String,
    /// Time of the start, as RFC 3339.
    pub started: String,
    /// Whether all rounds were finished.
    pub complete: bool,
    pub machine: Machine,
    /// Number of rounds requested.
    pub rounds: u16,
    /// One entry for each model, dtype, number of threads and data set.
    pub results: Vec<Measured>,
    /// Accuracy of the first model compared with each of the others, on the same articles.
    pub differences: Vec<Compared>,
    /// Conditions that may have disturbed the measurements.
    pub notes: Vec<String>,
}

/// The machine that ran the benchmark.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    pub system: String,
    /// The CPU's model name. Older versions wrote `processor`.
    #[serde(alias = "processor")]
    pub cpu: String,
    /// Number of logical CPUs. Older versions wrote `processors`.
    #[serde(alias = "processors")]
    pub cpus: usize,
    pub device: String,
}

/// A model with one dtype and one number of threads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub model: String,
    /// Older versions wrote `precision`.
    #[serde(alias = "precision")]
    pub dtype: String,
    pub threads: usize,
}

/// The measurements of a setting on a data set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    #[serde(flatten)]
    pub setting: Setting,
    /// Where on the hub the model comes from: `ORG/NAME@COMMIT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// SHA-256 of the model's weights file.
    pub sha256: String,
    pub parameters: usize,
    pub set: String,
    pub split: String,
    /// Articles that `newsdesk classify` labels in a pass.
    pub articles: u64,
    /// Rows that were rejected.
    pub rejected: usize,
    /// Tokens of these articles; words for a linear model.
    pub tokens: u64,
    /// Time to load the model, in seconds.
    pub load_seconds: Spread,
    /// Throughput of the whole command `newsdesk classify`, including its start.
    pub articles_per_second: Spread,
    /// Throughput without starting the process and loading the model.
    pub steady_articles_per_second: Spread,
    /// Token throughput without starting the process and loading the model.
    pub tokens_per_second: Spread,
    /// Latency of single articles, in milliseconds; `None` for fewer than 20 articles.
    pub latency_ms: Option<Latency>,
    /// Peak memory of the command, in bytes; Linux only.
    pub peak_memory_bytes: Option<Spread>,
    /// The accuracy of each head.
    pub heads: Vec<Quality>,
}

/// Median, minimum and maximum of a measurement over the rounds.
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
    /// Spread of the 95th percentiles of the rounds.
    pub p95_of_rounds: Spread,
    /// Percentiles 0 to 100.
    pub percentiles: Vec<f64>,
}

/// The metrics of a head.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quality {
    pub head: String,
    pub articles: u64,
    pub accuracy: f64,
    pub accuracy_interval: Interval,
    pub macro_f1: f64,
    pub ece: f64,
    /// Whether no other setting is faster and at least as accurate, or as fast and more accurate.
    #[serde(default)]
    pub is_on_front: bool,
}

/// The accuracy of two models compared on the same articles.
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
    /// Returns the spread of the values; zeros if there are none.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        match sorted.as_slice() {
            [] => Self::default(),
            all => Self { median: median(all), low: all[0], high: all[all.len() - 1] },
        }
    }

    /// Returns the range as a fraction of the median.
    pub fn width(&self) -> f64 {
        if self.median > 0.0 { (self.high - self.low) / self.median } else { 0.0 }
    }
}

/// Returns the median of sorted values. There must be at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

impl Latency {
    /// Returns the percentiles of latencies given round by round, in milliseconds. Returns `None` for fewer than 20
    /// values: their 95th percentile would be the maximum.
    pub fn of(rounds: &[Vec<f64>]) -> Option<Self> {
        let all = sorted(rounds.iter().flatten());
        if all.len() < 20 {
            return None;
        }
        let p95 = |round: &Vec<f64>| percentile(&sorted(round.iter()), 0.95);
        let p95_of_rounds: Vec<f64> = rounds.iter().filter(|round| !round.is_empty()).map(p95).collect();
        Some(Self {
            p50: percentile(&all, 0.5),
            p95: percentile(&all, 0.95),
            p99: percentile(&all, 0.99),
            articles: all.len(),
            p95_of_rounds: Spread::of(&p95_of_rounds),
            percentiles: (0..=100).map(|percent| percentile(&all, f64::from(percent) / 100.0)).collect(),
        })
    }
}

fn sorted<'a>(values: impl Iterator<Item = &'a f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Returns a percentile of sorted values, given as a fraction. There must be at least one value.
fn percentile(sorted: &[f64], fraction: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * fraction).round() as usize]
}

impl Setting {
    /// Returns the name that tables and charts use.
    pub fn name(&self) -> String {
        let threads = if self.threads == 1 { "1 thread".into() } else { format!("{} threads", self.threads) };
        format!("{}, {}, {threads}", self.model, self.dtype)
    }
}

/// Maximum size of a file of results in bytes.
const MAX_RESULTS: u64 = 256 << 20;

impl Results {
    /// Reads the results of an earlier run.
    ///
    /// # Errors
    /// If the file cannot be read or parsed.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |cause: String| {
            let message = format!("cannot read the results `{}`: {cause}", path.display());
            Usage::new(message, "give a file that `newsdesk bench --output FILE` wrote")
        };
        let text = bounded(path, MAX_RESULTS).map_err(|error| failed(error.to_string()))?;
        Ok(serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?)
    }

    /// Writes the results.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        atomic::write(path, &(serde_json::to_string_pretty(self)? + "\n"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn spread_has_median_and_range() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, low: 1.0, high: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0]).median, 2.5);
        assert_eq!(Spread::of(&[]), Spread::default());
        assert_eq!(Spread::of(&[4.0, 5.0, 6.0]).width(), 0.4);
    }

    #[test]
    fn percentiles_need_twenty_latencies() {
        let milliseconds: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        let found = Latency::of(&[milliseconds]).map(|found| {
            let Latency { p50, p95, p99, percentiles, .. } = found;
            [p50, p95, p99, percentiles[0], percentiles[100]]
        });
        assert_eq!(found, Some([50.0, 95.0, 99.0, 0.0, 100.0]));
        assert_eq!(Latency::of(&[vec![1.0; 19]]), None);
    }

    #[test]
    fn setting_of_an_older_file_is_read() {
        let spread = r#"{"median":1.0,"low":1.0,"high":1.0}"#;
        let text = format!(
            r#"{{"model":"m","precision":"int8","threads":2,"sha256":"","parameters":9,"set":"s","split":"all","articles":1,
            "rejected":0,"tokens":1,"load_seconds":{spread},"articles_per_second":{spread},"steady_articles_per_second":{spread},
            "tokens_per_second":{spread},"latency_ms":null,"peak_memory_bytes":null,"heads":[]}}"#
        );
        let measured: Measured = serde_json::from_str(&text).unwrap();
        assert_eq!(measured.setting, Setting { model: "m".into(), dtype: "int8".into(), threads: 2 });
        assert!(serde_json::to_string(&measured).unwrap().contains(r#""dtype":"int8""#));
    }
}
