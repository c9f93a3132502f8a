//! Findings about the labels of a data set: rare, missing in a split, or similar to another label.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, FindingKind, LabelRows, Severity, counted, in_split, of_split};
use super::split::CheckedHead;
use crate::counts::{LabelCounts, SplitCounts};

/// The maximum number of labels in a message. The report contains all of them.
const MAX_NAMED: usize = 6;

/// With more labels per row of a single-label head, the labels may be identifiers or texts.
const MANY_LABELS: f64 = 0.5;

/// With fewer rows, nothing is said about the number of labels.
const MIN_ROWS: u64 = 10;

/// Returns the findings about the labels of each head.
pub(super) fn label_findings(splits: &[&SplitCounts], heads: &[CheckedHead], min_rows: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, head) in heads.iter().enumerate() {
        let splits: Vec<(&str, &LabelCounts)> =
            splits.iter().map(|split| (split.split.as_str(), &split.heads[index])).collect();
        let many = many_labels(&splits);
        let found = match many.is_empty() {
            true => vec![
                unknown(head, &splits),
                unseen(head, &splits),
                one_label(&splits),
                few_rows(&splits, min_rows),
                missing_from_evaluation(&splits),
                similar(&splits),
            ],
            // The other warnings would be about nearly every label.
            false => vec![unknown(head, &splits), unseen(head, &splits), many],
        };
        let of_head = |finding| Finding { head: Some(head.name.clone()), ..finding };
        findings.extend(found.into_iter().flatten().map(of_head));
    }
    findings
}

type Splits<'a> = [(&'a str, &'a LabelCounts)];

/// Returns the training split, which comes first, and the other splits. Returns `None` if the first split is for
/// evaluation.
fn training_split<'a>(splits: &'a Splits<'a>) -> Option<((&'a str, &'a LabelCounts), &'a Splits<'a>)> {
    let (first, others) = splits.split_first()?;
    (!["validation", "test"].contains(&first.0)).then_some((*first, others))
}

/// Returns a finding about labels. The message starts with their number and ends with their names. No labels give no
/// finding.
fn label_finding(kind: FindingKind, splits: &[&str], labels: Vec<LabelRows>, message: &str) -> Vec<Finding> {
    if labels.is_empty() {
        return Vec::new();
    }
    let count = labels.len() as u64;
    let message = format!("{} {message}: {}", counted(count, "label", "labels"), name_labels(&labels));
    vec![Finding { labels, ..Finding::new(kind, splits, count, message, Vec::new()) }]
}

/// Returns the names of labels with their numbers of rows. Of many labels, only the first are named.
fn name_labels(labels: &[LabelRows]) -> String {
    let shown = labels.iter().take(MAX_NAMED).map(|LabelRows { label, rows }| format!("`{label}` ({rows})"));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if labels.len() > MAX_NAMED {
        text += &format!(" and {} more", labels.len() - MAX_NAMED);
    }
    text
}

fn rows_of(labels: impl IntoIterator<Item = (impl AsRef<str>, u64)>) -> Vec<LabelRows> {
    labels.into_iter().map(|(label, rows)| LabelRows { label: label.as_ref().to_owned(), rows }).collect()
}

/// Returns the labels of one split that another one lacks, most rows first.
fn missing_labels(split: &LabelCounts, other: &LabelCounts) -> Vec<LabelRows> {
    let missing = split.labels.iter().filter(|(label, _)| !other.labels.contains_key(*label));
    let mut missing = rows_of(missing.map(|(label, rows)| (label, *rows)));
    missing.sort_by_key(|label| std::cmp::Reverse(label.rows));
    missing
}

fn unknown(head: &CheckedHead, splits: &Splits) -> Vec<Finding> {
    let Some(known) = &head.known else { return Vec::new() };
    let mut unknown = BTreeMap::new();
    for (label, rows) in splits.iter().flat_map(|(_, counts)| &counts.labels).filter(|(label, _)| !known.knows(label)) {
        *unknown.entry(label).or_insert(0) += rows;
    }
    let lack = match known.map {
        Some(_) => "without an entry in the recipe".to_owned(),
        None => format!("not in the label set `{}`", known.labels.name),
    };
    let names: Vec<&str> = splits.iter().map(|(split, _)| *split).collect();
    label_finding(FindingKind::UnknownLabel, &names, rows_of(unknown), &lack)
}

/// Finds labels of other splits that the training split lacks. With a recipe's map this is only a warning, because
/// several labels may map to the same one, and the model learns it from the others.
fn unseen(head: &CheckedHead, splits: &Splits) -> Vec<Finding> {
    let Some(((train, learned), others)) = training_split(splits) else { return Vec::new() };
    let is_mapped = head.known.as_ref().is_some_and(|known| known.map.is_some());
    let severity = if is_mapped { Severity::Warning } else { Severity::Error };
    let finding = |(split, counts): &(&str, &LabelCounts)| {
        let message = format!("of {split} missing from {train}");
        label_finding(FindingKind::UnseenLabel, &[train, split], missing_labels(counts, learned), &message)
    };
    others.iter().flat_map(finding).map(|finding| Finding { severity, ..finding }).collect()
}

fn missing_from_evaluation(splits: &Splits) -> Vec<Finding> {
    let Some(((train, learned), others)) = training_split(splits) else { return Vec::new() };
    let finding = |(split, counts): &(&str, &LabelCounts)| {
        let message = format!("of {train} missing from {split}");
        label_finding(FindingKind::MissingFromEvaluation, &[train, split], missing_labels(learned, counts), &message)
    };
    others.iter().flat_map(finding).collect()
}

fn one_label(splits: &Splits) -> Vec<Finding> {
    let Some((train, counts)) = splits.first() else { return Vec::new() };
    match (counts.labels.len(), counts.none) {
        (1, 0) => {
            let labels = rows_of(counts.labels.iter().map(|(label, rows)| (label, *rows)));
            let message = format!("all labelled rows{} have one label: {}", of_split(train), name_labels(&labels));
            vec![Finding { labels, ..Finding::new(FindingKind::OneLabel, &[train], 1, message, Vec::new()) }]
        }
        _ => Vec::new(),
    }
}

/// Finds a head with so many labels that they may be identifiers or texts.
fn many_labels(splits: &Splits) -> Vec<Finding> {
    let Some((train, counts)) = splits.first() else { return Vec::new() };
    let (labels, rows) = (counts.labels.len() as u64, counts.rows);
    let is_single = counts.none == 0 && counts.labels.values().sum::<u64>() == rows;
    if !is_single || rows < MIN_ROWS || labels as f64 <= rows as f64 * MANY_LABELS {
        return Vec::new();
    }
    let (labelled, of_split) = (counted(rows, "labelled row", "labelled rows"), of_split(train));
    let message = format!("{labels} labels on {labelled}{of_split}: the label column may hold identifiers or texts");
    vec![Finding::new(FindingKind::ManyLabels, &[train], labels, message, Vec::new())]
}

fn few_rows(splits: &Splits, min_rows: u64) -> Vec<Finding> {
    let Some((train, counts)) = splits.first() else { return Vec::new() };
    let mut few =
        rows_of(counts.labels.iter().filter(|(_, rows)| **rows < min_rows).map(|(label, rows)| (label, *rows)));
    few.sort_by_key(|label| label.rows);
    let message = format!("with fewer than {}{}", counted(min_rows, "row", "rows"), in_split(train));
    label_finding(FindingKind::FewRows, &[train], few, &message)
}

/// Finds labels that differ only in letter case or white space.
fn similar(splits: &Splits) -> Vec<Finding> {
    let mut spellings: BTreeMap<String, BTreeMap<&str, u64>> = BTreeMap::new();
    for (label, rows) in splits.iter().flat_map(|(_, counts)| &counts.labels) {
        let normalised = label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        *spellings.entry(normalised).or_default().entry(label).or_insert(0) += rows;
    }
    let ambiguous: Vec<_> = spellings.into_values().filter(|spellings| spellings.len() > 1).collect();
    let names: BTreeSet<&str> = splits.iter().map(|(split, _)| *split).collect();
    let labels = rows_of(ambiguous.into_iter().flatten());
    label_finding(
        FindingKind::SimilarLabels,
        &names.into_iter().collect::<Vec<_>>(),
        labels,
        "that differ only in case or white space",
    )
}
