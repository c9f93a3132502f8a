//! Rows with the same text: duplicates, leakage between splits, contradicting labels.
//!
//! All rows are sorted by the hashes of their texts, so that those with the same text stand together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Cases, Check, Example, Finding, FindingKind, Numbered, Place, counted, finding, shown};
use crate::article::Position;
use crate::fingerprint::TextHash;

/// What a row says: its labels for each head.
type Labelling = Vec<Option<Vec<String>>>;

/// All rows that were seen, small enough to hold.
#[derive(Default)]
pub(super) struct SeenRows {
    rows: Vec<SeenRow>,
    /// The file of each source and its split.
    sources: Vec<(Arc<str>, usize)>,
    labellings: Numbered<Labelling>,
}

/// A row: which text, where, and which labels. Fields of 32 bits, because there is one of it for each row of a set;
/// numbers beyond them would need a memory of a hundred gigabytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenRow {
    text: TextHash,
    source: u32,
    row: u32,
    line: u32,
    labelling: u32,
}

impl SeenRows {
    pub fn add(&mut self, text: TextHash, split: usize, position: &Position, mut labels: Labelling) {
        let is_last = |(name, of): &(Arc<str>, usize)| *of == split && **name == *position.source;
        if !self.sources.last().is_some_and(is_last) {
            self.sources.push((Arc::clone(&position.source), split));
        }
        labels.iter_mut().flatten().for_each(|labels| {
            labels.sort_unstable();
            labels.dedup();
        });
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        self.rows.push(SeenRow {
            text,
            source: self.sources.len() as u32 - 1,
            row: short(position.row),
            line: short(position.line),
            labelling: self.labellings.number(labels),
        });
    }

    fn split(&self, row: &SeenRow) -> usize {
        self.sources[row.source as usize].1
    }

    fn place(&self, row: &SeenRow, label: Option<String>) -> Place {
        let file = self.sources[row.source as usize].0.to_string();
        Place { file, row: row.row.into(), line: row.line.into(), label }
    }
}

impl Check {
    /// What is wrong with rows that have the same text.
    pub(super) fn equal_texts(&mut self) -> Vec<Finding> {
        let mut seen = std::mem::take(&mut self.seen);
        let mut rows = std::mem::take(&mut seen.rows);
        // Sources are numbered as they came, so the rows of one split stand together within a text.
        rows.sort_unstable_by_key(|row| (row.text, row.source, row.row));

        let cases = || Cases::<(u32, u32)>::new(self.options.examples);
        let example = |one: &SeenRow, other: &SeenRow| Example {
            places: vec![seen.place(one, None), seen.place(other, None)],
            cause: None,
        };
        let mut repeated: Vec<_> = self.splits.iter().map(|_| cases()).collect();
        let mut shared = BTreeMap::new();
        let mut contradictions: Vec<_> = self.heads.iter().map(|_| cases()).collect();
        for same in rows.chunk_by(|one, other| one.text == other.text).filter(|same| same.len() > 1) {
            let in_splits: Vec<&[SeenRow]> = same.chunk_by(|one, other| seen.split(one) == seen.split(other)).collect();
            for (at, rows) in in_splits.iter().enumerate() {
                let split = seen.split(&rows[0]);
                for row in &rows[1..] {
                    repeated[split].add(row.key(), || example(&rows[0], row));
                }
                for before in &in_splits[..at] {
                    let (cases, leaked) = shared.entry((seen.split(&before[0]), split)).or_insert_with(|| (cases(), 0));
                    cases.add(rows[0].key(), || example(&before[0], &rows[0]));
                    *leaked += rows.len() as u64;
                }
            }
            for (head, cases) in contradictions.iter_mut().enumerate() {
                if let Some([(one, label), (other, another)]) = contradiction(same, &seen.labellings, head) {
                    let places = || vec![seen.place(one, Some(shown(label))), seen.place(other, Some(shown(another)))];
                    cases.add(other.key(), || Example { places: places(), cause: None });
                }
            }
        }

        let name = |split: usize| self.splits[split].tally.split.as_str();
        let mut findings = Vec::new();
        for ((one, other), (cases, leaked)) in shared {
            let (one, other, count) = (name(one), name(other), cases.count);
            let (texts, rows) = (counted(count, "text", "texts"), counted(leaked, "row", "rows"));
            let verb = if count == 1 { "is" } else { "are" };
            let message = format!("{texts} of {one} {verb} in {other} as well ({rows} of {other})");
            findings.push(finding(FindingKind::Leakage, &[one, other], count, message, cases.examples()));
        }
        for (head, cases) in self.heads.iter().zip(contradictions).filter(|(_, cases)| cases.count > 0) {
            let texts = counted(cases.count, "text", "texts");
            let verb = if cases.count == 1 { "has" } else { "have" };
            let message = format!("{texts} {verb} different labels for the head {}", head.name);
            let contradiction = finding(FindingKind::Contradiction, &[], cases.count, message, cases.examples());
            findings.push(Finding { head: Some(head.name.clone()), ..contradiction });
        }
        for (split, cases) in repeated.into_iter().enumerate().filter(|(_, cases)| cases.count > 0) {
            let rows = counted(cases.count, "row", "rows");
            let verb = if cases.count == 1 { "repeats" } else { "repeat" };
            let message = format!("{rows} of {} {verb} the text of an earlier one", name(split));
            findings.push(finding(FindingKind::Duplicate, &[name(split)], cases.count, message, cases.examples()));
        }
        findings
    }
}

impl SeenRow {
    /// Where it stands among all rows.
    fn key(&self) -> (u32, u32) {
        (self.source, self.row)
    }
}

/// The first row of a text that is labelled for a head, and the first one after it with other labels.
fn contradiction<'a>(
    same: &'a [SeenRow],
    labellings: &'a Numbered<Labelling>,
    head: usize,
) -> Option<[(&'a SeenRow, &'a [String]); 2]> {
    let mut labelled =
        same.iter().filter_map(|row| labellings.get(row.labelling)[head].as_deref().map(|labels| (row, labels)));
    let first = labelled.next()?;
    labelled.find(|(_, labels)| *labels != first.1).map(|other| [first, other])
}
