//! Findings about single rows: blank, rejected, unlabelled, too long, too short.

use super::finding::{Cases, Finding, FindingKind, counted, of_split};
use super::split::CheckedSplit;

/// Returns the findings about single rows of a split.
pub(super) fn row_findings(split: CheckedSplit, max_length: usize, min_words: usize) -> Vec<Finding> {
    let name = split.counts.split;
    let of_split = of_split(&name);
    let rows = split.counts.rows;
    let mut findings = Vec::new();
    let mut add = |kind: FindingKind, cases: Cases<u64>, one: &str, many: &str, message: String| {
        if cases.count > 0 {
            let message = format!("{}{of_split} {message}", counted(cases.count, one, many));
            findings.push(Finding::new(kind, &[&name], cases.count, message, cases.examples()));
        }
    };
    let has = |count: u64| if count == 1 { "has" } else { "have" };
    let message = format!("{} neither text nor title", has(split.blank.count));
    add(FindingKind::EmptyText, split.blank, "row", "rows", message);
    add(FindingKind::Rejected, split.rejected, "row", "rows", "cannot be used".to_owned());
    let message = format!("{} no label", has(split.unlabelled.count));
    add(FindingKind::Unlabelled, split.unlabelled, "row", "rows", message);
    let message = format!("{} fewer than {}", has(split.short.count), counted(min_words as u64, "word", "words"));
    add(FindingKind::Short, split.short, "text", "texts", message);
    if split.overlong.count > 0 {
        let count = split.overlong.count;
        let (verb, beginning) = if count == 1 { ("is", "its beginning") } else { ("are", "their beginning") };
        let message = format!(
            "{count} of {}{of_split} {verb} longer than {max_length} tokens: training uses only {beginning}",
            counted(rows, "text", "texts")
        );
        findings.push(Finding::new(FindingKind::Overlong, &[&name], count, message, split.overlong.examples()));
    }
    findings
}
