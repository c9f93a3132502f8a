//! How long texts are: exact quantiles out of counts, so that memory grows with the number of different lengths only.

use std::collections::BTreeMap;

use serde::Serialize;

/// Lengths that were seen, and how often.
#[derive(Debug, Clone, Default)]
pub(super) struct Lengths {
    seen: BTreeMap<usize, u64>,
    count: u64,
}

/// What lengths are like. A quantile is the least length that this part of the texts does not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LengthSummary {
    /// Half of the texts are no longer.
    pub median: usize,
    /// Nine in ten texts are no longer.
    pub p90: usize,
    /// All but one in a hundred are no longer.
    pub p99: usize,
    /// The longest.
    pub max: usize,
}

impl Lengths {
    pub fn add(&mut self, length: usize) {
        *self.seen.entry(length).or_insert(0) += 1;
        self.count += 1;
    }

    /// `None` if there are no texts.
    pub fn summary(&self) -> Option<LengthSummary> {
        let max = *self.seen.last_key_value()?.0;
        let quantile = |percent: u64| {
            let rank = (self.count * percent).div_ceil(100);
            let mut before = 0;
            let reached = self.seen.iter().find(|(_, times)| {
                before += **times;
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
        fn quantiles_are_those_of_the_sorted_lengths(mut lengths in prop::collection::vec(0..500_usize, 1..300)) {
            let mut counted = Lengths::default();
            lengths.iter().for_each(|length| counted.add(*length));
            lengths.sort_unstable();
            let at = |percent: usize| lengths[(lengths.len() * percent).div_ceil(100) - 1];
            let expected = LengthSummary { median: at(50), p90: at(90), p99: at(99), max: lengths[lengths.len() - 1] };
            prop_assert_eq!(counted.summary().unwrap(), expected);
        }
    }

    #[test]
    fn nothing_has_no_lengths() {
        assert_eq!(Lengths::default().summary(), None);
    }
}
