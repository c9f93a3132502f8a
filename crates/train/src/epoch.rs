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

/// Steps of one epoch: each a list of (set, row), in all at most `cap` rows of a set (0 for all). A set with more rows
/// than that is gone through over several epochs. `length` gives a row's tokens.
pub(crate) fn steps(
    rows: &[usize],
    cap: usize,
    batch_size: usize,
    seed: u64,
    epoch: usize,
    length: impl Fn(usize, usize) -> usize,
) -> Vec<Vec<(usize, usize)>> {
    let mut drawn = Vec::new();
    for (set, &count) in rows.iter().enumerate() {
        if count == 0 {
            continue;
        }
        let take = if cap == 0 { count } else { cap.min(count) };
        let first = epoch * take;
        // One order per round through the set, so that an epoch goes on where the last one stopped.
        let mut order: Vec<usize> = Vec::new();
        let mut round = usize::MAX;
        for place in first..first + take {
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

    #[test]
    fn an_epoch_meets_every_row_once() {
        let steps = steps(&[100, 37], 0, 8, 1, 0, |_, row| row);
        let met: Vec<_> = steps.concat();
        assert_eq!(met.len(), 137);
        assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), 137);
    }

    #[test]
    fn a_capped_set_is_gone_through_over_epochs() {
        let epoch = |epoch| steps(&[90], 30, 8, 1, epoch, |_, _| 1).concat();
        let met: BTreeSet<_> = (0..3).flat_map(epoch).collect();
        assert_eq!(met.len(), 90);
    }

    #[test]
    fn the_seed_and_the_epoch_decide() {
        let order = |seed, epoch| steps(&[50], 0, 8, seed, epoch, |_, row| row);
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(2, 0));
        assert_ne!(order(1, 0), order(1, 1));
    }
}
