//! What is wrong with the labels of a set: too few rows, on one side of a split only, misspelt.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, CheckedHead, Finding, FindingKind, Grade, LabelRows, counted, finding};
use crate::tally::LabelTally;

/// Labels that a message names; the report has them all.
const NAMED: usize = 6;

impl Check {
    /// What is wrong with the labels of each head.
    pub(super) fn labels(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (at, head) in self.heads.iter().enumerate() {
            let splits: Vec<(&str, &LabelTally)> =
                self.splits.iter().map(|split| (split.tally.split.as_str(), &split.tally.heads[at])).collect();
            let found = [
                unknown(head, &splits),
                unseen(head, &splits),
                one_label(&splits),
                few_rows(&splits, self.options.min_rows),
                unmeasured(&splits),
                similar(&splits),
            ];
            let of_head = |finding| Finding { head: Some(head.name.clone()), ..finding };
            findings.extend(found.into_iter().flatten().map(of_head));
        }
        findings
    }
}

type Splits<'a> = [(&'a str, &'a LabelTally)];

/// The split to learn from, which comes first, and the others. None of that if the first one is to measure with.
fn to_learn_from<'a>(splits: &'a Splits<'a>) -> Option<((&'a str, &'a LabelTally), &'a Splits<'a>)> {
    let (first, others) = splits.split_first()?;
    (!["validation", "test"].contains(&first.0)).then_some((*first, others))
}

/// A finding about these labels; the message goes between their number and their names.
fn about(kind: FindingKind, splits: &[&str], labels: Vec<LabelRows>, message: &str) -> Vec<Finding> {
    if labels.is_empty() {
        return Vec::new();
    }
    let count = labels.len() as u64;
    let message = format!("{} {message}: {}", counted(count, "label", "labels"), named(&labels));
    vec![Finding { labels, ..finding(kind, splits, count, message, Vec::new()) }]
}

/// Labels with their rows, the first of many.
fn named(labels: &[LabelRows]) -> String {
    let shown = labels.iter().take(NAMED).map(|LabelRows { label, rows }| format!("`{label}` ({rows})"));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if labels.len() > NAMED {
        text += &format!(" and {} more", labels.len() - NAMED);
    }
    text
}

fn rows_of(labels: impl IntoIterator<Item = (impl AsRef<str>, u64)>) -> Vec<LabelRows> {
    labels.into_iter().map(|(label, rows)| LabelRows { label: label.as_ref().to_owned(), rows }).collect()
}

/// Labels of one split that another one lacks, most rows first.
fn lacking(of: &LabelTally, other: &LabelTally) -> Vec<LabelRows> {
    let missing = of.labels.iter().filter(|(label, _)| !other.labels.contains_key(*label));
    let mut missing = rows_of(missing.map(|(label, rows)| (label, *rows)));
    missing.sort_by_key(|label| std::cmp::Reverse(label.rows));
    missing
}

fn unknown(head: &CheckedHead, splits: &Splits) -> Vec<Finding> {
    let Some(known) = &head.known else { return Vec::new() };
    let mut unknown = BTreeMap::new();
    for (label, rows) in splits.iter().flat_map(|(_, tally)| &tally.labels).filter(|(label, _)| !known.knows(label)) {
        *unknown.entry(label).or_insert(0) += rows;
    }
    let lack = match known.map {
        Some(_) => "without an entry in the recipe".to_owned(),
        None => format!("not in the label set `{}`", known.labels.name),
    };
    let names: Vec<&str> = splits.iter().map(|(split, _)| *split).collect();
    about(FindingKind::UnknownLabel, &names, rows_of(unknown), &lack)
}

/// Labels of other splits that cannot be learned. Where a recipe maps several labels to one, what such a label means may
/// be learned from others, so there it is no error.
fn unseen(head: &CheckedHead, splits: &Splits) -> Vec<Finding> {
    let Some(((train, learned), others)) = to_learn_from(splits) else { return Vec::new() };
    let is_mapped = head.known.as_ref().is_some_and(|known| known.map.is_some());
    let grade = if is_mapped { Grade::Warning } else { Grade::Error };
    let of = |(split, tally): &(&str, &LabelTally)| {
        let message = format!("of {split} never in {train}");
        about(FindingKind::UnseenLabel, &[train, split], lacking(tally, learned), &message)
    };
    others.iter().flat_map(of).map(|finding| Finding { grade, ..finding }).collect()
}

fn unmeasured(splits: &Splits) -> Vec<Finding> {
    let Some(((train, learned), others)) = to_learn_from(splits) else { return Vec::new() };
    let of = |(split, tally): &(&str, &LabelTally)| {
        let message = format!("of {train} never in {split}");
        about(FindingKind::UnmeasuredLabel, &[train, split], lacking(learned, tally), &message)
    };
    others.iter().flat_map(of).collect()
}

fn one_label(splits: &Splits) -> Vec<Finding> {
    let Some((train, tally)) = splits.first() else { return Vec::new() };
    match (tally.labels.len(), tally.none) {
        (1, 0) => {
            let labels = rows_of(tally.labels.iter().map(|(label, rows)| (label, *rows)));
            let message = format!("all labelled rows of {train} have one label: {}", named(&labels));
            vec![Finding { labels, ..finding(FindingKind::OneLabel, &[train], 1, message, Vec::new()) }]
        }
        _ => Vec::new(),
    }
}

fn few_rows(splits: &Splits, least: u64) -> Vec<Finding> {
    let Some((train, tally)) = splits.first() else { return Vec::new() };
    let mut few = rows_of(tally.labels.iter().filter(|(_, rows)| **rows < least).map(|(label, rows)| (label, *rows)));
    few.sort_by_key(|label| label.rows);
    let message = format!("with fewer than {} in {train}", counted(least, "row", "rows"));
    about(FindingKind::FewRows, &[train], few, &message)
}

/// Labels that a reader would take for one.
fn similar(splits: &Splits) -> Vec<Finding> {
    let mut spellings: BTreeMap<String, BTreeMap<&str, u64>> = BTreeMap::new();
    for (label, rows) in splits.iter().flat_map(|(_, tally)| &tally.labels) {
        let plain = label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        *spellings.entry(plain).or_default().entry(label).or_insert(0) += rows;
    }
    let several: Vec<_> = spellings.into_values().filter(|spellings| spellings.len() > 1).collect();
    let names: BTreeSet<&str> = splits.iter().map(|(split, _)| *split).collect();
    let labels = rows_of(several.into_iter().flatten());
    about(
        FindingKind::SimilarLabels,
        &names.into_iter().collect::<Vec<_>>(),
        labels,
        "that differ in case or white space alone",
    )
}
