//! Lengths of texts. Quantiles are exact, and memory use only depends on the number of distinct lengths.

use std::collections::BTreeMap;

use serde::Serialize;

/// The number of texts of each length.
#[derive(Debug, Clone, Default)]
pub(super) struct Lengths {
    counts: BTreeMap<usize, u64>,
    count: u64,
}

/// A summary of lengths. The quantile p is the smallest length that a fraction p of the texts does not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LengthSummary {
    /// The median.
    pub median: usize,
    /// The 90th percentile.
    pub p90: usize,
    /// The 99th percentile.
    pub p99: usize,
    /// The maximum.
    pub max: usize,
}

impl Lengths {
    pub fn add(&mut self, length: usize) {
        *self.counts.entry(length).or_insert(0) += 1;
        self.count += 1;
    }

    /// Returns the summary, or `None` if there are no texts.
    pub fn summary(&self) -> Option<LengthSummary> {
        let max = *self.counts.last_key_value()?.0;
        let quantile = |percent: u64| {
            let rank = (self.count * percent).div_ceil(100);
            let mut before = 0;
            let reached = self.counts.iter().find(|(_, count)| {
                before += **count;
                before >= rank
            });
            reached.map_or(max, |(length, _)| *length)
        };
        Some(LengthSummary { median: quantile(50), p90: quantile(90), p99: quantile(99), max })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_equal_those_of_the_sorted_lengths(mut lengths in prop::collection::vec(0..500_usize, 1..300)) {
            let mut counted = Lengths::default();
            lengths.iter().for_each(|length| counted.add(*length));
            lengths.sort_unstable();
            let at = |percent: usize| lengths[(lengths.len() * percent).div_ceil(100) - 1];
            let expected = LengthSummary { median: at(50), p90: at(90), p99: at(99), max: lengths[lengths.len() - 1] };
            prop_assert_eq!(counted.summary().unwrap(), expected);
        }
    }

    #[test]
    fn no_texts_have_no_summary() {
        assert_eq!(Lengths::default().summary(), None);
    }
}
