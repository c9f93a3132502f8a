//! The findings of a check: kind, severity, number of cases, and examples.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

use crate::row::Position;

/// How severe a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Rows are lost, or metrics measured on the data set would be wrong.
    Error,
    /// The data set can be used, but the user should look at the finding.
    Warning,
    /// Nothing has to be done.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

/// The kind of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A text occurs in two splits.
    Leakage,
    /// Rows with the same text have different labels.
    ConflictingLabels,
    /// A row has neither text nor title.
    EmptyText,
    /// A row cannot be used for another reason.
    Rejected,
    /// The recipe does not map a label, or the label set does not have it.
    UnknownLabel,
    /// A label occurs in another split, but not in the training split.
    UnseenLabel,
    /// All rows of the training split have the same label.
    OneLabel,
    /// A long text occurs in two splits under different titles.
    SharedBody,
    /// Nearly every row has a label of its own.
    ManyLabels,
    /// A text occurs more than once in a split.
    Duplicate,
    /// A row has no label for any head.
    Unlabelled,
    /// A label has few rows in the training split.
    FewRows,
    /// A label occurs in the training split, but not in another split.
    MissingFromEvaluation,
    /// Labels differ only in letter case or white space.
    SimilarLabels,
    /// A text is longer than one window.
    Overlong,
    /// A text has very few words.
    Short,
}

impl FindingKind {
    /// Returns the usual severity of the kind.
    pub fn severity(self) -> Severity {
        match self {
            FindingKind::Leakage
            | FindingKind::ConflictingLabels
            | FindingKind::EmptyText
            | FindingKind::Rejected
            | FindingKind::UnknownLabel
            | FindingKind::UnseenLabel
            | FindingKind::OneLabel => Severity::Error,
            FindingKind::SharedBody
            | FindingKind::ManyLabels
            | FindingKind::Duplicate
            | FindingKind::Unlabelled
            | FindingKind::FewRows
            | FindingKind::MissingFromEvaluation
            | FindingKind::SimilarLabels
            | FindingKind::Short => Severity::Warning,
            // Long articles are common. Training reads their beginning, and `classify` reads all of them.
            FindingKind::Overlong => Severity::Note,
        }
    }
}

/// A fault of a data set, with all its cases.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// How severe it is.
    pub severity: Severity,
    /// The kind of fault.
    pub kind: FindingKind,
    /// The splits that have the fault.
    pub splits: Vec<String>,
    /// The head, if the fault is about labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The number of cases. `message` starts with it.
    pub count: u64,
    /// The fault as a sentence.
    pub message: String,
    /// The labels concerned, with their numbers of rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelRows>,
    /// The first few cases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

impl Finding {
    /// Returns a finding with the usual severity of its kind.
    pub(super) fn new(
        kind: FindingKind,
        splits: &[&str],
        count: u64,
        message: String,
        examples: Vec<Example>,
    ) -> Finding {
        let splits = splits.iter().map(|split| (*split).to_owned()).collect();
        Finding { severity: kind.severity(), kind, splits, head: None, count, message, labels: Vec::new(), examples }
    }
}

/// A label and its number of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelRows {
    /// The label.
    pub label: String,
    /// The number of rows.
    pub rows: u64,
}

/// One case of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The rows concerned, in the order of the data set.
    pub rows: Vec<ExampleRow>,
    /// Why a row cannot be used, for a rejected row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// A row of an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExampleRow {
    /// The file.
    pub file: String,
    /// The number of the row, from 1: the line of a JSON Lines file, the record of a table without its header.
    pub row: u64,
    /// The line on which the row starts, from 1.
    pub line: u64,
    /// The label of the row for the head of the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl ExampleRow {
    pub(super) fn of(position: &Position) -> ExampleRow {
        ExampleRow { file: position.source.to_string(), row: position.row, line: position.line, label: None }
    }
}

impl fmt::Display for ExampleRow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Position::write(out, &self.file, self.row, self.line)
    }
}

/// Collects cases of one kind: their number, and the first few as examples.
#[derive(Debug, Clone)]
pub(super) struct Cases<K> {
    pub count: u64,
    limit: usize,
    first: Vec<(K, Example)>,
}

impl<K: Ord> Cases<K> {
    pub fn new(limit: usize) -> Cases<K> {
        Cases { count: 0, limit, first: Vec::new() }
    }

    /// Adds a case. It becomes an example if its key is among the smallest so far.
    pub fn add(&mut self, key: K, example: impl FnOnce() -> Example) {
        self.count += 1;
        let index = self.first.partition_point(|(other, _)| other.cmp(&key) != Ordering::Greater);
        if index < self.limit {
            self.first.truncate(self.limit - 1);
            self.first.insert(index, (key, example()));
        }
    }

    /// Returns the examples, sorted by key.
    pub fn examples(self) -> Vec<Example> {
        self.first.into_iter().map(|(_, example)| example).collect()
    }
}

/// Returns a count with its noun: `1 row`, `2 rows`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Returns ` of SPLIT` for a message. A data set that is not split is read as the split `all`; its name is left out.
pub(super) fn of_split(split: &str) -> String {
    if split == UNSPLIT { String::new() } else { format!(" of {split}") }
}

/// Returns ` in SPLIT` for a message, like [`of_split`].
pub(super) fn in_split(split: &str) -> String {
    if split == UNSPLIT { String::new() } else { format!(" in {split}") }
}

/// The name of the only split of a data set that is not split.
const UNSPLIT: &str = "all";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_keep_the_first_examples_in_order() {
        let example =
            |row| Example { rows: vec![ExampleRow { file: "a".into(), row, line: row, label: None }], cause: None };
        for order in [[5, 1, 4, 2, 3], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]] {
            let mut cases = Cases::new(2);
            order.into_iter().for_each(|row| cases.add(row, || example(row)));
            assert_eq!(cases.count, 5);
            assert_eq!(cases.examples(), [example(1), example(2)]);
        }
        let mut none = Cases::new(0);
        none.add(1, || example(1));
        assert_eq!((none.count, none.examples().len()), (1, 0));
    }
}
