//! Assigns texts to splits by iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011).
//!
//! The method handles single-label and multi-label rows. It processes the rarest label first, because its rows are the
//! hardest to distribute. Two things differ from the paper. The number of rows of each label in a split is fixed in
//! advance, by largest remainders, so that the splits also have the right size as a whole. And texts are taken in the
//! order of their hashes instead of at random.

use std::collections::HashMap;

use super::apportion::apportion;
use super::shares::{Shares, Split};
use crate::hash::StableHash;
use crate::text_hash::{TextHash, mix};

/// The splits that are held out, in the order in which they get their rows.
const HELD_OUT: [Split; 2] = [Split::Test, Split::Validation];

/// The rows with one text. They stay together.
struct Group {
    text: TextHash,
    /// The index of its first entry in [`Groups::sizes`]. Its entries end where those of the next group start.
    sizes: usize,
}

/// The groups in the order of their hashes, and their rows of each label.
struct Groups {
    groups: Vec<Group>,
    /// Label and number of rows, group by group.
    sizes: Vec<(u32, u32)>,
    /// The groups of each label, in order.
    of_label: Vec<Vec<u32>>,
    splits: Vec<Option<Split>>,
    /// The number of rows of each label in each split so far.
    taken: Vec<[u64; 3]>,
}

/// Returns the held-out texts and their splits.
///
/// `rows` contains a text hash and the index of a label for each row and label.
pub(super) fn assign(
    rows: Vec<(TextHash, u32)>,
    labels: &[String],
    shares: Shares,
    seed: u64,
) -> HashMap<TextHash, Split> {
    let mut groups = Groups::new(rows, labels.len(), seed);
    let counts: Vec<u64> = (0..labels.len()).map(|label| groups.rows_of(label)).collect();
    // Ties are broken by name, because the indices of labels depend on the order of the rows.
    let mut rarest_first: Vec<usize> = (0..labels.len()).collect();
    rarest_first.sort_by_key(|&label| (counts[label], &labels[label]));

    for &label in &rarest_first {
        groups.keep_one_for_training(label);
    }
    let mut available: Vec<u64> = (0..labels.len()).map(|label| counts[label].saturating_sub(1)).collect();
    let quotas = HELD_OUT.map(|split| {
        let tie = |label: usize| {
            let name = StableHash::new().with(labels[label].as_bytes()).value();
            mix(name ^ mix(seed ^ split.index() as u64))
        };
        let quota = apportion(&counts, &available, shares.of(split), tie);
        available.iter_mut().zip(&quota).for_each(|(available, quota)| *available -= quota);
        quota
    });
    for &label in &rarest_first {
        for (split, quota) in HELD_OUT.into_iter().zip(&quotas) {
            groups.fill(label, split, quota[label]);
        }
        groups.assign_rest_to_training(label);
    }
    for split in HELD_OUT.into_iter().filter(|split| shares.of(*split) > 0.0) {
        groups.hold_out_one(split);
    }
    let groups_with_splits = groups.groups.iter().zip(&groups.splits);
    groups_with_splits
        .filter_map(|(group, split)| split.filter(|split| *split != Split::Train).map(|split| (group.text, split)))
        .collect()
}

impl Groups {
    fn new(mut rows: Vec<(TextHash, u32)>, labels: usize, seed: u64) -> Groups {
        rows.sort_unstable_by_key(|(text, label)| (text.order(seed), *text, *label));
        let (mut groups, mut sizes) = (Vec::new(), Vec::new());
        let mut of_label = vec![Vec::new(); labels];
        for rows in rows.chunk_by(|(one, _), (other, _)| one == other) {
            let group = Group { text: rows[0].0, sizes: sizes.len() };
            for same in rows.chunk_by(|(_, one), (_, other)| one == other) {
                let label = same[0].1;
                of_label[label as usize].push(groups.len() as u32);
                sizes.push((label, same.len() as u32));
            }
            groups.push(group);
        }
        let splits = vec![None; groups.len()];
        Groups { groups, sizes, of_label, splits, taken: vec![[0; 3]; labels] }
    }

    /// Returns the labels of a group, with its number of rows of each.
    fn sizes(&self, group: usize) -> &[(u32, u32)] {
        let end = self.groups.get(group + 1).map_or(self.sizes.len(), |next| next.sizes);
        &self.sizes[self.groups[group].sizes..end]
    }

    /// Returns the number of rows of a group with this label.
    fn size(&self, group: usize, label: usize) -> u64 {
        self.sizes(group).iter().find(|(id, _)| *id as usize == label).map_or(0, |(_, rows)| u64::from(*rows))
    }

    fn rows_of(&self, label: usize) -> u64 {
        self.of_label[label].iter().map(|group| self.size(*group as usize, label)).sum()
    }

    fn assign(&mut self, group: usize, split: Split) {
        for index in 0..self.sizes(group).len() {
            let (label, rows) = self.sizes(group)[index];
            self.taken[label as usize][split.index()] += u64::from(rows);
        }
        self.splits[group] = Some(split);
    }

    /// Returns the groups of a label that have no split yet.
    fn unassigned(&self, label: usize) -> Vec<usize> {
        let groups = self.of_label[label].iter().map(|group| *group as usize);
        groups.filter(|group| self.splits[*group].is_none()).collect()
    }

    /// Assigns the last group of a label to the training split, unless that has the label already.
    fn keep_one_for_training(&mut self, label: usize) {
        if self.taken[label][Split::Train.index()] == 0
            && let Some(last) = self.of_label[label].last()
        {
            self.assign(*last as usize, Split::Train);
        }
    }

    /// Assigns groups of a label to a split, as close to the quota as whole groups allow.
    fn fill(&mut self, label: usize, split: Split, quota: u64) {
        for group in self.unassigned(label) {
            let missing = quota.saturating_sub(self.taken[label][split.index()]);
            if missing == 0 {
                break;
            }
            if self.size(group, label) < 2 * missing {
                self.assign(group, split);
            }
        }
    }

    fn assign_rest_to_training(&mut self, label: usize) {
        for group in self.unassigned(label) {
            self.assign(group, Split::Train);
        }
    }

    /// Assigns one group to a split that is empty because all groups were larger than its quotas. Every label keeps a
    /// group for training.
    fn hold_out_one(&mut self, split: Split) {
        if self.splits.contains(&Some(split)) {
            return;
        }
        let mut training = vec![0_usize; self.taken.len()];
        let is_training = |group: &usize| self.splits[*group] == Some(Split::Train);
        for group in (0..self.groups.len()).filter(is_training) {
            self.sizes(group).iter().for_each(|(label, _)| training[*label as usize] += 1);
        }
        let spare = |group: &usize| self.sizes(*group).iter().all(|(label, _)| training[*label as usize] > 1);
        if let Some(group) = (0..self.groups.len()).filter(is_training).find(spare) {
            self.splits[group] = Some(split);
        }
    }
}
