//! Labels a corpus: rows are read, classified and written at the same time, in their order.

use crate::column_choice::ColumnChoice;
use crate::columns::PredictionColumns;
use crate::error::RunError;
use crate::inputs::InputRecord;
use crate::output::Output;
use crate::reader::{Event, Header, Reader, RowEnd, RowFacts, RunOptions};
use crate::state::{RunState, count};
use newsdesk_data::{ColumnSelection, Language, Reject, Row, Source};
use newsdesk_model::{Classifier, ModelError, Prediction, StreamOutput};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The number of rows between two calls of [`Output::checkpoint`].
///
/// It is counted from the first row of the corpus, so that a resumed run has its checkpoints at the same rows.
pub const ROWS_PER_CHECKPOINT: u64 = 512;

/// The outcome of a run without an error.
#[derive(Debug)]
pub struct RunOutcome {
    /// Whether the run was stopped before the end of the corpus.
    pub interrupted: bool,
    /// The sources that were read to their end.
    pub inputs: Vec<InputRecord>,
    /// How long the reader was busy.
    pub reading: Duration,
    /// How long the output was busy.
    pub writing: Duration,
}

/// Labels the rows of `sources` after `state`, and updates `state` with each row that `output` has taken.
///
/// `state` is [`RunState::start`] or the state of an interrupted run.
///
/// # Errors
/// If a source cannot be read, the output cannot be written, the model fails, too many rows are rejected, or the rows up to
/// `state` have changed. The rows before the error are written.
pub fn run_corpus(
    classifier: &Classifier,
    sources: &[Source],
    options: &RunOptions,
    columns: &PredictionColumns,
    state: &mut RunState,
    output: &mut dyn Output,
) -> Result<RunOutcome, RunError> {
    check_rejects(options, state, false)?;
    let start = state.clone();
    let outcome = RunOutcome { interrupted: true, inputs: vec![], reading: Duration::ZERO, writing: Duration::ZERO };
    let selection = ColumnSelection::default();
    let mut sink = Sink { options, columns: columns.clone(), selection, state, output, outcome };
    let ran = classifier.stream(|input| Reader::new(options, input, &start).read(sources), |item| sink.take(item));
    match ran {
        Ok(()) | Err(End::Stopped) => {}
        Err(End::Failed(error)) => return Err(*error),
    }
    let Sink { state, output, mut outcome, .. } = sink;
    output.idle(state)?;
    // The signal may also have ended the program that writes into our standard input, before it arrived here.
    outcome.interrupted |= options.stop.load(Ordering::Relaxed) && sources.contains(&Source::Stdin);
    if !outcome.interrupted {
        check_rejects(options, state, true)?;
    }
    Ok(outcome)
}

fn check_rejects(options: &RunOptions, state: &RunState, at_end: bool) -> Result<(), RunError> {
    options.reject_limit.map_or(Ok(()), |limit| limit.check(&state.counts, at_end))
}

/// Why a run ends before the classifier has returned all items.
enum End {
    Failed(Box<RunError>),
    Stopped,
}

impl From<RunError> for End {
    fn from(error: RunError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<ModelError> for End {
    fn from(error: ModelError) -> Self {
        Self::from(RunError::from(error))
    }
}

/// Hands the items of the classifier to the output and keeps the state.
struct Sink<'r> {
    options: &'r RunOptions,
    columns: PredictionColumns,
    /// The input columns that are written.
    selection: ColumnSelection,
    state: &'r mut RunState,
    output: &'r mut dyn Output,
    outcome: RunOutcome,
}

impl Sink<'_> {
    fn take(&mut self, item: StreamOutput<Event>) -> Result<(), End> {
        let since = Instant::now();
        let (event, prediction) = match item {
            // The input pauses, so a reader of the output sees all results at once.
            StreamOutput::Idle => return Ok(self.output.idle(self.state)?),
            StreamOutput::Item(event, prediction) => (event, prediction),
            // The row stays undone: a model that overflows on one row is likely to do so on others.
            StreamOutput::Failed(event, error) => {
                return Err(match event {
                    Event::Row(row, ..) => error.with_position(|_| row.position.to_string()),
                    _ => error,
                }
                .into());
            }
        };
        match (event, prediction) {
            (Event::Header(header), _) => return Ok(self.header(header)?),
            (Event::SourceEnd(input, bytes), _) => {
                self.outcome.inputs.push(input);
                self.options.done.bytes.store(bytes, Ordering::Relaxed);
                return Ok(());
            }
            (Event::End(busy), _) => {
                self.outcome.interrupted = false;
                self.outcome.reading = busy;
                return Ok(());
            }
            (Event::Fatal(error), _) => return Err(error.into()),
            (Event::Reject(reject, end), _) => self.reject(&reject, end)?,
            (Event::Row(row, facts, end), Some(prediction)) => self.row(row, &prediction, facts, end)?,
            // Each row is pushed with a text, so it comes with a prediction.
            (Event::Row(..), None) => {}
        }
        self.output.done(self.state);
        if self.state.rows.is_multiple_of(ROWS_PER_CHECKPOINT) || self.output.is_checkpoint_due() {
            self.output.checkpoint(self.state)?;
        }
        self.outcome.writing += since.elapsed();
        check_rejects(self.options, self.state, false)?;
        // Thousands of short articles, or minutes of long ones, may still be queued. They are dropped.
        if self.options.stop.load(Ordering::Relaxed) { Err(End::Stopped) } else { Ok(()) }
    }

    fn header(&mut self, header: Header) -> Result<(), RunError> {
        let other = self.options.other_columns();
        let choice = ColumnChoice::new(&self.columns, self.options, &header, &other, self.state)?;
        self.output.columns(&choice.notes);
        let mut added = choice.columns.example();
        added.extend(self.options.near_duplicates.then(|| choice.columns.group(0)));
        added.extend(self.options.language_column.then(|| choice.columns.language(Some("en"))));
        let table = header.table.map(|table| choice.selection.table(table));
        (self.columns, self.selection) = (choice.columns, choice.selection);
        self.output.header(table.as_ref(), &added)
    }

    fn row(&mut self, mut row: Row, prediction: &Prediction, facts: RowFacts, end: RowEnd) -> Result<(), RunError> {
        let mut added = self.columns.values(prediction);
        added.extend(facts.group.map(|group| self.columns.group(group)));
        let language = facts.language.map(Language::code);
        added.extend(self.options.language_column.then(|| self.columns.language(language)));
        let all = self.selection.apply(&mut row);
        if let Err(error) = self.output.row(&row, &added) {
            // A reject holds the whole row.
            all.into_iter().for_each(|all| all.restore(&mut row));
            return match error.as_reject(&row) {
                Some(reject) => self.reject(&reject, end),
                None => Err(error),
            };
        }
        let number = self.state.rows + 1;
        let counts = &mut self.state.counts;
        counts.add(prediction, &self.columns);
        counts.duplicates += u64::from(facts.is_duplicate);
        counts.near_duplicates += u64::from(facts.group.is_some_and(|group| group != number));
        counts.html += u64::from(row.was_html);
        counts.title_only += u64::from(row.article.is_title_only());
        match language {
            Some(code) => count(&mut counts.languages, code),
            None => counts.unsure_languages += u64::from(self.options.detect_languages),
        }
        self.advance(end);
        Ok(())
    }

    fn reject(&mut self, reject: &Reject, end: RowEnd) -> Result<(), RunError> {
        self.output.reject(reject)?;
        self.state.counts.add_reject(reject);
        self.advance(end);
        Ok(())
    }

    fn advance(&mut self, end: RowEnd) {
        (self.state.rows, self.state.content_hash) = (self.state.rows + 1, Some(end.hash));
        self.options.done.bytes.store(end.bytes, Ordering::Relaxed);
        self.options.done.rows.store(end.rows, Ordering::Relaxed);
    }
}
