//! `--baseline`: finds measurements that got slower, larger or worse since an earlier run.

use super::record::{Measured, Results, Spread};
use newsdesk_metrics::Interval;
use serde::Serialize;

/// A measurement that changed by more than noise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub setting: String,
    pub set: String,
    pub figure: String,
    pub before: f64,
    pub now: f64,
    pub worse: bool,
}

/// Returns the changes between two runs, and how many measurements (a setting on a data set) both runs have in common.
///
/// Speed, latency and memory count as changed if the medians differ by more than `tolerance` (a fraction) and the
/// ranges of the rounds do not overlap. Accuracy counts as changed if it is outside its earlier confidence interval.
pub fn changes(baseline: &Results, now: &Results, tolerance: f64) -> (Vec<Change>, usize) {
    let (mut found, mut common) = (vec![], 0);
    for new in &now.results {
        // The number of articles must be the same: starting and loading count for more if there are fewer.
        let same = |old: &&Measured| {
            old.setting == new.setting && (&old.set, &old.split, old.articles) == (&new.set, &new.split, new.articles)
        };
        let Some(old) = baseline.results.iter().find(same) else { continue };
        common += 1;
        let mut add = |figure: String, before: f64, now: f64, worse: bool| {
            let (setting, set) = (new.setting.name(), new.set.clone());
            found.push(Change { setting, set, figure, before, now, worse });
        };
        let speed = (old.articles_per_second, new.articles_per_second);
        if let Some(increased) = changed(&speed.0, &speed.1, tolerance) {
            add("articles/s".into(), speed.0.median, speed.1.median, !increased);
        }
        if let Some(increased) = changed(&old.load_seconds, &new.load_seconds, tolerance) {
            add("load time, s".into(), old.load_seconds.median, new.load_seconds.median, increased);
        }
        if let (Some(old), Some(new)) = (&old.peak_memory_bytes, &new.peak_memory_bytes)
            && let Some(increased) = changed(old, new, tolerance)
        {
            add("peak memory, bytes".into(), old.median, new.median, increased);
        }
        if let (Some(old), Some(new)) = (&old.latency_ms, &new.latency_ms)
            && let Some(increased) = changed(&old.p95_of_rounds, &new.p95_of_rounds, tolerance)
        {
            add("p95 latency, ms".into(), old.p95_of_rounds.median, new.p95_of_rounds.median, increased);
        }
        for quality in &new.heads {
            let Some(old) = old.heads.iter().find(|old| old.head == quality.head) else { continue };
            let Interval { low, high } = old.accuracy_interval;
            if quality.accuracy < low || quality.accuracy > high {
                add(format!("accuracy of {}", quality.head), old.accuracy, quality.accuracy, quality.accuracy < low);
            }
        }
    }
    (found, common)
}

/// Returns whether a measurement increased, or `None` if it did not change.
fn changed(before: &Spread, now: &Spread, tolerance: f64) -> Option<bool> {
    let ratio = if before.median > 0.0 { now.median / before.median } else { return None };
    match () {
        () if ratio > 1.0 + tolerance && now.low > before.high => Some(true),
        () if ratio < 1.0 / (1.0 + tolerance) && now.high < before.low => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(low: f64, median: f64, high: f64) -> Spread {
        Spread { median, low, high }
    }

    #[test]
    fn changes_exceed_tolerance_and_noise() {
        let before = spread(95.0, 100.0, 105.0);
        assert_eq!(changed(&before, &spread(108.0, 109.0, 110.0), 0.1), None);
        assert_eq!(changed(&before, &spread(111.0, 120.0, 130.0), 0.1), Some(true));
        assert_eq!(changed(&before, &spread(104.0, 120.0, 130.0), 0.1), None);
        assert_eq!(changed(&before, &spread(70.0, 80.0, 90.0), 0.1), Some(false));
        assert_eq!(changed(&Spread::default(), &before, 0.1), None);
    }
}
