//! `--by COLUMN`: figures of the articles that have one value in a column.

use crate::failure::Usage;
use crate::sets::visit;
use anyhow::Result;
use newsdesk_data::{Cell, LabelledRows, LabelledSet};
use newsdesk_eval::{HeadCases, Slice};
use newsdesk_metrics::{Case, share_interval};
use std::collections::BTreeMap;

/// What every article has, if it has no column of that name: its number of words.
const LENGTH: &str = "length";

/// Upper ends of the ranges of words.
const RANGES: [usize; 6] = [25, 50, 100, 200, 400, 800];

/// What each article of a set has in each of the columns.
pub fn values(columns: &[String], set: &LabelledSet, rows: Vec<LabelledRows>) -> Result<Vec<Vec<String>>> {
    let mut values = vec![vec![String::new(); columns.len()]; set.articles.len()];
    let mut found = vec![false; columns.len()];
    let mut known: Vec<String> = vec![];
    visit(set, rows, |article, row| {
        if known.is_empty() {
            known = row.columns.iter().map(|(name, _)| name.to_string()).collect();
        }
        for (number, column) in columns.iter().enumerate() {
            if let Some(cell) = row.column(column) {
                found[number] = true;
                values[article][number] = value(cell);
            }
        }
    })?;
    for (number, column) in columns.iter().enumerate().filter(|(number, _)| !found[*number]) {
        if column != LENGTH {
            let message = format!("Failed to find the column `{column}` in `{}`", set.name);
            let hint = format!("its columns are `{}`; `{LENGTH}` is the number of words", known.join("`, `"));
            return Err(Usage::new(message, hint).into());
        }
        for (value, row) in values.iter_mut().zip(&set.articles) {
            value[number] = range(row.article.input().split_whitespace().count());
        }
    }
    Ok(values)
}

/// What a cell says, as people write it; nothing where it says nothing.
fn value(cell: &Cell) -> String {
    let text = match cell {
        Cell::Text(text) => text.clone(),
        cell => match serde_json::from_str(&cell.written()) {
            Ok(serde_json::Value::String(text)) => text,
            Ok(serde_json::Value::Null) => String::new(),
            _ => cell.written().into_owned(),
        },
    };
    text.trim().to_owned()
}

/// The range of words that a number is in.
fn range(words: usize) -> String {
    let place = RANGES.iter().position(|&most| words <= most);
    match place {
        Some(0) => format!("1-{} words", RANGES[0]),
        Some(place) => format!("{}-{} words", RANGES[place - 1] + 1, RANGES[place]),
        None => format!("over {} words", RANGES[RANGES.len() - 1]),
    }
}

/// The figures of a head for each value of each column, those with most articles first.
pub fn slices(columns: &[String], values: &[Vec<String>], cases: &HeadCases) -> Vec<Slice> {
    let mut slices = vec![];
    for (number, column) in columns.iter().enumerate() {
        let mut by_value: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
        for (&row, case) in cases.rows.iter().zip(&cases.cases) {
            by_value.entry(&values[row][number]).or_default().push(case.clone());
        }
        let slice = |(value, of_value): (&str, Vec<Case>)| {
            let report = cases.report_of(&of_value);
            Slice {
                column: column.clone(),
                value: value.to_owned(),
                articles: report.cases,
                accuracy: report.accuracy,
                interval: share_interval(report.correct, report.cases),
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
    fn ranges_hold_their_upper_ends() {
        assert_eq!(
            [1, 25, 26, 800, 801].map(range),
            ["1-25 words", "1-25 words", "26-50 words", "401-800 words", "over 800 words"]
        );
    }
}
