//! Where `newsdesk classify` writes: rows to a file or standard output, rejects to standard error and a file.

use super::table::table;
use crate::failure::say;
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressStyle};
use newsdesk_data::{DataError, Reject, Row, RowWriter, Value};
use newsdesk_model::Head;
use newsdesk_run::{Counts, Output};
use serde::Serialize;
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The output of one run.
pub struct CorpusOutput {
    rows: Box<dyn RowWriter + Send>,
    rejects: Option<Box<dyn Write + Send>>,
    progress: ProgressBar,
    replaced: HashSet<String>,
    rejected: usize,
    quiet: bool,
}

/// Rejects that are told one by one.
const REJECTS_SHOWN: usize = 20;

/// A line of the rejects file.
#[derive(Serialize)]
struct RejectLine<'a> {
    source: &'a str,
    row: u64,
    line: u64,
    offset: u64,
    cause: &'a str,
    hint: Option<&'a str>,
    raw: &'a str,
}

impl CorpusOutput {
    /// Rows go to `rows`, rejects to standard error and, if given, to `rejects` as JSON Lines. `bar`: show progress.
    pub fn new(
        rows: Box<dyn RowWriter + Send>,
        rejects: Option<Box<dyn Write + Send>>,
        bar: bool,
        quiet: bool,
    ) -> Self {
        let progress = if bar { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} articles, {per_sec}, {elapsed}") {
            progress.set_style(style);
        }
        if bar {
            progress.enable_steady_tick(Duration::from_millis(200));
        }
        Self { rows, rejects, progress, replaced: HashSet::new(), rejected: 0, quiet }
    }

    /// How many rows there are so far.
    pub fn progress(&self, rows: u64) {
        self.progress.set_position(rows);
    }

    /// Rows that were rejected so far.
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// Ends the run's output.
    pub fn finish(mut self) -> Result<(), DataError> {
        self.progress.finish_and_clear();
        self.rows.finish()?;
        match &mut self.rejects {
            None => Ok(()),
            Some(rejects) => rejects.flush().map_err(|e| write_error("the rejects file", e)),
        }
    }
}

fn write_error(name: &str, source: io::Error) -> DataError {
    DataError::Write { source: io::Error::new(source.kind(), format!("{name}: {source}")) }
}

impl Output for CorpusOutput {
    fn header(&mut self, columns: &[Arc<str>], added: &[String]) -> Result<(), DataError> {
        self.rows.header(columns, added)
    }

    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        for (name, _) in added {
            if row.column(name).is_some() && !self.quiet && self.replaced.insert(name.clone()) {
                let line = format!(
                    "warning: the column `{name}` of the input gives way to the model's answer; `--prefix` keeps both"
                );
                self.progress.suspend(|| say(&line));
            }
        }
        self.rows.write(row, added)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), DataError> {
        self.rejected += 1;
        if self.rejected <= REJECTS_SHOWN {
            self.progress.suspend(|| {
                say(&format!("error: {reject}"));
                if let Some(hint) = &reject.hint {
                    say(&format!("hint: {hint}"));
                }
            });
        } else if self.rejected == REJECTS_SHOWN + 1 {
            self.progress.suspend(|| say("error: more rows are rejected; `--rejects FILE` writes each of them down"));
        }
        if let Some(file) = &mut self.rejects {
            let line = RejectLine {
                source: &reject.position.source,
                row: reject.position.row,
                line: reject.position.line,
                offset: reject.position.offset,
                cause: &reject.cause,
                hint: reject.hint.as_deref(),
                raw: &reject.raw,
            };
            let written = serde_json::to_writer(&mut *file, &line).map_err(io::Error::from);
            written.and_then(|()| file.write_all(b"\n")).map_err(|e| write_error("the rejects file", e))?;
        }
        Ok(())
    }

    fn pause(&mut self, counts: &Counts) -> Result<(), DataError> {
        self.progress.set_position(counts.articles);
        if let Some(rejects) = &mut self.rejects {
            rejects.flush().map_err(|e| write_error("the rejects file", e))?;
        }
        self.rows.pause()
    }
}

/// Rows as a table on a terminal: the answers, and the beginning of the article.
pub struct TableRows {
    heads: Vec<Arc<Head>>,
    prefix: String,
    table: Option<Table>,
    /// When the first row was put into it.
    since: Instant,
}

/// How long a row waits for others before it is shown: a table is as wide as the rows that it has.
const PATIENCE: Duration = Duration::from_secs(1);

/// Characters of an article that are shown.
const SHOWN: usize = 48;

impl TableRows {
    /// A table of these heads' answers.
    pub fn new(heads: &[Arc<Head>], prefix: &str) -> Self {
        Self { heads: heads.to_vec(), prefix: prefix.into(), table: None, since: Instant::now() }
    }
}

impl RowWriter for TableRows {
    fn write(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError> {
        let text = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => format!("{number:.2}"),
            Value::Null => String::new(),
        };
        // Codes are for machines.
        let shown: Vec<_> = added.iter().filter(|(name, _)| !self.is_code(name)).collect();
        let table = self.table.get_or_insert_with(|| {
            let headings: Vec<&str> =
                std::iter::once("article").chain(shown.iter().map(|(name, _)| name.as_str())).collect();
            let numbers: Vec<usize> =
                (0..shown.len()).filter(|&i| matches!(shown[i].1, Value::Number(_))).map(|i| i + 1).collect();
            self.since = Instant::now();
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
                writeln!(io::stdout(), "{}", table.trim_fmt()).map_err(|e| write_error("standard output", e))
            }
        }
    }

    fn pause(&mut self) -> Result<(), DataError> {
        if self.since.elapsed() < PATIENCE { Ok(()) } else { self.finish() }
    }
}

impl TableRows {
    fn is_code(&self, name: &str) -> bool {
        self.heads.iter().any(|head| name == format!("{}{}_code", self.prefix, head.name))
    }
}

/// The title, or the text's first words, without what a terminal would obey.
fn beginning(row: &Row) -> String {
    let article = &row.article;
    let title = article.title.as_deref().filter(|title| !title.trim().is_empty());
    let mut words = title.unwrap_or(&article.text).split_whitespace().collect::<Vec<_>>().join(" ");
    words.retain(|c| !c.is_control());
    if words.chars().count() > SHOWN {
        words = words.chars().take(SHOWN - 1).collect::<String>().trim_end().to_string() + "…";
    }
    words
}
