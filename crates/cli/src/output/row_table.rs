//! Labelled rows as a table on a terminal.

use super::table::table;
use super::terminal::stdout;
use newsdesk_data::{DataError, Row, RowWriter, Value};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// A writer that prints rows as a table: the beginning of each article and its predictions.
pub struct RowTable {
    table: Option<comfy_table::Table>,
    /// When the first row was added.
    started: Instant,
}

/// Time for which rows are collected before they are printed, so that columns have one width.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// Number of characters of an article that are shown.
const MAX_CHARACTERS: usize = 48;

impl RowTable {
    /// Returns a table without rows.
    pub fn new() -> Self {
        Self { table: None, started: Instant::now() }
    }
}

impl RowWriter for RowTable {
    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        let text = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => format!("{number:.2}"),
            Value::Integer(number) => number.to_string(),
            Value::Null => String::new(),
        };
        // Codes are for programs; people read the names.
        let shown: Vec<_> = added.iter().filter(|(name, _)| !is_code(name, added)).collect();
        let table = self.table.get_or_insert_with(|| {
            let headings: Vec<&str> =
                std::iter::once("article").chain(shown.iter().map(|(name, _)| name.as_str())).collect();
            let numbers: Vec<usize> = (0..shown.len())
                .filter(|&i| matches!(shown[i].1, Value::Number(_) | Value::Integer(_)))
                .map(|i| i + 1)
                .collect();
            self.started = Instant::now();
            table(&headings, &numbers)
        });
        let mut cells = vec![beginning(row)];
        cells.extend(shown.iter().map(|(_, value)| text(value)));
        table.add_row(cells);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), DataError> {
        match self.table.take() {
            None => Ok(()),
            Some(table) => {
                let named = |e: io::Error| io::Error::new(e.kind(), format!("standard output: {e}"));
                writeln!(stdout(), "{}", table.trim_fmt()).map_err(|e| DataError::Write { source: named(e) })
            }
        }
    }

    fn pause(&mut self) -> Result<(), DataError> {
        if self.started.elapsed() < MAX_DELAY { Ok(()) } else { self.finish() }
    }
}

/// Returns whether a column holds the codes of a head, which has columns of labels and scores as well.
fn is_code(name: &str, added: &[(String, Value)]) -> bool {
    let has = |name: &str| added.iter().any(|(other, _)| *other == *name);
    name.strip_suffix("_code").is_some_and(|head| has(head) && has(&format!("{head}_score")))
}

/// Returns the title or the first words of the text, without control characters that a terminal would act on.
fn beginning(row: &Row) -> String {
    let article = &row.article;
    let title = article.title.as_deref().filter(|title| !title.trim().is_empty());
    let mut words = title.unwrap_or(&article.text).split_whitespace().collect::<Vec<_>>().join(" ");
    words.retain(|c| !c.is_control());
    if words.chars().count() > MAX_CHARACTERS {
        words = words.chars().take(MAX_CHARACTERS - 1).collect::<String>().trim_end().to_string() + "…";
    }
    words
}
