//! The choice itself: rows with their hashes and labels in, the held-out texts out.
//!
//! It is iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011), which serves rows with one label and rows with
//! several: the rarest label is served first, because its rows are hardest to come by. Two things differ. How many rows
//! of each label a split gets is fixed beforehand, by largest remainders, so that the splits have their sizes as a
//! whole, too. And texts are taken in the order of their hashes rather than at random.

use std::collections::HashMap;

use super::{Shares, Split};
use crate::fingerprint::{TextHash, mix};
use crate::hash::StableHash;

/// What is held out, the test articles first.
const HELD: [Split; 2] = [Split::Test, Split::Validation];

/// The rows with one text, which stay together.
struct Group {
    text: TextHash,
    /// Where its labels begin among the sizes; they end where those of the next group begin.
    sizes: usize,
}

/// The groups in their order, and how many rows of each label they have.
struct Groups {
    groups: Vec<Group>,
    /// Label and number of rows.
    sizes: Vec<(u32, u32)>,
    /// For each label the groups that have it, in order.
    of_label: Vec<Vec<u32>>,
    splits: Vec<Option<Split>>,
    /// Rows of each label in each split so far.
    taken: Vec<[u64; 3]>,
}

pub(super) fn assign(
    rows: Vec<(TextHash, u32)>,
    labels: &[String],
    shares: Shares,
    seed: u64,
) -> HashMap<TextHash, Split> {
    let mut groups = Groups::new(rows, labels.len(), seed);
    let counts: Vec<u64> = (0..labels.len()).map(|label| groups.rows_of(label)).collect();
    // By name where there are equally many: numbers of labels depend on the order of the rows.
    let mut rarest_first: Vec<usize> = (0..labels.len()).collect();
    rarest_first.sort_by_key(|&label| (counts[label], &labels[label]));

    for &label in &rarest_first {
        groups.keep_one_to_learn_from(label);
    }
    let mut room: Vec<u64> = (0..labels.len()).map(|label| counts[label].saturating_sub(1)).collect();
    let quotas = HELD.map(|split| {
        let tie = |label: usize| {
            let name = StableHash::new().with(labels[label].as_bytes()).value();
            mix(name ^ mix(seed ^ split.index() as u64))
        };
        let quota = apportion(&counts, &room, shares.of(split), tie);
        room.iter_mut().zip(&quota).for_each(|(room, quota)| *room -= quota);
        quota
    });
    for &label in &rarest_first {
        for (split, quota) in HELD.into_iter().zip(&quotas) {
            groups.fill(label, split, quota[label]);
        }
        groups.leave_rest(label);
    }
    for split in HELD.into_iter().filter(|split| shares.of(*split) > 0.0) {
        groups.hold_something(split);
    }
    let held = groups.groups.iter().zip(&groups.splits);
    held.filter_map(|(group, split)| split.filter(|split| *split != Split::Train).map(|split| (group.text, split)))
        .collect()
}

/// How many rows of each label a split gets: its share, rounded so that all together come to the share of the whole,
/// and at least one if any label has room.
fn apportion(counts: &[u64], room: &[u64], share: f64, tie: impl Fn(usize) -> u64) -> Vec<u64> {
    if share <= 0.0 {
        return vec![0; counts.len()];
    }
    let exact = |count: u64| count as f64 * share;
    let total = (exact(counts.iter().sum()).round() as u64).max(1);
    let mut quota: Vec<u64> = counts.iter().zip(room).map(|(count, room)| (exact(*count) as u64).min(*room)).collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).filter(|&label| quota[label] < room[label]).collect();
    let remainder = |label: usize| exact(counts[label]).fract();
    by_remainder.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)).then_with(|| tie(a).cmp(&tie(b))));
    let missing = total.saturating_sub(quota.iter().sum());
    for label in by_remainder.into_iter().take(missing as usize) {
        quota[label] += 1;
    }
    quota
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

    /// The labels of a group and its rows of each.
    fn sizes(&self, group: usize) -> &[(u32, u32)] {
        let end = self.groups.get(group + 1).map_or(self.sizes.len(), |next| next.sizes);
        &self.sizes[self.groups[group].sizes..end]
    }

    /// Rows of a group with this label.
    fn size(&self, group: usize, label: usize) -> u64 {
        self.sizes(group).iter().find(|(id, _)| *id as usize == label).map_or(0, |(_, rows)| u64::from(*rows))
    }

    fn rows_of(&self, label: usize) -> u64 {
        self.of_label[label].iter().map(|group| self.size(*group as usize, label)).sum()
    }

    fn put(&mut self, group: usize, split: Split) {
        for at in 0..self.sizes(group).len() {
            let (label, rows) = self.sizes(group)[at];
            self.taken[label as usize][split.index()] += u64::from(rows);
        }
        self.splits[group] = Some(split);
    }

    /// The groups of a label that belong to no split yet.
    fn open(&self, label: usize) -> Vec<usize> {
        let groups = self.of_label[label].iter().map(|group| *group as usize);
        groups.filter(|group| self.splits[*group].is_none()).collect()
    }

    /// Its last group stays, unless another one with the label does already.
    fn keep_one_to_learn_from(&mut self, label: usize) {
        if self.taken[label][Split::Train.index()] == 0
            && let Some(last) = self.of_label[label].last()
        {
            self.put(*last as usize, Split::Train);
        }
    }

    /// Gives a split its rows of a label, as near to the quota as whole groups allow.
    fn fill(&mut self, label: usize, split: Split, quota: u64) {
        for group in self.open(label) {
            let missing = quota.saturating_sub(self.taken[label][split.index()]);
            if missing == 0 {
                break;
            }
            if self.size(group, label) < 2 * missing {
                self.put(group, split);
            }
        }
    }

    fn leave_rest(&mut self, label: usize) {
        for group in self.open(label) {
            self.put(group, Split::Train);
        }
    }

    /// Holds out the first group that no label depends on, if quotas were too small for whole groups.
    fn hold_something(&mut self, split: Split) {
        if self.splits.contains(&Some(split)) {
            return;
        }
        let mut learned = vec![0_usize; self.taken.len()];
        let is_learned = |group: &usize| self.splits[*group] == Some(Split::Train);
        for group in (0..self.groups.len()).filter(is_learned) {
            self.sizes(group).iter().for_each(|(label, _)| learned[*label as usize] += 1);
        }
        let spare = |group: &usize| self.sizes(*group).iter().all(|(label, _)| learned[*label as usize] > 1);
        if let Some(group) = (0..self.groups.len()).filter(is_learned).find(spare) {
            self.splits[group] = Some(split);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::article::Article;
    use crate::split::{Assignment, Splitter};
    use proptest::prelude::*;

    fn hash(text: &str) -> TextHash {
        TextHash::of(&Article { title: None, text: text.to_owned(), mention: None })
    }

    fn split(rows: &[(String, Vec<String>)], shares: (f64, f64), seed: u64) -> Assignment {
        let mut splitter = Splitter::new();
        for (text, labels) in rows {
            splitter.add(hash(text), labels.iter().map(String::as_str));
        }
        splitter.split(Shares::new(shares.0, shares.1).unwrap(), seed)
    }

    /// Rows of each label in each split.
    fn counts(rows: &[(String, Vec<String>)], splits: &Assignment) -> HashMap<String, [u64; 3]> {
        let mut counts: HashMap<String, [u64; 3]> = HashMap::new();
        for (text, labels) in rows {
            for label in labels {
                counts.entry(label.clone()).or_default()[splits.of(hash(text)).index()] += 1;
            }
        }
        counts
    }

    fn distinct(labels: &[usize]) -> Vec<(String, Vec<String>)> {
        let rows = labels.iter().enumerate().map(|(at, label)| (format!("text {at}"), vec![format!("label {label}")]));
        rows.collect()
    }

    #[test]
    fn remainders_go_to_the_largest() {
        let quota = apportion(&[100, 37, 6, 1], &[99, 36, 5, 0], 0.1, |label| label as u64);
        assert_eq!(quota, [10, 4, 0, 0]);
        assert_eq!(apportion(&[2; 20], &[1; 20], 0.1, |label| label as u64).iter().sum::<u64>(), 4);
        assert_eq!(apportion(&[2], &[1], 0.01, |_| 0), [1]);
        assert_eq!(apportion(&[1], &[0], 0.5, |_| 0), [0]);
    }

    #[test]
    fn a_single_text_stays_and_two_are_parted() {
        let one = distinct(&[0]);
        assert_eq!(counts(&one, &split(&one, (0.1, 0.1), 0))["label 0"], [1, 0, 0]);
        let two = distinct(&[0, 0]);
        assert_eq!(counts(&two, &split(&two, (0.1, 0.0), 0))["label 0"], [1, 1, 0]);
        let three = distinct(&[0, 0, 0]);
        assert_eq!(counts(&three, &split(&three, (0.1, 0.1), 0))["label 0"], [1, 1, 1]);
    }

    #[test]
    fn something_is_held_out_of_texts_that_all_stand_there_often() {
        let rows: Vec<_> = (0..12).map(|at| (format!("text {}", at / 4), vec!["a".to_owned()])).collect();
        let of_label = counts(&rows, &split(&rows, (0.1, 0.1), 0))["a"];
        assert_eq!(of_label, [4, 4, 4]);
    }

    #[test]
    fn more_rows_leave_nearly_all_texts_where_they_were() {
        let rows = distinct(&(0..2200).map(|at| at % 3).collect::<Vec<_>>());
        let (before, after) = (split(&rows[..2000], (0.1, 0.1), 7), split(&rows, (0.1, 0.1), 7));
        let moved = rows[..2000].iter().filter(|(text, _)| before.of(hash(text)) != after.of(hash(text))).count();
        assert!(moved < 60, "{moved} of 2000 texts moved");
        let other = split(&rows, (0.1, 0.1), 8);
        let same = rows.iter().filter(|(text, _)| other.of(hash(text)) == after.of(hash(text))).count();
        assert!(same < 1600, "another seed is another split: {same} of 2200 are the same");
    }

    #[test]
    fn rows_with_several_labels_are_shared_out_label_by_label() {
        let label = |at: usize| {
            let labels = [(1, "common"), (3, "frequent"), (20, "rare"), (7, "some")];
            labels.iter().filter(|(every, _)| at.is_multiple_of(*every)).map(|(_, name)| (*name).to_owned()).collect()
        };
        let rows: Vec<_> = (0..1000).map(|at| (format!("text {at}"), label(at))).collect();
        for (name, [train, validation, test]) in counts(&rows, &split(&rows, (0.1, 0.2), 1)) {
            let (all, near) = ((train + validation + test) as f64, |got: u64, share: f64, all: f64| {
                (got as f64 - share * all).abs() <= 1.0 + 0.02 * all
            });
            assert!(near(validation, 0.1, all) && near(test, 0.2, all), "{name}: {train} {validation} {test}");
        }
    }

    fn rows() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
        let labels = prop::collection::vec("[a-f]", 0..3);
        prop::collection::vec((0..60_u8, labels).prop_map(|(text, labels)| (format!("text {text}"), labels)), 1..150)
    }

    proptest! {
        #[test]
        fn the_order_of_rows_plays_no_part(rows in rows(), seed in any::<u64>(), turn in 0..150_usize) {
            let mut others = rows.clone();
            others.rotate_left(turn % rows.len());
            others.reverse();
            prop_assert_eq!(split(&rows, (0.2, 0.1), seed), split(&others, (0.2, 0.1), seed));
        }

        #[test]
        fn every_label_can_be_learned(rows in rows(), seed in any::<u64>(), held in 0.01..0.49) {
            let splits = split(&rows, (held, held), seed);
            for (label, [train, ..]) in counts(&rows, &splits) {
                prop_assert!(train > 0, "{}", label);
            }
        }

        #[test]
        fn shares_are_kept_to_the_row(labels in prop::collection::vec(0..8_usize, 30..300), seed in any::<u64>()) {
            let rows = distinct(&labels);
            let counts = counts(&rows, &split(&rows, (0.1, 0.2), seed));
            let mut sums = [0; 3];
            for of_label in counts.values() {
                let all = of_label.iter().sum::<u64>() as f64;
                prop_assert!((of_label[1] as f64 - 0.1 * all).abs() < 1.0 + 1e-9, "{:?}", of_label);
                prop_assert!((of_label[2] as f64 - 0.2 * all).abs() < 1.0 + 1e-9, "{:?}", of_label);
                (0..3).for_each(|at| sums[at] += of_label[at]);
            }
            let all = rows.len() as f64;
            let near = |got: u64, share: f64| (got as f64 - share * all).abs() <= 1.0;
            prop_assert!(near(sums[1], 0.1) && near(sums[2], 0.2), "{:?}", sums);
        }
    }
}
