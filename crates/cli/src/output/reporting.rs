//! Reports on rows while they are written: rejects, names of columns and progress.

use crate::failure::say;
use crate::output::count::counted;
use crate::output::reject_log::RejectLog;
use crate::remedies::data::with_hint;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use newsdesk_data::{Reject, Row, Table, Value};
use newsdesk_run::{ColumnNotes, Output, RunError, RunState};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Returns the line that reports a finished file with its number of rows.
pub fn wrote(path: &Path, rows: u64, noun: &str) -> String {
    format!("wrote {}: {}", path.display(), counted(HumanCount(rows), noun))
}

/// Number of column names that a line lists.
const MAX_NAMES_SHOWN: usize = 4;

/// Returns the lines that report how a run treats the columns of its input.
fn column_lines(notes: &ColumnNotes) -> Vec<String> {
    let listed = |names: &[String]| {
        let shown = names.iter().take(MAX_NAMES_SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match names.len().saturating_sub(MAX_NAMES_SHOWN) {
            0 => shown,
            others => format!("{shown} and {others} more"),
        }
    };
    let renamed = notes.renamed.iter().map(|renamed| {
        let names = listed(&renamed.names);
        match &renamed.head {
            Some(head) => {
                format!("note: the input has columns like those of head `{head}`, so the added ones are {names}")
            }
            None => format!("note: the input has a column like an added one, so the added one is {names}"),
        }
    });
    let mut lines: Vec<String> = renamed.collect();
    if !notes.replaced.is_empty() {
        lines.push(format!("note: these columns of the input are replaced: {}", listed(&notes.replaced)));
    }
    if !notes.not_seen.is_empty() {
        let names = listed(&notes.not_seen);
        lines.push(format!("warning: the first row has none of these columns: {names}; rows without them get null"));
    }
    lines
}

/// An output that passes rows on to another one and reports on standard error.
pub struct ReportingOutput<O> {
    inner: O,
    bar: ProgressBar,
    progress: Progress,
    rejects: RejectLog,
    quiet: bool,
}

/// What is needed to compute the progress of a run.
struct Progress {
    /// Bytes of the inputs whose rows are done, if their total size is known.
    bytes: Option<Arc<AtomicU64>>,
    /// Rows that earlier starts of a resumed run finished.
    rows_before: u64,
    /// When the first row of this start was finished.
    started: Option<Instant>,
    /// When the last progress line was printed; `None` if no lines are printed.
    last_line: Option<Instant>,
}

/// The note of a command that found nothing to read.
pub const NO_ARTICLES: &str = "no articles: the inputs have no rows";

/// Time between two progress lines if standard error is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

impl<O> ReportingOutput<O> {
    /// Wraps an output; `show_bar` shows a bar with the number of rows.
    pub fn new(inner: O, show_bar: bool, quiet: bool) -> Self {
        let bar = if show_bar { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} articles, {per_sec}, {elapsed}") {
            bar.set_style(style);
        }
        if show_bar {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        let progress = Progress { bytes: None, rows_before: 0, started: None, last_line: None };
        Self { inner, bar, progress, rejects: RejectLog::default(), quiet }
    }

    /// Wraps the output of a run into a file. A terminal shows a bar over the input bytes; otherwise a line is printed
    /// every 30 seconds.
    pub fn of_run(inner: O, bytes: Arc<AtomicU64>, total_bytes: Option<u64>, quiet: bool) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let mut output = Self::new(inner, is_terminal && !quiet, quiet);
        if let Some(total) = total_bytes {
            output.bar.set_length(total);
            let template = "{wide_bar} {bytes} of {total_bytes}, {msg}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                output.bar.set_style(style);
            }
            output.progress.bytes = Some(bytes);
        }
        output.progress.last_line = (!is_terminal && !quiet).then(Instant::now);
        output
    }

    /// Shows the number of rows written so far.
    pub fn show_rows(&self, rows: u64) {
        self.bar.set_position(rows);
    }

    /// Returns the number of rows rejected so far.
    pub fn rejected(&self) -> usize {
        self.rejects.count()
    }

    /// Removes the bar, reports the rejects that were not shown, and returns the wrapped output.
    pub fn into_inner(self) -> O {
        self.bar.finish_and_clear();
        self.rejects.others().iter().for_each(|line| say(&format!("error: {line}")));
        self.inner
    }

    fn show_state(&mut self, state: &RunState) {
        let counts = &state.counts;
        let started = *self.progress.started.get_or_insert_with(|| {
            // Rows of earlier starts do not count towards the speed of this one.
            self.progress.rows_before = state.rows;
            if let Some(bytes) = &self.progress.bytes {
                self.bar.set_position(bytes.load(Ordering::Relaxed));
            }
            self.bar.reset_eta();
            Instant::now()
        });
        let rate = (state.rows - self.progress.rows_before) as f64 / started.elapsed().as_secs_f64().max(1e-3);
        let summary = || {
            let rejected =
                if counts.rejected > 0 { format!(", {} rejected", HumanCount(counts.rejected)) } else { String::new() };
            format!("{}{rejected}, {rate:.0}/s", counted(HumanCount(counts.articles), "article"))
        };
        match &self.progress.bytes {
            _ if self.bar.is_hidden() => {}
            Some(bytes) => {
                self.bar.set_position(bytes.load(Ordering::Relaxed));
                self.bar.set_message(summary());
            }
            None => self.bar.set_position(counts.articles),
        }
        if self.progress.last_line.is_some_and(|last| last.elapsed() >= LINE_INTERVAL) {
            self.progress.last_line = Some(Instant::now());
            let share = self.progress.bytes.as_ref().zip(self.bar.length()).map(|(bytes, total)| {
                format!(", {:.1} % done", 100.0 * bytes.load(Ordering::Relaxed) as f64 / total.max(1) as f64)
            });
            say(&(summary() + &share.unwrap_or_default()));
        }
    }
}

impl<O: Output> Output for ReportingOutput<O> {
    fn columns(&mut self, notes: &ColumnNotes) {
        if !self.quiet {
            self.bar.suspend(|| column_lines(notes).iter().for_each(|line| say(line)));
        }
        self.inner.columns(notes);
    }

    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), RunError> {
        self.inner.header(table, added)
    }

    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), RunError> {
        self.inner.row(row, added)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), RunError> {
        let reject = &with_hint(reject);
        let shown = self.rejects.add(reject);
        if shown.is_shown {
            self.bar.suspend(|| {
                say(&format!("error: {reject}"));
                if let Some(hint) = reject.hint.as_ref().filter(|_| shown.with_hint) {
                    say(&format!("hint: {hint}"));
                }
            });
        }
        self.inner.reject(reject)
    }

    fn done(&mut self, state: &RunState) {
        self.show_state(state);
        self.inner.done(state);
    }

    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError> {
        self.inner.checkpoint(state)
    }

    fn idle(&mut self, state: &RunState) -> Result<(), RunError> {
        self.inner.idle(state)
    }
}
