//! The run itself: rows are read, classified and written at the same time, in their order.

use crate::columns::Columns;
use crate::error::RunError;
use crate::inputs::InputRecord;
use crate::output::Output;
use crate::rejects::MostRejects;
use crate::repeats::{NearRepeats, Repeats};
use crate::state::RunState;
use newsdesk_data::{ReadError, ReadOptions, Reject, Row, Source, StableHash, Table, Watch, read_watched};
use newsdesk_model::{Answer, Classifier, Intake, ModelError, Prediction};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Rows from one call of [`Output::checkpoint`] to the next. Counted from the beginning of the corpus, so that a run which was
/// interrupted makes them where an undisturbed one does.
pub const ROWS_PER_CHECKPOINT: u64 = 512;

/// How a corpus is run through.
#[derive(Default)]
pub struct RunOptions {
    /// How sources are read.
    pub read: ReadOptions,
    /// Most rows that are taken.
    pub limit: Option<u64>,
    /// The share of the rows that is taken, by a hash of each; all of them where it is absent.
    pub sample: Option<f64>,
    /// Whether near repeats are looked for, and each row gets the column of its group.
    pub near_repeats: bool,
    /// When rejects stop the run.
    pub most_rejects: Option<MostRejects>,
    /// Set by whoever wants the run to end early; what is under way is dropped.
    pub stop: Arc<AtomicBool>,
    /// Counts the bytes of the sources while they are read, as they stand on disk.
    pub bytes: Arc<AtomicU64>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it was told to stop before the end of the corpus.
    pub interrupted: bool,
    /// The sources that were read to their end.
    pub inputs: Vec<InputRecord>,
    /// How long the reader was busy.
    pub reading: Duration,
    /// How long the output was.
    pub writing: Duration,
}

/// What the reader finds, in the order of the corpus.
enum Event {
    /// What the first source says of its columns.
    Header(Option<Table>),
    /// A row, what it repeats, and the hash of all rows up to it.
    Row(Row, Repeated, u64),
    Reject(Reject, u64),
    /// A source was read to its end.
    Ended(InputRecord),
    /// The corpus was read to its end, or as far as was asked for; the time that the reader was busy.
    Finished(Duration),
    /// A source cannot be read on.
    Fatal(RunError),
}

/// What a row repeats.
#[derive(Clone, Copy)]
struct Repeated {
    /// Whether its words were met before.
    exactly: bool,
    /// The number of the row that it nearly repeats, its own if it does not, where that is looked for.
    group: Option<u64>,
}

/// Labels the rows of `sources` from `state` on, which is [`RunState::start`] or where an earlier run ended, and keeps `state` up
/// to date with what was handed to `output`.
///
/// # Errors
/// If a source cannot be read on, the output not written, the model fails, too many rows are rejected, or the rows before
/// `state` are other ones now. What was read before is handed over.
pub fn run(
    classifier: &Classifier,
    sources: &[Source],
    options: &RunOptions,
    columns: &Columns,
    state: &mut RunState,
    output: &mut dyn Output,
) -> Result<Outcome, RunError> {
    let (done, hash) = (state.rows, state.hash);
    let check_rejects = |state: &RunState, at_end| match &options.most_rejects {
        Some(most) => most.check(&state.counts, at_end),
        None => Ok(()),
    };
    check_rejects(state, false)?;
    let mut outcome = Outcome { interrupted: true, inputs: vec![], reading: Duration::ZERO, writing: Duration::ZERO };
    let ran = classifier.stream(
        |intake| {
            let near = options.near_repeats.then(NearRepeats::new);
            let (repeats, hash_of_rows, busy) = (Repeats::default(), StableHash::new(), Duration::ZERO);
            Reader { options, intake, rows: 0, hash: hash_of_rows, repeats, near, busy }.read(sources, done, hash)
        },
        |answer| {
            let since = Instant::now();
            let (event, prediction) = match answer {
                // Whoever feeds the run slowly sees every answer at once.
                Answer::Idle => return Ok(output.idle(state)?),
                Answer::Item(event, prediction) => (event, prediction),
            };
            match event {
                Event::Header(table) => {
                    let mut added = columns.example();
                    added.extend(options.near_repeats.then(|| columns.group(0)));
                    return Ok(output.header(table.as_ref(), &added)?);
                }
                Event::Ended(input) => {
                    outcome.inputs.push(input);
                    return Ok(());
                }
                Event::Finished(busy) => {
                    outcome.interrupted = false;
                    outcome.reading = busy;
                    return Ok(());
                }
                Event::Fatal(error) => return Err(error.into()),
                Event::Reject(reject, hash) => reject_row(&reject, hash, state, output)?,
                Event::Row(row, repeated, hash) => {
                    if let Some(prediction) = prediction {
                        write_row(&row, hash, &prediction, repeated, columns, state, output)?;
                    }
                }
            }
            output.done(state);
            if state.rows.is_multiple_of(ROWS_PER_CHECKPOINT) {
                output.checkpoint(state)?;
            }
            outcome.writing += since.elapsed();
            check_rejects(state, false)?;
            // Thousands of short articles, or minutes of long ones, may be under way: they are dropped.
            if options.stop.load(Ordering::Relaxed) { Err(End::Stopped) } else { Ok(()) }
        },
    );
    match ran {
        Ok(()) | Err(End::Stopped) => {}
        Err(End::Failed(error)) => return Err(*error),
    }
    output.idle(state)?;
    // A pipe may have ended before the signal that ended it came here.
    outcome.interrupted |= options.stop.load(Ordering::Relaxed) && sources.contains(&Source::Stdin);
    if !outcome.interrupted {
        check_rejects(state, true)?;
    }
    Ok(outcome)
}

/// Why a run ends before its corpus does.
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

fn reject_row(reject: &Reject, hash: u64, state: &mut RunState, output: &mut dyn Output) -> Result<(), RunError> {
    output.reject(reject)?;
    state.counts.rejected += 1;
    (state.rows, state.hash) = (state.rows + 1, hash);
    Ok(())
}

fn write_row(
    row: &Row,
    hash: u64,
    prediction: &Prediction,
    repeated: Repeated,
    columns: &Columns,
    state: &mut RunState,
    output: &mut dyn Output,
) -> Result<(), RunError> {
    let mut added = columns.values(prediction);
    added.extend(repeated.group.map(|group| columns.group(group)));
    match output.row(row, &added) {
        Ok(()) => {
            state.counts.add(prediction, columns);
            state.counts.repeats += u64::from(repeated.exactly);
            state.counts.near_repeats += u64::from(repeated.group.is_some_and(|group| group != state.rows + 1));
            (state.rows, state.hash) = (state.rows + 1, hash);
            Ok(())
        }
        Err(error) => match error.misfit(row) {
            Some(reject) => reject_row(&reject, hash, state, output),
            None => Err(error),
        },
    }
}

/// Reads the sources one after the other, until one fails or nothing more is wanted.
struct Reader<'r, 'i, 'q, 'c> {
    options: &'r RunOptions,
    intake: &'i Intake<'q, 'c, Event>,
    /// Rows that were taken.
    rows: u64,
    /// Of all that they held.
    hash: StableHash,
    repeats: Repeats,
    near: Option<NearRepeats>,
    busy: Duration,
}

impl Reader<'_, '_, '_, '_> {
    /// `done` rows were labelled before; their hash must be the one that is expected.
    fn read(mut self, sources: &[Source], done: u64, expected: u64) {
        let mut is_first = true;
        for source in sources {
            if !self.read_source(source, done, expected, &mut is_first) {
                return;
            }
        }
        if self.rows < done {
            let cause = format!("the corpus has {} rows, of which {done} were done", self.rows);
            return self.fatal(RunError::OtherRows { cause });
        }
        self.intake.push(Event::Finished(self.busy), None);
    }

    /// Whether to go on with the next source.
    fn read_source(&mut self, source: &Source, done: u64, expected: u64, is_first: &mut bool) -> bool {
        let since = Instant::now();
        let watch = Arc::new(Watch::new(Arc::clone(&self.options.bytes)));
        let mut rows = match read_watched(source, &self.options.read, &watch) {
            Ok(rows) => rows,
            Err(error) => {
                self.fatal(error.into());
                return false;
            }
        };
        if *is_first {
            // A source without rows and without columns says nothing.
            self.intake.push(Event::Header(rows.table().cloned()), None);
            *is_first = rows.table().is_none();
        }
        self.busy += since.elapsed();
        loop {
            if self.options.limit.is_some_and(|limit| self.rows >= limit) {
                self.intake.push(Event::Finished(self.busy), None);
                return false;
            }
            if self.stopped() {
                return false;
            }
            let since = Instant::now();
            let row = rows.next();
            // Whoever feeds a pipe hears Ctrl-C as well: what ends then is no end, and a row may be half of one.
            if self.stopped() {
                return false;
            }
            let event = match row {
                None => break,
                Some(Err(ReadError::Fatal(error))) => {
                    self.fatal(error.into());
                    return false;
                }
                Some(Ok(row)) if self.takes(|| row.hash(StableHash::new())) => {
                    self.hash = row.hash(self.hash);
                    // Also where an earlier start did the row: what comes again has to be known.
                    let exactly = self.repeats.meet(&row.article);
                    let group = self.near.as_mut().map(|near| near.meet(&row.article, self.rows + 1));
                    let text = row.article.input();
                    Some((Event::Row(row, Repeated { exactly, group }, self.hash.value()), Some(text)))
                }
                Some(Err(ReadError::Reject(reject)))
                    if self.takes(|| StableHash::new().with(reject.raw.as_bytes())) =>
                {
                    self.hash = self.hash.with(reject.cause.as_bytes()).with(reject.raw.as_bytes());
                    Some((Event::Reject(reject, self.hash.value()), None))
                }
                Some(_) => None,
            };
            self.busy += since.elapsed();
            let Some((event, text)) = event else { continue };
            *is_first = false;
            self.rows += 1;
            if self.rows > done {
                if !self.intake.push(event, text) {
                    return false;
                }
            } else if self.rows == done && self.hash.value() != expected {
                let cause = format!("the first {done} rows, which were done, are not what they were");
                self.fatal(RunError::OtherRows { cause });
                return false;
            }
        }
        self.intake.push(Event::Ended(InputRecord::of(source, &watch)), None)
    }

    fn stopped(&self) -> bool {
        self.options.stop.load(Ordering::Relaxed)
    }

    /// Whether the sample has a row with this hash.
    fn takes(&self, hash: impl FnOnce() -> StableHash) -> bool {
        match self.options.sample {
            None => true,
            Some(share) => {
                // FNV's high bits hardly know the last bytes; a multiplication brings the low ones up.
                let hash = hash().value();
                let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (mixed >> 11) as f64 / (1u64 << 53) as f64 <= share
            }
        }
    }

    fn fatal(&self, error: RunError) {
        self.intake.push(Event::Fatal(error), None);
    }
}
