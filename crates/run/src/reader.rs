//! Reads the sources of a run on a thread of its own, and hands their rows to the classifier.

use crate::columns::{GROUP_COLUMN, LANGUAGE_COLUMN};
use crate::duplicates::{Duplicates, NearDuplicates};
use crate::error::RunError;
use crate::inputs::InputRecord;
use crate::reject_limit::RejectLimit;
use crate::state::RunState;
use newsdesk_data::{
    ByteMonitor, DataError, Format, Language, Position, ReadError, ReadOptions, Reject, Remedy, Row, Source,
    StableHash, Table, first_columns, read_monitored,
};
use newsdesk_model::StreamInput;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The number of rows of the first source whose columns are known before the run, if it is no table.
const ROWS_SEEN: usize = 512;
/// The number of rows of each other source.
const ROWS_SEEN_OF_OTHERS: usize = 16;
/// The number of sources that are looked into before the run.
const MAX_FILES_SEEN: usize = 1000;

/// How a corpus is read and labelled.
#[derive(Default)]
pub struct RunOptions {
    /// How sources are read.
    pub read: ReadOptions,
    /// The maximum number of rows.
    pub limit: Option<u64>,
    /// The share of the rows to take, between 0 and 1, chosen by a hash of each row. `None` takes all rows.
    pub sample: Option<f64>,
    /// The input columns to write, in their order. `None` writes all of them.
    pub columns: Option<Vec<String>>,
    /// Whether added columns replace input columns of the same name. Otherwise the added ones get other names.
    pub overwrite_columns: bool,
    /// Whether the run looks for near duplicates, and adds the column of their group to each row.
    pub near_duplicates: bool,
    /// Whether the language of each article is detected and counted.
    pub detect_languages: bool,
    /// Whether the column of the language is added to each row. It needs `detect_languages`.
    pub language_column: bool,
    /// The languages to label. Articles in other languages are rejected; those whose language is unsure are not. Empty
    /// for all languages. It needs `detect_languages`.
    pub only_languages: Vec<Language>,
    /// The number of rejects at which the run stops.
    pub reject_limit: Option<RejectLimit>,
    /// Set to `true` to end the run early. Rows that are not yet written are dropped.
    pub stop: Arc<AtomicBool>,
    /// How much of the sources is done.
    pub done: Arc<Done>,
}

impl RunOptions {
    /// Returns the added columns that belong to no head, by their usual names.
    pub(crate) fn other_columns(&self) -> Vec<&'static str> {
        let group = self.near_duplicates.then_some(GROUP_COLUMN);
        group.into_iter().chain(self.language_column.then_some(LANGUAGE_COLUMN)).collect()
    }
}

/// How much of the sources is done.
#[derive(Debug, Default)]
pub struct Done {
    /// The bytes of the sources, before decompression, up to the start of the last row.
    ///
    /// Formats whose rows do not know where they start are read in blocks. For them it counts up to the end of the block.
    pub bytes: AtomicU64,
    /// The rows of the sources, those outside the sample included.
    pub rows: AtomicU64,
}

/// What the reader finds, in the order of the corpus.
pub(crate) enum Event {
    /// The columns of the input, before the first row.
    Header(Header),
    /// A row, and what is known about it.
    Row(Row, RowFacts, RowEnd),
    /// A row that cannot be used.
    Reject(Reject, RowEnd),
    /// A source was read to its end. The number is that of all bytes so far.
    SourceEnd(InputRecord, u64),
    /// The corpus was read to its end or to the limit. The time is how long the reader was busy.
    End(Duration),
    /// A source cannot be read any further.
    Fatal(RunError),
}

/// The columns of the input, as far as they are known before the first row.
pub(crate) struct Header {
    /// The table of the first source that has rows, if it is one.
    pub table: Option<Table>,
    /// The columns of this source, and of the others that can be looked into.
    pub columns: Vec<Arc<str>>,
    /// Whether other columns may follow, because not every source could be looked into.
    pub is_partial: bool,
}

/// How far the corpus is read after a row.
#[derive(Clone, Copy)]
pub(crate) struct RowEnd {
    /// The hash of all rows so far.
    pub hash: u64,
    /// The bytes of all sources so far, before decompression.
    pub bytes: u64,
    /// The rows of all sources so far, those outside the sample included.
    pub rows: u64,
}

/// What the reader finds out about a row.
#[derive(Clone, Copy)]
pub(crate) struct RowFacts {
    /// Whether an earlier row has the same words.
    pub is_duplicate: bool,
    /// The number of the first row with nearly the same words, which may be the row itself. `None` if the run does not look for near
    /// duplicates.
    pub group: Option<u64>,
    /// The language. `None` if it is unsure, or the run does not detect languages.
    pub language: Option<Language>,
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
    /// Whether the names of the added columns are already chosen.
    are_columns_named: bool,
    /// The number of rows so far, without those outside the sample.
    rows: u64,
    /// The hash of their contents.
    hash: StableHash,
    duplicates: Duplicates,
    near_duplicates: Option<NearDuplicates>,
    is_header_known: bool,
    busy: Duration,
    /// Counts the bytes of the sources as they are read, before decompression.
    bytes: Arc<AtomicU64>,
    /// The bytes of the sources before the current one.
    bytes_before: u64,
    /// The number of rows that were read, those outside the sample included.
    rows_read: u64,
}

impl<'r, 'i, 'q, 'c> Reader<'r, 'i, 'q, 'c> {
    /// Returns a reader that hands the rows after `state` to `input`.
    pub(crate) fn new(options: &'r RunOptions, input: &'i StreamInput<'q, 'c, Event>, state: &RunState) -> Self {
        Self {
            options,
            input,
            done: state.rows,
            expected_hash: state.content_hash,
            are_columns_named: state.names.is_some(),
            rows: 0,
            hash: StableHash::new(),
            duplicates: Duplicates::default(),
            near_duplicates: options.near_duplicates.then(NearDuplicates::new),
            is_header_known: false,
            busy: Duration::ZERO,
            bytes: Arc::default(),
            bytes_before: 0,
            rows_read: 0,
        }
    }

    /// Reads all sources. Errors are handed over as [`Event::Fatal`].
    pub(crate) fn read(mut self, sources: &[Source]) {
        let event = match (0..sources.len()).try_for_each(|index| self.read_source(sources, index)) {
            Ok(()) if self.rows < self.done => {
                let cause = format!("the corpus has {} rows, but {} rows were done", self.rows, self.done);
                Event::Fatal(RunError::RowsChanged { cause })
            }
            Ok(()) | Err(Stop::Limit) => {
                if !self.is_header_known {
                    // There are no rows, but an output may need columns.
                    self.input.push(Event::Header(Header { table: None, columns: vec![], is_partial: true }), None);
                }
                Event::End(self.busy)
            }
            Err(Stop::Failed(error)) => Event::Fatal(error),
            Err(Stop::Stopped) => return,
        };
        self.input.push(event, None);
    }

    fn read_source(&mut self, sources: &[Source], index: usize) -> Result<(), Stop> {
        let source = &sources[index];
        let since = Instant::now();
        self.bytes_before = self.bytes.load(Ordering::Relaxed);
        let monitor = Arc::new(ByteMonitor::new(Arc::clone(&self.bytes)));
        let mut rows = read_monitored(source, &self.options.read, &monitor)?;
        if let Some(table) = rows.table().filter(|_| !self.is_header_known) {
            self.push_header(sources, index, Some(table), &table.columns)?;
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
            if let Ok(row) = &row
                && !self.is_header_known
            {
                let columns: Vec<_> = row.columns.iter().map(|(name, _)| Arc::clone(name)).collect();
                self.push_header(sources, index, None, &columns)?;
            }
            self.rows_read += 1;
            let event = self.event(row)?;
            self.busy += since.elapsed();
            let Some((event, text)) = event else { continue };
            self.rows += 1;
            if self.rows > self.done {
                self.push(event, text)?;
            } else if self.rows == self.done {
                self.check_hash()?;
            }
        }
        self.push(Event::SourceEnd(InputRecord::of(source, &monitor), self.bytes.load(Ordering::Relaxed)), None)
    }

    /// Hands over the columns of the input. `columns` are those of the source with this index.
    fn push_header(
        &mut self,
        sources: &[Source],
        index: usize,
        table: Option<&Table>,
        columns: &[Arc<str>],
    ) -> Result<(), Stop> {
        self.is_header_known = true;
        let mut known: Vec<Arc<str>> = columns.to_vec();
        let mut is_partial = table.is_none() && !is_file(&sources[index]) || sources.len() > MAX_FILES_SEEN;
        if !self.are_columns_named {
            let options = &self.options.read;
            let is_article = |source: &Source| match source {
                Source::File(path) => {
                    options.format.or_else(|| Format::from_path(path)).is_some_and(Format::is_one_article)
                }
                _ => false,
            };
            let files = sources.iter().enumerate().filter(|(other, _)| table.is_none() || *other != index);
            for (other, source) in files.take(MAX_FILES_SEEN) {
                match source {
                    _ if other == index && !is_file(source) => {}
                    // Such a file would be read as a whole. All of them have much the same columns.
                    source if is_article(source) => is_partial |= !is_article(&sources[index]),
                    source if is_file(source) => {
                        let rows = if other == index { ROWS_SEEN } else { ROWS_SEEN_OF_OTHERS };
                        // A source that cannot be read is reported when its turn comes.
                        known.extend(first_columns(source, options, rows).unwrap_or_default());
                    }
                    _ => is_partial = true,
                }
            }
            let mut seen = HashSet::new();
            known.retain(|name| seen.insert(Arc::clone(name)));
        }
        self.push(Event::Header(Header { table: table.cloned(), columns: known, is_partial }), None)
    }

    /// Returns the event of a row and the text to classify. Returns `None` for a row outside the sample.
    fn event(&mut self, row: Result<Row, ReadError>) -> Result<Option<(Event, Option<String>)>, Stop> {
        match row {
            Err(ReadError::Fatal(error)) => Err(error.into()),
            Ok(row) if self.is_in_sample(|| row.hash(StableHash::new())) => {
                self.hash = row.hash(self.hash);
                let end = self.end(&row.position);
                // Rows that an earlier run has done count as well: later rows may duplicate them.
                let is_duplicate = self.duplicates.add(&row.article);
                let group = self.near_duplicates.as_mut().map(|near| near.add(&row.article, self.rows + 1));
                let text = row.article.input();
                // The languages of rows that are done are already counted.
                let is_detected = self.options.detect_languages && self.rows >= self.done;
                let language = if is_detected { Language::of(&text) } else { None };
                if let Some(reject) = language.and_then(|language| self.other_language(&row, language)) {
                    return Ok(Some((Event::Reject(reject, end), None)));
                }
                let facts = RowFacts { is_duplicate, group, language };
                Ok(Some((Event::Row(row, facts, end), Some(text))))
            }
            Err(ReadError::Reject(reject)) if self.is_in_sample(|| StableHash::new().with(reject.raw.as_bytes())) => {
                // The cause is left out, because its wording may differ between versions.
                self.hash = self.hash.with(reject.raw.as_bytes());
                let end = self.end(&reject.position);
                Ok(Some((Event::Reject(reject, end), None)))
            }
            Ok(_) | Err(ReadError::Reject(_)) => Ok(None),
        }
    }

    /// Returns the reject of a row in a language that is not to be labelled.
    fn other_language(&self, row: &Row, language: Language) -> Option<Reject> {
        let only = &self.options.only_languages;
        (!only.is_empty() && !only.contains(&language)).then(|| {
            let remedy = Remedy::AddLanguage { code: language.code() };
            Reject::set_aside(row, format!("the language is `{language}`"), Some(remedy))
        })
    }

    fn end(&self, position: &Position) -> RowEnd {
        // Rows are read ahead in blocks. Where a row starts says more, but not in a compressed file, which has fewer bytes.
        let read = self.bytes.load(Ordering::Relaxed);
        let start = self.bytes_before + position.offset;
        let bytes = if position.line > 0 { read.min(start) } else { read };
        RowEnd { hash: self.hash.value(), bytes, rows: self.rows_read }
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

/// Returns whether a source can be read more than once.
fn is_file(source: &Source) -> bool {
    match source {
        Source::Stdin => false,
        Source::File(path) => path.is_file(),
        Source::Texts(_) => true,
    }
}
