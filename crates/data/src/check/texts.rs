//! Findings about rows with the same text: duplicates, leakage between splits, conflicting labels. Long texts are also
//! compared without their titles.
//!
//! All rows are sorted by the hashes of their texts, so rows with the same text are neighbours.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::finding::{Cases, Example, ExampleRow, Finding, FindingKind, counted, of_split};
use super::split::CheckedHead;
use crate::counts::SplitCounts;
use crate::row::Position;
use crate::text_hash::TextHash;

/// The labels of a row for each head.
type Labelling = Vec<Option<Vec<String>>>;

/// All rows of the data set, in a compact form.
#[derive(Default)]
pub(super) struct SeenRows {
    rows: Vec<SeenRow>,
    /// The name of each source, and the index of its split.
    sources: Vec<(Arc<str>, usize)>,
    labellings: Interner<Labelling>,
}

/// The text, position and labels of a row.
///
/// The fields have 32 bits to save memory, since there is one value per row. Larger numbers would need a hundred
/// gigabytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenRow {
    text: TextHash,
    /// Equals that of other rows with the same long text, whatever their titles.
    body: TextHash,
    source: u32,
    row: u32,
    line: u32,
    labelling: u32,
}

impl SeenRows {
    /// Adds a row with the hashes of its text with and without the title.
    pub fn add(&mut self, hashes: (TextHash, TextHash), split: usize, position: &Position, mut labels: Labelling) {
        let is_last = |(name, other): &(Arc<str>, usize)| *other == split && **name == *position.source;
        if !self.sources.last().is_some_and(is_last) {
            self.sources.push((Arc::clone(&position.source), split));
        }
        labels.iter_mut().flatten().for_each(|labels| {
            labels.sort_unstable();
            labels.dedup();
        });
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        self.rows.push(SeenRow {
            text: hashes.0,
            body: hashes.1,
            source: self.sources.len() as u32 - 1,
            row: narrow(position.row),
            line: narrow(position.line),
            labelling: self.labellings.index(labels),
        });
    }

    fn split(&self, row: &SeenRow) -> usize {
        self.sources[row.source as usize].1
    }

    fn example_row(&self, row: &SeenRow, label: Option<String>) -> ExampleRow {
        let file = self.sources[row.source as usize].0.to_string();
        ExampleRow { file, row: row.row.into(), line: row.line.into(), label }
    }

    /// Returns the rows whose text is in an earlier split as well, but only under other titles, by both splits.
    fn shared_bodies(&self, rows: &mut [SeenRow], examples: usize) -> BTreeMap<(usize, usize), Cases<(u32, u32)>> {
        rows.sort_unstable_by_key(|row| (row.body, row.source, row.row));
        let mut shared = BTreeMap::new();
        for same in rows.chunk_by(|one, other| one.body == other.body).filter(|same| same.len() > 1) {
            let in_splits: Vec<&[SeenRow]> = same.chunk_by(|one, other| self.split(one) == self.split(other)).collect();
            for (index, rows) in in_splits.iter().enumerate() {
                for before in &in_splits[..index] {
                    let earlier: HashSet<TextHash> = before.iter().map(|row| row.text).collect();
                    for row in rows.iter().filter(|row| !earlier.contains(&row.text)) {
                        let key = (self.split(&before[0]), self.split(row));
                        let rows = || vec![self.example_row(&before[0], None), self.example_row(row, None)];
                        let cases = shared.entry(key).or_insert_with(|| Cases::new(examples));
                        cases.add(row.key(), || Example { rows: rows(), cause: None });
                    }
                }
            }
        }
        shared
    }

    /// Returns the findings about rows with the same text.
    pub fn findings(mut self, splits: &[&SplitCounts], heads: &[CheckedHead], examples: usize) -> Vec<Finding> {
        let mut rows = std::mem::take(&mut self.rows);
        // Sources are numbered in the order of the splits, so the rows of one split are neighbours within a text.
        rows.sort_unstable_by_key(|row| (row.text, row.source, row.row));

        let cases = || Cases::<(u32, u32)>::new(examples);
        let example = |one: &SeenRow, other: &SeenRow| Example {
            rows: vec![self.example_row(one, None), self.example_row(other, None)],
            cause: None,
        };
        let mut repeated: Vec<_> = splits.iter().map(|_| cases()).collect();
        let mut shared = BTreeMap::new();
        let mut conflicts: Vec<_> = heads.iter().map(|_| cases()).collect();
        for same in rows.chunk_by(|one, other| one.text == other.text).filter(|same| same.len() > 1) {
            let in_splits: Vec<&[SeenRow]> = same.chunk_by(|one, other| self.split(one) == self.split(other)).collect();
            for (index, rows) in in_splits.iter().enumerate() {
                let split = self.split(&rows[0]);
                for row in &rows[1..] {
                    repeated[split].add(row.key(), || example(&rows[0], row));
                }
                for before in &in_splits[..index] {
                    let (cases, leaked) = shared.entry((self.split(&before[0]), split)).or_insert_with(|| (cases(), 0));
                    cases.add(rows[0].key(), || example(&before[0], &rows[0]));
                    *leaked += rows.len() as u64;
                }
            }
            for (head, cases) in conflicts.iter_mut().enumerate() {
                if let Some([(one, label), (other, another)]) = conflict(same, &self.labellings, head) {
                    let row = |row, labels| self.example_row(row, Some(join_labels(labels)));
                    let rows = || vec![row(one, label), row(other, another)];
                    cases.add(other.key(), || Example { rows: rows(), cause: None });
                }
            }
        }

        let bodies = self.shared_bodies(&mut rows, examples);
        let name = |split: usize| splits[split].split.as_str();
        let mut findings = Vec::new();
        for ((one, other), (cases, leaked)) in shared {
            let (one, other, count) = (name(one), name(other), cases.count);
            let (texts, rows) = (counted(count, "text", "texts"), counted(leaked, "row", "rows"));
            let verb = if count == 1 { "is" } else { "are" };
            let message = format!("{texts} of {one} {verb} in {other} as well ({rows} of {other})");
            findings.push(Finding::new(FindingKind::Leakage, &[one, other], count, message, cases.examples()));
        }
        for ((one, other), cases) in bodies {
            let (one, other, count) = (name(one), name(other), cases.count);
            let rows = counted(count, "row", "rows");
            let verb = if count == 1 { "has" } else { "have" };
            let message = format!("{rows} of {other} {verb} the text of a row of {one} under another title");
            findings.push(Finding::new(FindingKind::SharedBody, &[one, other], count, message, cases.examples()));
        }
        for (head, cases) in heads.iter().zip(conflicts).filter(|(_, cases)| cases.count > 0) {
            let texts = counted(cases.count, "text", "texts");
            let verb = if cases.count == 1 { "has" } else { "have" };
            let message = format!("{texts} {verb} different labels for the head {}", head.name);
            let conflict = Finding::new(FindingKind::ConflictingLabels, &[], cases.count, message, cases.examples());
            findings.push(Finding { head: Some(head.name.clone()), ..conflict });
        }
        for (split, cases) in repeated.into_iter().enumerate().filter(|(_, cases)| cases.count > 0) {
            let rows = counted(cases.count, "row", "rows");
            let verb = if cases.count == 1 { "repeats" } else { "repeat" };
            let message = format!("{rows}{} {verb} the text of an earlier one", of_split(name(split)));
            findings.push(Finding::new(FindingKind::Duplicate, &[name(split)], cases.count, message, cases.examples()));
        }
        findings
    }
}

impl SeenRow {
    /// Returns the position of the row among all rows.
    fn key(&self) -> (u32, u32) {
        (self.source, self.row)
    }
}

/// Returns the first row of a text that is labelled for a head, and the next row with other labels.
fn conflict<'a>(
    same: &'a [SeenRow],
    labellings: &'a Interner<Labelling>,
    head: usize,
) -> Option<[(&'a SeenRow, &'a [String]); 2]> {
    let mut labelled =
        same.iter().filter_map(|row| labellings.get(row.labelling)[head].as_deref().map(|labels| (row, labels)));
    let first = labelled.next()?;
    labelled.find(|(_, labels)| *labels != first.1).map(|other| [first, other])
}

/// Returns the labels of a row as one text.
fn join_labels(labels: &[String]) -> String {
    if labels.is_empty() { "(none)".to_owned() } else { labels.join("; ") }
}

/// Stores each distinct value once, and gives it an index.
#[derive(Default)]
struct Interner<T> {
    values: Vec<T>,
    indices: HashMap<T, u32>,
}

impl<T: Clone + Eq + Hash> Interner<T> {
    fn index(&mut self, value: T) -> u32 {
        if let Some(index) = self.indices.get(&value) {
            return *index;
        }
        let index = self.values.len() as u32;
        self.values.push(value.clone());
        self.indices.insert(value, index);
        index
    }

    fn get(&self, index: u32) -> &T {
        &self.values[index as usize]
    }
}
