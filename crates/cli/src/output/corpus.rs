//! What is told while rows are written: rejects one by one, columns that give way, and how far the work is.

use super::table::table;
use crate::failure::say;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use newsdesk_data::{DataError, Reject, Row, RowWriter, Table, Value};
use newsdesk_model::Head;
use newsdesk_run::{Output, RunError, RunState};
use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An output that tells what happens to it.
pub struct CorpusOutput<O> {
    inner: O,
    progress: ProgressBar,
    told: Told,
    replaced: HashSet<String>,
    rejected: usize,
    quiet: bool,
}

/// How far the work is, and how that is said.
struct Told {
    /// Bytes of the inputs that were read, where their sum is known.
    bytes: Option<Arc<AtomicU64>>,
    /// Rows that were done before this start.
    before: u64,
    /// When the first row of this start was done.
    since: Option<Instant>,
    /// When a line was said last; none are said where it is `None`.
    line: Option<Instant>,
}

/// Rejects that are told one by one.
const REJECTS_SHOWN: usize = 20;

/// From one line of a long run to the next, where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

impl<O> CorpusOutput<O> {
    /// Tells of what goes to `inner`; `bar` shows how many rows there were.
    pub fn new(inner: O, bar: bool, quiet: bool) -> Self {
        let progress = if bar { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} articles, {per_sec}, {elapsed}") {
            progress.set_style(style);
        }
        if bar {
            progress.enable_steady_tick(Duration::from_millis(200));
        }
        let told = Told { bytes: None, before: 0, since: None, line: None };
        Self { inner, progress, told, replaced: HashSet::new(), rejected: 0, quiet }
    }

    /// Tells of a run into a file: on a terminal a bar with the share of the inputs' bytes that are read, elsewhere a line every
    /// 30 seconds.
    pub fn of_run(inner: O, bytes: Arc<AtomicU64>, all: Option<u64>, quiet: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        let mut output = Self::new(inner, terminal && !quiet, quiet);
        if let Some(all) = all {
            output.progress.set_length(all);
            let template = "{wide_bar} {bytes} of {total_bytes}, {msg}, {bytes_per_sec}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                output.progress.set_style(style);
            }
            output.told.bytes = Some(bytes);
        }
        output.told.line = (!terminal && !quiet).then(Instant::now);
        output
    }

    /// How many rows there are so far.
    pub fn progress(&self, rows: u64) {
        self.progress.set_position(rows);
    }

    /// Rows that were rejected so far.
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// Ends the telling.
    pub fn into_inner(self) -> O {
        self.progress.finish_and_clear();
        self.inner
    }

    fn tell(&mut self, state: &RunState) {
        let counts = &state.counts;
        let since = *self.told.since.get_or_insert_with(|| {
            // What an earlier start had done was read at another speed.
            self.told.before = state.rows;
            if let Some(bytes) = &self.told.bytes {
                self.progress.set_position(bytes.load(Ordering::Relaxed));
            }
            self.progress.reset_eta();
            Instant::now()
        });
        let rate = (state.rows - self.told.before) as f64 / since.elapsed().as_secs_f64().max(1e-3);
        let said = || {
            let rejected =
                if counts.rejected > 0 { format!(", {} rejected", HumanCount(counts.rejected)) } else { String::new() };
            format!("{} articles{rejected}, {rate:.0}/s", HumanCount(counts.articles))
        };
        match &self.told.bytes {
            _ if self.progress.is_hidden() => {}
            Some(bytes) => {
                self.progress.set_position(bytes.load(Ordering::Relaxed));
                self.progress.set_message(said());
            }
            None => self.progress.set_position(counts.articles),
        }
        if self.told.line.is_some_and(|last| last.elapsed() >= BETWEEN_LINES) {
            self.told.line = Some(Instant::now());
            let share = self.told.bytes.as_ref().zip(self.progress.length()).map(|(bytes, all)| {
                format!(", {:.1} % read", 100.0 * bytes.load(Ordering::Relaxed) as f64 / all.max(1) as f64)
            });
            say(&(said() + &share.unwrap_or_default()));
        }
    }
}

impl<O: Output> Output for CorpusOutput<O> {
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), RunError> {
        self.inner.header(table, added)
    }

    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), RunError> {
        for (name, _) in added {
            if row.column(name).is_some() && !self.quiet && self.replaced.insert(name.clone()) {
                let line = format!(
                    "warning: the column `{name}` of the input gives way to the model's answer; `--prefix` keeps both"
                );
                self.progress.suspend(|| say(&line));
            }
        }
        self.inner.row(row, added)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), RunError> {
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
        self.inner.reject(reject)
    }

    fn done(&mut self, state: &RunState) {
        self.tell(state);
        self.inner.done(state);
    }

    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError> {
        self.inner.checkpoint(state)
    }

    fn idle(&mut self, state: &RunState) -> Result<(), RunError> {
        self.inner.idle(state)
    }
}

/// Rows as a table on a terminal: the answers, and the beginning of the article.
pub struct TableRows {
    heads: Vec<Arc<Head>>,
    prefix: String,
    table: Option<comfy_table::Table>,
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
            Value::Integer(number) => number.to_string(),
            Value::Null => String::new(),
        };
        // Codes are for machines.
        let shown: Vec<_> = added.iter().filter(|(name, _)| !self.is_code(name)).collect();
        let table = self.table.get_or_insert_with(|| {
            let headings: Vec<&str> =
                std::iter::once("article").chain(shown.iter().map(|(name, _)| name.as_str())).collect();
            let numbers: Vec<usize> = (0..shown.len())
                .filter(|&i| matches!(shown[i].1, Value::Number(_) | Value::Integer(_)))
                .map(|i| i + 1)
                .collect();
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
                let named = |e: io::Error| io::Error::new(e.kind(), format!("standard output: {e}"));
                writeln!(io::stdout(), "{}", table.trim_fmt()).map_err(|e| DataError::Write { source: named(e) })
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
