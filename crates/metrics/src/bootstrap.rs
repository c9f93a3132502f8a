//! The bootstrap (Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979) with percentile intervals.
//!
//! The seed is fixed, so the same cases always have the same interval.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The number of resamples.
pub const RESAMPLES: usize = 1000;

const SEED: u64 = 0;

/// Draws [`RESAMPLES`] resamples of `cases` cases with replacement. `visit` gets the number of times that each case is in a
/// resample. Without cases nothing is drawn.
pub(crate) fn resample(cases: usize, mut visit: impl FnMut(&[u32])) {
    if cases == 0 {
        return;
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut times = vec![0u32; cases];
    for _ in 0..RESAMPLES {
        times.fill(0);
        (0..cases).for_each(|_| times[random.random_range(0..cases)] += 1);
        visit(&times);
    }
}

/// Returns the ends of the middle `level` of the values, or zeros if there are none. Sorts the values.
pub(crate) fn percentiles(values: &mut [f64], level: f64) -> [f64; 2] {
    if values.is_empty() {
        return [0.0, 0.0];
    }
    values.sort_by(f64::total_cmp);
    let at = |quantile: f64| values[((values.len() - 1) as f64 * quantile).round() as usize];
    [at((1.0 - level) / 2.0), at((1.0 + level) / 2.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resamples_have_as_many_cases_and_are_repeatable() {
        let draw = || {
            let mut drawn = vec![];
            resample(5, |times| drawn.push(times.to_vec()));
            drawn
        };
        assert_eq!(draw().len(), RESAMPLES);
        assert!(draw().iter().all(|times| times.iter().sum::<u32>() == 5));
        assert_eq!(draw(), draw());
    }

    #[test]
    fn percentiles_are_the_middle_of_the_values() {
        let mut values: Vec<f64> = (0..=1000).rev().map(f64::from).collect();
        assert_eq!(percentiles(&mut values, 0.95), [25.0, 975.0]);
        assert_eq!(percentiles(&mut [], 0.95), [0.0, 0.0]);
    }
}
