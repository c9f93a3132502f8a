//! The order in which an epoch meets its examples: drawn from the seed, in steps of similar length.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Steps whose rows are sorted by length together: enough for little padding, few enough to stay random.
const STEPS_SORTED_TOGETHER: usize = 50;

/// A random number generator for one purpose of one epoch and step.
pub(crate) fn random(seed: u64, purpose: u64, epoch: usize, step: usize) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream((purpose << 56) | ((epoch as u64) << 32) | step as u64);
    random
}

/// The part of a set that an epoch takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// Rows of the set.
    pub(crate) rows: usize,
    /// Rows that an epoch takes of them; more than there are means that some are met again.
    pub(crate) taken: usize,
}

impl Share {
    /// At most `cap` rows (0 for all), times the set's weight.
    pub(crate) fn new(rows: usize, cap: usize, weight: f64) -> Self {
        let most = if cap == 0 { rows } else { cap.min(rows) };
        Self { rows, taken: (most as f64 * weight).ceil() as usize }
    }
}

/// Steps of one epoch: each a list of (set, row). A set of which an epoch takes a part is gone through over several
/// epochs, and begun again when all its rows were met. `length` gives a row's tokens.
pub(crate) fn steps(
    sets: &[Share],
    batch_size: usize,
    seed: u64,
    epoch: usize,
    length: impl Fn(usize, usize) -> usize,
) -> Vec<Vec<(usize, usize)>> {
    let mut drawn = Vec::new();
    for (set, &Share { rows: count, taken }) in sets.iter().enumerate() {
        let first = epoch * taken;
        // One order per round through the set, so that an epoch goes on where the last one stopped.
        let mut order: Vec<usize> = Vec::new();
        let mut round = usize::MAX;
        for place in first..first + taken {
            if place / count != round {
                round = place / count;
                order = (0..count).collect();
                order.shuffle(&mut random(seed, 1 + set as u64, round, 0));
            }
            drawn.push((set, order[place % count]));
        }
    }
    let mut random = random(seed, 0, epoch, 0);
    drawn.shuffle(&mut random);
    let mut steps: Vec<Vec<(usize, usize)>> = Vec::new();
    for group in drawn.chunks_mut(batch_size * STEPS_SORTED_TOGETHER) {
        group.sort_by_key(|&(set, row)| length(set, row));
        steps.extend(group.chunks(batch_size).map(<[_]>::to_vec));
    }
    steps.shuffle(&mut random);
    steps
}

/// A number with which the dropout of one part of one step is drawn.
pub(crate) fn dropout_seed(seed: u64, epoch: usize, step: usize, part: usize) -> u64 {
    random(seed, 255 - (part as u64 % 64), epoch, step | (part / 64) << 24).random()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all(rows: usize) -> Share {
        Share::new(rows, 0, 1.0)
    }

    #[test]
    fn an_epoch_meets_every_row_once() {
        let steps = steps(&[all(100), all(37)], 8, 1, 0, |_, row| row);
        let met: Vec<_> = steps.concat();
        assert_eq!(met.len(), 137);
        assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), 137);
    }

    #[test]
    fn a_capped_set_is_gone_through_over_epochs() {
        let epoch = |epoch| steps(&[Share::new(90, 30, 1.0)], 8, 1, epoch, |_, _| 1).concat();
        let met: BTreeSet<_> = (0..3).flat_map(epoch).collect();
        assert_eq!(met.len(), 90);
    }

    #[test]
    fn a_set_with_a_weight_is_met_as_often_as_that() {
        let sets = [Share::new(10, 0, 2.5), Share::new(40, 20, 0.5), Share::new(0, 0, 3.0)];
        let met = steps(&sets, 8, 1, 0, |_, _| 1).concat();
        let times = |set, row| met.iter().filter(|&&place| place == (set, row)).count();
        assert_eq!(met.len(), 25 + 10);
        assert!((0..10).all(|row| (2..=3).contains(&times(0, row))));
        assert!((0..40).all(|row| times(1, row) <= 1));
    }

    #[test]
    fn the_seed_and_the_epoch_decide() {
        let order = |seed, epoch| steps(&[all(50)], 8, seed, epoch, |_, row| row);
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(2, 0));
        assert_ne!(order(1, 0), order(1, 1));
    }
}
