//! `--by COLUMN`: metrics for each value of a column.

use crate::data_sets::visit;
use crate::failure::Usage;
use anyhow::Result;
use newsdesk_data::{Cell, LabelledRows, LabelledSet};
use newsdesk_eval::{HeadCases, Slice};
use newsdesk_metrics::{Case, wilson_interval};
use std::collections::BTreeMap;

/// Name of the computed column with the number of words; a real column of that name takes precedence.
const LENGTH: &str = "length";

/// Upper bounds of the ranges of words.
const RANGES: [usize; 6] = [25, 50, 100, 200, 400, 800];

/// Returns the value of each article in each of the columns.
///
/// # Errors
/// If no row has one of the columns, or the rows cannot be read again.
pub fn values(columns: &[String], set: &LabelledSet, rows: Vec<LabelledRows>) -> Result<Vec<Vec<String>>> {
    let mut values = vec![vec![String::new(); columns.len()]; set.articles.len()];
    let mut found = vec![false; columns.len()];
    let mut known: Vec<String> = vec![];
    visit(set, rows, |article, row| {
        if known.is_empty() {
            known = row.columns.iter().map(|(name, _)| name.to_string()).collect();
        }
        for (index, column) in columns.iter().enumerate() {
            if let Some(cell) = row.field(column) {
                found[index] = true;
                values[article][index] = value(&cell);
            }
        }
    })?;
    for (index, column) in columns.iter().enumerate().filter(|(index, _)| !found[*index]) {
        if column != LENGTH {
            let message = format!("cannot find the column `{column}` in `{}`", set.name);
            let hint =
                format!("name one of its columns: `{}`; `{LENGTH}` stands for the number of words", known.join("`, `"));
            return Err(Usage::new(message, hint).into());
        }
        for (value, row) in values.iter_mut().zip(&set.articles) {
            value[index] = range(row.article.input().split_whitespace().count());
        }
    }
    Ok(values)
}

/// Returns the text of a cell without JSON escapes and outer white space; empty for null.
fn value(cell: &Cell) -> String {
    let text = match cell {
        Cell::Text(text) => text.clone(),
        cell => match serde_json::from_str(&cell.raw_text()) {
            Ok(serde_json::Value::String(text)) => text,
            Ok(serde_json::Value::Null) => String::new(),
            _ => cell.raw_text().into_owned(),
        },
    };
    text.trim().to_owned()
}

/// Returns the name of the range that contains a number of words.
fn range(words: usize) -> String {
    match RANGES.iter().position(|&upper| words <= upper) {
        Some(0) => format!("1-{} words", RANGES[0]),
        Some(index) => format!("{}-{} words", RANGES[index - 1] + 1, RANGES[index]),
        None => format!("over {} words", RANGES[RANGES.len() - 1]),
    }
}

/// Returns the metrics of a head for each value of each column, the most frequent values first.
pub fn slices(columns: &[String], values: &[Vec<String>], cases: &HeadCases) -> Vec<Slice> {
    let mut slices = vec![];
    for (index, column) in columns.iter().enumerate() {
        let mut by_value: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
        for (&article, case) in cases.article_indices.iter().zip(&cases.cases) {
            by_value.entry(&values[article][index]).or_default().push(case.clone());
        }
        let slice = |(value, of_value): (&str, Vec<Case>)| {
            let report = cases.report_subset(&of_value);
            Slice {
                column: column.clone(),
                value: value.to_owned(),
                articles: report.cases,
                accuracy: report.accuracy,
                interval: wilson_interval(report.correct, report.cases),
                macro_f1: report.macro_f1,
            }
        };
        let mut of_column: Vec<Slice> = by_value.into_iter().map(slice).collect();
        of_column.sort_by_key(|slice| std::cmp::Reverse(slice.articles));
        slices.extend(of_column);
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_include_their_upper_bounds() {
        assert_eq!(
            [1, 25, 26, 800, 801].map(range),
            ["1-25 words", "1-25 words", "26-50 words", "401-800 words", "over 800 words"]
        );
    }
}
