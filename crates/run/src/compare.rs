//! Compares the predictions of two outputs of one corpus, column by column.

use crate::column_names::ColumnNames;
use newsdesk_data::{Cell, Row};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The label under which rows without a prediction are counted.
const NO_PREDICTION: &str = "";

/// The differences between two outputs in one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnChanges {
    /// The name of the column.
    pub column: String,
    /// The number of compared rows.
    pub rows: u64,
    /// The number of rows whose prediction differs.
    pub changed: u64,
    /// Rows by label, before and after.
    pub labels: BTreeMap<String, (u64, u64)>,
    /// Rows by label before and label after, where they differ; the most frequent pair first.
    pub pairs: Vec<(String, String, u64)>,
    /// The mean absolute difference of the scores, where both outputs have scores.
    pub mean_score_change: Option<f64>,
}

/// Counts the predictions that differ between two outputs, row by row.
pub struct Comparison {
    columns: Vec<ColumnCounts>,
}

struct ColumnCounts {
    column: String,
    rows: u64,
    labels: BTreeMap<String, (u64, u64)>,
    pairs: BTreeMap<(String, String), u64>,
    score_changes: f64,
    scored_rows: u64,
}

/// The predictions of one row: label and score of each compared column.
#[derive(Debug, Clone, PartialEq)]
pub struct RowPredictions(Vec<(String, Option<f64>)>);

/// Returns the columns that contain predictions: those with a column of scores, `NAME_score`.
pub fn prediction_columns<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let has_score = |name: &str| names.clone().any(|other| other.strip_suffix("_score") == Some(name));
    names.clone().filter(|name| has_score(name)).map(str::to_owned).collect()
}

/// A column of predictions, by its name in each of two outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedColumn {
    /// The name in the first output.
    pub before: String,
    /// The name in the second output.
    pub after: String,
}

impl ComparedColumn {
    /// Returns the column that has this name in both outputs.
    pub fn same(name: impl Into<String>) -> ComparedColumn {
        let name = name.into();
        ComparedColumn { before: name.clone(), after: name }
    }
}

impl fmt::Display for ComparedColumn {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.before == self.after {
            true => f.write_str(&self.after),
            false => write!(f, "{} -> {}", self.before, self.after),
        }
    }
}

/// Returns the columns with predictions of heads that both outputs have. A head's columns may have different names in the
/// two outputs, because their inputs had different columns.
pub fn matching_columns<'a>(
    columns: impl Iterator<Item = &'a str> + Clone,
    before: &ColumnNames,
    after: &ColumnNames,
) -> Vec<ComparedColumn> {
    let matching = |name: String| {
        // Of the heads whose name the column begins with, the one with the longest name has it.
        let rest = |head: &str| name.strip_prefix(head).filter(|rest| rest.is_empty() || rest.starts_with('_'));
        let heads = before.heads.iter().filter(|(_, column)| rest(column).is_some());
        let (head, column) = heads.max_by_key(|(_, column)| column.len())?;
        let after = format!("{}{}", after.heads.get(head)?, rest(column)?);
        Some(ComparedColumn { before: name.clone(), after })
    };
    prediction_columns(columns).into_iter().filter_map(matching).collect()
}

impl RowPredictions {
    /// Returns the predictions of a row in these columns.
    ///
    /// # Errors
    /// The name of the first column that the row does not have.
    pub fn of<'c>(row: &Row, columns: impl Iterator<Item = &'c str>) -> Result<RowPredictions, &'c str> {
        let prediction = |column: &'c str| {
            let cell = row.column(column).ok_or(column)?;
            let score = row.column(&format!("{column}_score")).and_then(|cell| text(cell).parse().ok());
            Ok((text(cell), score))
        };
        columns.map(prediction).collect::<Result<_, _>>().map(RowPredictions)
    }

    /// Returns the label in the column with this index.
    pub fn label(&self, column: usize) -> &str {
        &self.0[column].0
    }
}

fn text(cell: &Cell) -> String {
    match cell.is_null() {
        true => NO_PREDICTION.to_owned(),
        false => cell.as_text().unwrap_or_else(|| cell.raw_text()).into_owned(),
    }
}

impl Comparison {
    /// Returns a comparison of these columns.
    pub fn new(columns: &[ComparedColumn]) -> Comparison {
        let counts = |column: &ComparedColumn| ColumnCounts {
            column: column.to_string(),
            rows: 0,
            labels: BTreeMap::new(),
            pairs: BTreeMap::new(),
            score_changes: 0.0,
            scored_rows: 0,
        };
        Comparison { columns: columns.iter().map(counts).collect() }
    }

    /// Adds the predictions of a row, before and after, and returns whether any of them differs.
    pub fn add(&mut self, before: &RowPredictions, after: &RowPredictions) -> bool {
        let mut changed = false;
        let predictions = before.0.iter().zip(&after.0);
        for (counts, ((label, score), (new_label, new_score))) in self.columns.iter_mut().zip(predictions) {
            counts.rows += 1;
            counts.labels.entry(label.clone()).or_default().0 += 1;
            counts.labels.entry(new_label.clone()).or_default().1 += 1;
            if label != new_label {
                *counts.pairs.entry((label.clone(), new_label.clone())).or_default() += 1;
                changed = true;
            }
            if let (Some(score), Some(new_score)) = (score, new_score) {
                counts.score_changes += (new_score - score).abs();
                counts.scored_rows += 1;
            }
        }
        changed
    }

    /// Returns the changes of each column.
    pub fn changes(self) -> Vec<ColumnChanges> {
        let changes = |counts: ColumnCounts| {
            let pairs = counts.pairs.into_iter();
            let mut pairs: Vec<_> = pairs.map(|((before, after), rows)| (before, after, rows)).collect();
            pairs.sort_by_key(|(_, _, rows)| std::cmp::Reverse(*rows));
            ColumnChanges {
                column: counts.column,
                rows: counts.rows,
                changed: pairs.iter().map(|(_, _, rows)| rows).sum(),
                labels: counts.labels,
                pairs,
                mean_score_change: (counts.scored_rows > 0).then(|| counts.score_changes / counts.scored_rows as f64),
            }
        };
        self.columns.into_iter().map(changes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prediction_columns_have_a_score_column() {
        let names = ["id", "topic", "topic_code", "topic_score", "score", "sentiment_score", "sentiment"];
        assert_eq!(prediction_columns(names.into_iter()), ["topic", "sentiment"]);
    }

    #[test]
    fn columns_of_one_head_match_under_different_names() {
        let names = |heads: &[(&str, &str)]| ColumnNames {
            heads: heads.iter().map(|(head, name)| ((*head).into(), (*name).into())).collect(),
            ..ColumnNames::default()
        };
        let before = names(&[("topic", "nd_topic"), ("topic_b", "nd_topic_b"), ("mood", "nd_mood")]);
        let after = names(&[("topic", "topic_predicted"), ("topic_b", "topic_b"), ("mode", "mode")]);
        // The columns `topic` are those of an earlier run.
        let columns = "topic topic_score nd_topic nd_topic_score nd_topic_1 nd_topic_1_score nd_topic_b nd_topic_b_score nd_mood nd_mood_score";
        let found = matching_columns(columns.split(' '), &before, &after);
        let found: Vec<String> = found.iter().map(ComparedColumn::to_string).collect();
        assert_eq!(found, ["nd_topic -> topic_predicted", "nd_topic_1 -> topic_predicted_1", "nd_topic_b -> topic_b"]);
    }

    #[test]
    fn changes_are_counted_by_label() {
        let row = |label: &str, score| RowPredictions(vec![(label.to_owned(), score)]);
        let mut comparison = Comparison::new(&[ComparedColumn::same("topic")]);
        assert!(!comparison.add(&row("sport", Some(0.5)), &row("sport", Some(0.75))));
        assert!(comparison.add(&row("sport", Some(0.5)), &row("arts", None)));
        assert!(comparison.add(&row("", Some(0.5)), &row("arts", Some(0.5))));
        assert!(comparison.add(&row("sport", None), &row("arts", None)));
        let changes = &comparison.changes()[0];
        assert_eq!((changes.rows, changes.changed, changes.mean_score_change), (4, 3, Some(0.125)));
        assert_eq!(changes.pairs, [("sport".into(), "arts".into(), 2), ("".into(), "arts".into(), 1)]);
        assert_eq!(changes.labels["sport"], (3, 1));
    }
}
