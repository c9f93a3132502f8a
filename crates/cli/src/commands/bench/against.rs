//! `--against`: what got slower, larger or worse since an earlier run.

use super::record::{Measured, Results, Spread};
use newsdesk_metrics::Interval;
use serde::Serialize;

/// A figure that changed by more than chance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub setting: String,
    pub set: String,
    pub figure: String,
    pub before: f64,
    pub now: f64,
    pub worse: bool,
}

/// What changed between two runs, in what both of them measured on as many articles, and how much that is: settings times sets.
///
/// Speed, latency and memory count as changed beyond `tolerance` (a share) if the ranges of their rounds do not overlap either; accuracy if
/// it is outside of the interval that it had.
pub fn changes(before: &Results, now: &Results, tolerance: f64) -> (Vec<Change>, usize) {
    let (mut found, mut common) = (vec![], 0);
    for new in &now.results {
        // Starting and loading weigh more where there are fewer articles.
        let same = |old: &&Measured| {
            old.setting == new.setting && (&old.set, &old.split, old.articles) == (&new.set, &new.split, new.articles)
        };
        let Some(old) = before.results.iter().find(same) else { continue };
        common += 1;
        let mut add = |figure: String, before: f64, now: f64, worse: bool| {
            let (setting, set) = (new.setting.name(), new.set.clone());
            found.push(Change { setting, set, figure, before, now, worse });
        };
        let speed = (old.articles_per_second, new.articles_per_second);
        if let Some(is_more) = changed(&speed.0, &speed.1, tolerance) {
            add("articles/s".into(), speed.0.median, speed.1.median, !is_more);
        }
        if let Some(is_more) = changed(&old.load_seconds, &new.load_seconds, tolerance) {
            add("seconds to load".into(), old.load_seconds.median, new.load_seconds.median, is_more);
        }
        if let (Some(old), Some(new)) = (&old.peak_memory_bytes, &new.peak_memory_bytes)
            && let Some(is_more) = changed(old, new, tolerance)
        {
            add("peak memory, bytes".into(), old.median, new.median, is_more);
        }
        if let (Some(old), Some(new)) = (&old.latency_ms, &new.latency_ms)
            && let Some(is_more) = changed(&old.p95_of_rounds, &new.p95_of_rounds, tolerance)
        {
            add("p95 latency, ms".into(), old.p95_of_rounds.median, new.p95_of_rounds.median, is_more);
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

/// Whether a figure is now more or less, if it changed.
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
    fn changes_are_beyond_tolerance_and_noise() {
        let before = spread(95.0, 100.0, 105.0);
        assert_eq!(changed(&before, &spread(108.0, 109.0, 110.0), 0.1), None);
        assert_eq!(changed(&before, &spread(111.0, 120.0, 130.0), 0.1), Some(true));
        assert_eq!(changed(&before, &spread(104.0, 120.0, 130.0), 0.1), None);
        assert_eq!(changed(&before, &spread(70.0, 80.0, 90.0), 0.1), Some(false));
        assert_eq!(changed(&Spread::default(), &before, 0.1), None);
    }
}
