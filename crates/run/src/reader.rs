//! Reads the sources of a run on a thread of its own, and hands their rows to the classifier.

use crate::duplicates::{Duplicates, NearDuplicates};
use crate::error::RunError;
use crate::inputs::InputRecord;
use crate::reject_limit::RejectLimit;
use crate::state::RunState;
use newsdesk_data::{
    ByteMonitor, DataError, ReadError, ReadOptions, Reject, Row, Source, StableHash, Table, read_monitored,
};
use newsdesk_model::StreamInput;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How a corpus is read and labelled.
#[derive(Default)]
pub struct RunOptions {
    /// How sources are read.
    pub read: ReadOptions,
    /// The maximum number of rows.
    pub limit: Option<u64>,
    /// The share of the rows to take, between 0 and 1, chosen by a hash of each row. `None` takes all rows.
    pub sample: Option<f64>,
    /// Whether the run looks for near duplicates, and adds the column of their group to each row.
    pub near_duplicates: bool,
    /// The number of rejects at which the run stops.
    pub reject_limit: Option<RejectLimit>,
    /// Set to `true` to end the run early. Rows that are not yet written are dropped.
    pub stop: Arc<AtomicBool>,
    /// Counts the bytes of the sources as they are read, before decompression.
    pub bytes: Arc<AtomicU64>,
}

/// What the reader finds, in the order of the corpus.
pub(crate) enum Event {
    /// The columns of the first source.
    Header(Option<Table>),
    /// A row, what it duplicates, and the hash of all rows up to it.
    Row(Row, Duplicate, u64),
    /// A row that cannot be used, and the hash of all rows up to it.
    Reject(Reject, u64),
    /// A source was read to its end.
    SourceEnd(InputRecord),
    /// The corpus was read to its end or to the limit. The time is how long the reader was busy.
    End(Duration),
    /// A source cannot be read any further.
    Fatal(RunError),
}

/// What a row duplicates.
#[derive(Clone, Copy)]
pub(crate) struct Duplicate {
    /// Whether an earlier row has the same words.
    pub exact: bool,
    /// The number of the first row with nearly the same words, which may be the row itself. `None` if the run does not look for near
    /// duplicates.
    pub group: Option<u64>,
}

/// Why reading stops before the end of the corpus.
enum Stop {
    /// The limit is reached.
    Limit,
    /// The run ends: it was stopped, or the classifier takes no more rows.
    Stopped,
    /// The run fails.
    Failed(RunError),
}

impl From<DataError> for Stop {
    fn from(error: DataError) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads the sources one after the other.
pub(crate) struct Reader<'r, 'i, 'q, 'c> {
    options: &'r RunOptions,
    input: &'i StreamInput<'q, 'c, Event>,
    /// Rows that an earlier run has done. They are read, but not labelled again.
    done: u64,
    /// The expected hash of these rows.
    expected_hash: Option<u64>,
    /// The number of rows so far, without those outside the sample.
    rows: u64,
    /// The hash of their contents.
    hash: StableHash,
    duplicates: Duplicates,
    near_duplicates: Option<NearDuplicates>,
    is_header_known: bool,
    busy: Duration,
}

impl<'r, 'i, 'q, 'c> Reader<'r, 'i, 'q, 'c> {
    /// Returns a reader that hands the rows after `state` to `input`.
    pub(crate) fn new(options: &'r RunOptions, input: &'i StreamInput<'q, 'c, Event>, state: &RunState) -> Self {
        Self {
            options,
            input,
            done: state.rows,
            expected_hash: state.content_hash,
            rows: 0,
            hash: StableHash::new(),
            duplicates: Duplicates::default(),
            near_duplicates: options.near_duplicates.then(NearDuplicates::new),
            is_header_known: false,
            busy: Duration::ZERO,
        }
    }

    /// Reads all sources. Errors are handed over as [`Event::Fatal`].
    pub(crate) fn read(mut self, sources: &[Source]) {
        let event = match sources.iter().try_for_each(|source| self.read_source(source)) {
            Ok(()) if self.rows < self.done => {
                let cause = format!("the corpus has {} rows, but {} rows were done", self.rows, self.done);
                Event::Fatal(RunError::RowsChanged { cause })
            }
            Ok(()) | Err(Stop::Limit) => Event::End(self.busy),
            Err(Stop::Failed(error)) => Event::Fatal(error),
            Err(Stop::Stopped) => return,
        };
        self.input.push(event, None);
    }

    fn read_source(&mut self, source: &Source) -> Result<(), Stop> {
        let since = Instant::now();
        let monitor = Arc::new(ByteMonitor::new(Arc::clone(&self.options.bytes)));
        let mut rows = read_monitored(source, &self.options.read, &monitor)?;
        if !self.is_header_known {
            // An empty source may have no columns. Then the next source is asked for them.
            self.push(Event::Header(rows.table().cloned()), None)?;
            self.is_header_known = rows.table().is_some();
        }
        self.busy += since.elapsed();
        loop {
            if self.options.limit.is_some_and(|limit| self.rows >= limit) {
                return Err(Stop::Limit);
            }
            self.check_stop()?;
            let since = Instant::now();
            let row = rows.next();
            // Ctrl-C also ends the program that writes into a pipe. The last row may then be incomplete.
            self.check_stop()?;
            let Some(row) = row else { break };
            let event = self.event(row)?;
            self.busy += since.elapsed();
            let Some((event, text)) = event else { continue };
            self.is_header_known = true;
            self.rows += 1;
            if self.rows > self.done {
                self.push(event, text)?;
            } else if self.rows == self.done {
                self.check_hash()?;
            }
        }
        self.push(Event::SourceEnd(InputRecord::of(source, &monitor)), None)
    }

    /// Returns the event of a row and the text to classify. Returns `None` for a row outside the sample.
    fn event(&mut self, row: Result<Row, ReadError>) -> Result<Option<(Event, Option<String>)>, Stop> {
        match row {
            Err(ReadError::Fatal(error)) => Err(error.into()),
            Ok(row) if self.is_in_sample(|| row.hash(StableHash::new())) => {
                self.hash = row.hash(self.hash);
                // Rows that an earlier run has done count as well: later rows may duplicate them.
                let exact = self.duplicates.add(&row.article);
                let group = self.near_duplicates.as_mut().map(|near| near.add(&row.article, self.rows + 1));
                let text = row.article.input();
                Ok(Some((Event::Row(row, Duplicate { exact, group }, self.hash.value()), Some(text))))
            }
            Err(ReadError::Reject(reject)) if self.is_in_sample(|| StableHash::new().with(reject.raw.as_bytes())) => {
                // The cause is left out, because its wording may differ between versions.
                self.hash = self.hash.with(reject.raw.as_bytes());
                Ok(Some((Event::Reject(reject, self.hash.value()), None)))
            }
            Ok(_) | Err(ReadError::Reject(_)) => Ok(None),
        }
    }

    fn push(&self, event: Event, text: Option<String>) -> Result<(), Stop> {
        if self.input.push(event, text) { Ok(()) } else { Err(Stop::Stopped) }
    }

    fn check_stop(&self) -> Result<(), Stop> {
        if self.options.stop.load(Ordering::Relaxed) { Err(Stop::Stopped) } else { Ok(()) }
    }

    /// Checks that the rows that were done have the same contents as then.
    fn check_hash(&self) -> Result<(), Stop> {
        match self.expected_hash {
            Some(hash) if hash != self.hash.value() => {
                let cause = format!("the contents of the first {} rows, which were done, have changed", self.done);
                Err(Stop::Failed(RunError::RowsChanged { cause }))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether a row with this hash belongs to the sample.
    fn is_in_sample(&self, hash: impl FnOnce() -> StableHash) -> bool {
        match self.options.sample {
            None => true,
            Some(share) => {
                // The high bits of an FNV hash hardly depend on the last bytes. The multiplication mixes the low bits into them.
                let hash = hash().value();
                let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (mixed >> 11) as f64 / (1u64 << 53) as f64 <= share
            }
        }
    }
}
