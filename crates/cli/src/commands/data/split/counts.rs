//! Counts of rows by split and label.

use crate::output::table::table;
use newsdesk_data::{Assignment, LabelledRow, Split, TextHash};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The number of rows by split and label.
#[derive(Default)]
pub struct Counts {
    /// Rows of each split, in the order of [`Split::ALL`].
    pub rows: [u64; 3],
    pub rejected: usize,
    /// Rows of each label in each split; the empty label counts unlabelled rows.
    labels: BTreeMap<String, [u64; 3]>,
}

impl Counts {
    /// Counts a row.
    pub fn add(&mut self, row: &LabelledRow, splits: &Assignment) {
        let split = splits.of(TextHash::of(&row.row.article)).index();
        self.rows[split] += 1;
        let mut labels: Vec<&str> = row.labels.iter().flatten().flatten().map(String::as_str).collect();
        labels.sort_unstable();
        labels.dedup();
        for label in if labels.is_empty() { vec![""] } else { labels } {
            match self.labels.get_mut(label) {
                Some(rows) => rows[split] += 1,
                None => self.labels.entry(label.to_owned()).or_default()[split] += 1,
            }
        }
    }

    /// Returns the counts as a JSON object.
    pub fn to_json(&self, files: &[(Split, PathBuf)], seed: u64) -> Value {
        let object = |rows: &[u64; 3]| -> Value {
            Value::Object(files.iter().map(|(split, _)| (split.to_string(), rows[split.index()].into())).collect())
        };
        let labels = self.labels.iter().map(|(label, rows)| {
            let label = if label.is_empty() { Value::Null } else { label.as_str().into() };
            json!({ "label": label, "rows": object(rows) })
        });
        let paths: Vec<String> = files.iter().map(|(_, path)| path.display().to_string()).collect();
        json!({
            "seed": seed,
            "rows": object(&self.rows),
            "rejected": self.rejected,
            "labels": labels.collect::<Vec<_>>(),
            "files": paths,
        })
    }

    /// Returns the counts as a table with one column per split.
    pub fn table(&self, files: &[(Split, PathBuf)]) -> String {
        let names: Vec<String> = files.iter().map(|(split, _)| split.to_string()).collect();
        let headings: Vec<&str> = std::iter::once("label").chain(names.iter().map(String::as_str)).collect();
        let mut rows_by_label = table(&headings, &(1..headings.len()).collect::<Vec<_>>());
        let mut add = |label: &str, rows: &[u64; 3]| {
            let numbers = files.iter().map(|(split, _)| rows[split.index()].to_string());
            rows_by_label
                .add_row(std::iter::once(label.split_whitespace().collect::<Vec<_>>().join(" ")).chain(numbers));
        };
        for (label, rows) in &self.labels {
            add(if label.is_empty() { "(no label)" } else { label }, rows);
        }
        add("all rows", &self.rows);
        rows_by_label.trim_fmt()
    }
}
