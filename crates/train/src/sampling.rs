//! Samples the rows of an epoch and orders them into steps of similar length.

use crate::random::random;
use newsdesk_data::LabelledSet;
use rand::seq::SliceRandom;

/// Steps whose rows are sorted by length together: enough for little padding on a GPU, few enough to stay random.
const STEPS_SORTED_TOGETHER: usize = 50;

/// The number of rows that an epoch takes from a data set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetSample {
    /// Rows of the data set.
    pub(crate) rows: usize,
    /// Rows that an epoch takes. If there are fewer rows than that, some are taken more than once.
    pub(crate) taken: usize,
}

impl SetSample {
    /// At most `cap` rows (0 for all), times the weight of the data set.
    pub(crate) fn new(rows: usize, cap: usize, weight: f64) -> Self {
        let capped = if cap == 0 { rows } else { cap.min(rows) };
        Self { rows, taken: (capped as f64 * weight).ceil() as usize }
    }

    /// Returns a line about the sample for a model's training record.
    pub(crate) fn description(&self, set: &LabelledSet) -> String {
        format!("{} {}: {} of {} rows", set.name, set.split, self.taken, self.rows)
    }
}

/// Returns the steps of one epoch, each a list of (data set, row).
///
/// If an epoch takes only a part of a data set, the following epochs continue with the rest. Once all rows were taken, the data
/// set starts over in a new order. `length` returns the number of tokens of a row.
pub(crate) fn epoch_steps(
    samples: &[SetSample],
    batch_size: usize,
    seed: u64,
    epoch: usize,
    length: impl Fn(usize, usize) -> usize,
) -> Vec<Vec<(usize, usize)>> {
    let mut drawn = Vec::new();
    for (set, &SetSample { rows, taken }) in samples.iter().enumerate() {
        let first = epoch * taken;
        // One order for each pass through the data set, so that an epoch continues where the last one stopped.
        let mut order: Vec<usize> = Vec::new();
        let mut pass = usize::MAX;
        for position in first..first + taken {
            if position / rows != pass {
                pass = position / rows;
                order = (0..rows).collect();
                order.shuffle(&mut random(seed, 1 + set as u64, pass, 0));
            }
            drawn.push((set, order[position % rows]));
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all(rows: usize) -> SetSample {
        SetSample::new(rows, 0, 1.0)
    }

    #[test]
    fn an_epoch_takes_every_row_once() {
        let steps = epoch_steps(&[all(100), all(37)], 8, 1, 0, |_, row| row);
        let taken: Vec<_> = steps.concat();
        assert_eq!(taken.len(), 137);
        assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 137);
    }

    #[test]
    fn a_capped_set_is_spread_over_epochs() {
        let epoch = |epoch| epoch_steps(&[SetSample::new(90, 30, 1.0)], 8, 1, epoch, |_, _| 1).concat();
        let taken: BTreeSet<_> = (0..3).flat_map(epoch).collect();
        assert_eq!(taken.len(), 90);
    }

    #[test]
    fn the_weight_of_a_set_multiplies_its_rows() {
        let samples = [SetSample::new(10, 0, 2.5), SetSample::new(40, 20, 0.5), SetSample::new(0, 0, 3.0)];
        let taken = epoch_steps(&samples, 8, 1, 0, |_, _| 1).concat();
        let times = |set, row| taken.iter().filter(|&&drawn| drawn == (set, row)).count();
        assert_eq!(taken.len(), 25 + 10);
        assert!((0..10).all(|row| (2..=3).contains(&times(0, row))));
        assert!((0..40).all(|row| times(1, row) <= 1));
    }

    #[test]
    fn the_order_depends_on_seed_and_epoch() {
        let order = |seed, epoch| epoch_steps(&[all(50)], 8, seed, epoch, |_, row| row);
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(2, 0));
        assert_ne!(order(1, 0), order(1, 1));
    }
}
