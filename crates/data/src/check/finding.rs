//! What a check finds: how bad it is, what it is, how often, and where for example.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

use crate::article::Position;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Figures that rest on the set would be wrong, or rows are lost.
    Error,
    /// Worth a look; the set can be used.
    Warning,
}

impl fmt::Display for Grade {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Grade::Error => "error",
            Grade::Warning => "warning",
        })
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A text stands in two splits.
    Leakage,
    /// Rows with the same text have different labels.
    Contradiction,
    /// A row has neither text nor title.
    EmptyText,
    /// A row cannot be used for another reason.
    Rejected,
    /// A label has no entry in the recipe, or is not in the label set.
    UnknownLabel,
    /// A label occurs in another split, but never in that to learn from.
    UnseenLabel,
    /// All rows to learn from have the same label.
    OneLabel,
    /// A text stands in a split more than once.
    Duplicate,
    /// A row is labelled for no head.
    Unlabelled,
    /// A label has few rows to learn from.
    FewRows,
    /// A label occurs in the split to learn from, but never in another one.
    UnmeasuredLabel,
    /// Labels differ in the case of letters or in white space alone.
    SimilarLabels,
    /// A text is longer than one window.
    Overlong,
    /// A text has very few words.
    Short,
}

impl FindingKind {
    /// How bad it is, as a rule.
    pub fn grade(self) -> Grade {
        match self {
            FindingKind::Leakage
            | FindingKind::Contradiction
            | FindingKind::EmptyText
            | FindingKind::Rejected
            | FindingKind::UnknownLabel
            | FindingKind::UnseenLabel
            | FindingKind::OneLabel => Grade::Error,
            FindingKind::Duplicate
            | FindingKind::Unlabelled
            | FindingKind::FewRows
            | FindingKind::UnmeasuredLabel
            | FindingKind::SimilarLabels
            | FindingKind::Overlong
            | FindingKind::Short => Grade::Warning,
        }
    }
}

/// One thing that was found in a set, with all its cases.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What it is.
    pub kind: FindingKind,
    /// The splits that it concerns.
    pub splits: Vec<String>,
    /// The head that it concerns, if it is about labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// How many cases there are, of what `message` speaks of first.
    pub count: u64,
    /// What it is, as a sentence.
    pub message: String,
    /// The labels that it is about, with their rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelRows>,
    /// The first few cases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

/// A label and how many rows have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelRows {
    /// The label.
    pub label: String,
    /// Its rows.
    pub rows: u64,
}

/// One case: the rows that make it, and what is wrong with them where the finding does not say it all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The rows, in the order of the set.
    pub places: Vec<Place>,
    /// Why, for a row that cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Counted from 1: the line of a JSON Lines file, the record of a table without its header.
    pub row: u64,
    /// The line on which the row starts, counted from 1.
    pub line: u64,
    /// What the row says of the head that the finding concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Place {
    pub(super) fn of(position: &Position) -> Place {
        Place { file: position.source.to_string(), row: position.row, line: position.line, label: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Position::write(out, &self.file, self.row, self.line)
    }
}

/// Cases of one kind while they are gathered: how many, and the first few in the order of the set.
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

    /// Takes a case in. It is made into an example if it comes before those that there are, or there are too few.
    pub fn add(&mut self, key: K, example: impl FnOnce() -> Example) {
        self.count += 1;
        let at = self.first.partition_point(|(other, _)| other.cmp(&key) != Ordering::Greater);
        if at < self.limit {
            self.first.truncate(self.limit - 1);
            self.first.insert(at, (key, example()));
        }
    }

    pub fn examples(self) -> Vec<Example> {
        self.first.into_iter().map(|(_, example)| example).collect()
    }
}

/// `1 row`, `2 rows`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cases_are_kept_in_order() {
        let example =
            |row| Example { places: vec![Place { file: "a".into(), row, line: row, label: None }], cause: None };
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
