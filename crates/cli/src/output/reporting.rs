//! Reports on rows while they are written: rejects, names of columns and progress.

use super::column_lines::column_lines;
use super::total::Total;
use crate::failure::say;
use crate::output::count::counted;
use crate::output::reject_log::RejectLog;
use crate::remedies::data::with_hint;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use newsdesk_data::{Reject, Row, Table, Value};
use newsdesk_run::{ColumnNotes, Done, Output, RunError, RunState};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Returns the line that reports a finished file with its number of rows.
pub fn wrote(path: &Path, rows: u64, noun: &str) -> String {
    format!("wrote {}: {}", path.display(), counted(HumanCount(rows), noun))
}

/// An output that passes rows on to another one and reports on standard error.
pub struct ReportingOutput<O> {
    inner: O,
    bar: ProgressBar,
    progress: Progress,
    rejects: RejectLog,
    quiet: bool,
}

/// Length of the bar of a run, which shows a share.
const WHOLE: f64 = 1e6;

/// What is needed to compute the progress of a run.
struct Progress {
    /// How much of the inputs is done.
    done: Arc<Done>,
    total: Total,
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
        let (done, total) = (Arc::default(), Total::default());
        let progress = Progress { done, total, rows_before: 0, started: None, last_line: None };
        Self { inner, bar, progress, rejects: RejectLog::default(), quiet }
    }

    /// Wraps the output of a run into a file. A terminal shows a bar; otherwise a line is printed every 30 seconds.
    pub fn of_run(inner: O, done: Arc<Done>, total: Total, quiet: bool) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let mut output = Self::new(inner, is_terminal && !quiet, quiet);
        if total.is_known() {
            output.bar.set_length(WHOLE as u64);
            let template = "{wide_bar} {percent} %, {msg}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                output.bar.set_style(style);
            }
        }
        (output.progress.done, output.progress.total) = (done, total);
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
        let done = &self.progress.done;
        let share = self.progress.total.share(
            done.rows.load(Ordering::Relaxed),
            done.bytes.load(Ordering::Relaxed),
            state.rows,
        );
        let started = *self.progress.started.get_or_insert_with(|| {
            // Rows of earlier starts do not count towards the speed of this one.
            self.progress.rows_before = state.rows;
            if let Some(share) = share {
                self.bar.set_position((share * WHOLE) as u64);
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
        match share {
            _ if self.bar.is_hidden() => {}
            Some(share) => {
                self.bar.set_position((share * WHOLE) as u64);
                self.bar.set_message(summary());
            }
            None => self.bar.set_position(counts.articles),
        }
        if self.progress.last_line.is_some_and(|last| last.elapsed() >= LINE_INTERVAL) {
            self.progress.last_line = Some(Instant::now());
            let share = share.map(|share| format!(", {:.1} % done", 100.0 * share));
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
        if reject.other_language().is_some() {
            // The user asked for it. The end of the run reports the number of each language.
            return self.inner.reject(reject);
        }
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

    fn is_checkpoint_due(&self) -> bool {
        self.inner.is_checkpoint_due()
    }

    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError> {
        self.inner.checkpoint(state)
    }

    fn idle(&mut self, state: &RunState) -> Result<(), RunError> {
        self.inner.idle(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output whose checkpoint is due.
    struct Due;

    impl Output for Due {
        fn header(&mut self, _: Option<&Table>, _: &[(String, Value)]) -> Result<(), RunError> {
            Ok(())
        }
        fn row(&mut self, _: &Row, _: &[(String, Value)]) -> Result<(), RunError> {
            Ok(())
        }
        fn reject(&mut self, _: &Reject) -> Result<(), RunError> {
            Ok(())
        }
        fn is_checkpoint_due(&self) -> bool {
            true
        }
        fn checkpoint(&mut self, _: &RunState) -> Result<(), RunError> {
            Ok(())
        }
        fn idle(&mut self, _: &RunState) -> Result<(), RunError> {
            Ok(())
        }
    }

    #[test]
    fn checkpoints_between_multiples_of_512_rows_are_passed_on() {
        assert!(ReportingOutput::new(Due, false, true).is_checkpoint_due());
    }
}
