//! A run's output file: written atomically, resumable.
//!
//! Rows are written to `OUT.partial`, and `OUT.journal` records how far they are. A run that was interrupted at any point, even by
//! `kill -9`, is resumed from the last checkpoint. Both files are gone when the run is finished.

use crate::error::RunError;
use crate::faults::{self, Step};
use crate::file_hash::{OutputRecord, SharedHash};
use crate::intact::{Intact, last_intact};
use crate::journal::{Checkpoint, Journal};
use crate::manifest::RunManifest;
use crate::output::{Output, write_reject};
use crate::paths::OutputPaths;
use crate::start::RunStart;
use crate::state::RunState;
use newsdesk_data::{
    DataError, Format, Reject, Row, RowWriter, Table, TableStyle, Value, continue_at_with, finish_file, is_compressed,
    partial_writer_with,
};
use newsdesk_files::partial_path;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How a [`FileOutput`] is opened and written.
#[derive(Debug, Clone, Copy)]
pub struct FileOutputOptions {
    /// The format of the output.
    pub format: Format,
    /// What happens if there is an interrupted run.
    pub interrupted: OnInterrupted,
    /// The minimum time between two lines of the journal. Each line waits until the files are on disk.
    pub checkpoint_interval: Duration,
    /// The style of a CSV or TSV output.
    pub style: TableStyle,
}

/// What happens if an output belongs to an interrupted run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInterrupted {
    /// It is an error.
    Refuse,
    /// The run is resumed.
    Resume,
    /// Its files are replaced by those of a new run.
    StartAgain,
}

/// The shortest time between two checkpoints that are not at a multiple of [`crate::ROWS_PER_CHECKPOINT`] rows.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The output of a run as a file, with its rejects, its journal and its manifest.
pub struct FileOutput {
    paths: OutputPaths,
    options: FileOutputOptions,
    rows: Box<dyn RowWriter + Send>,
    /// The file that `rows` writes to.
    file: File,
    /// The hash of its bytes.
    hash: SharedHash,
    /// Opened at the first reject.
    rejects: Option<RejectsFile>,
    /// The hash of the rejects file.
    rejects_hash: SharedHash,
    /// The number of rows at the last checkpoint of the journal.
    saved_rows: u64,
    /// Whether a write or a sync failed. Then the files may end with incomplete data, and there are no more checkpoints.
    failed: bool,
    journal: Journal,
    /// The last checkpoint, if the journal does not have it yet.
    pending: Option<Checkpoint>,
    last_save: Instant,
}

struct RejectsFile {
    writer: Box<dyn Write + Send>,
    /// The file that `writer` writes to.
    file: File,
}

/// An opened output, and where its run starts or continues.
pub struct OpenedOutput {
    /// The output.
    pub output: FileOutput,
    /// The state after which rows are to be written.
    pub state: RunState,
    /// What the run was started with, with the time of its first start.
    pub start: RunStart,
    /// How often the run was resumed, this time included.
    pub resumed: u64,
    /// A file of which the bytes after the checkpoint are not those that the run wrote. The run continues from an earlier checkpoint.
    pub damaged: Option<PathBuf>,
}

/// The outcome of [`FileOutput::open`].
pub enum OpenOutcome {
    /// The output is ready for rows.
    Ready(Box<OpenedOutput>),
    /// The interrupted run had written every row. Its files now have their final names.
    Complete(Box<RunState>),
}

impl FileOutput {
    /// Opens an output, either for a new run or after the last intact checkpoint of an interrupted run.
    ///
    /// # Errors
    /// If there is an interrupted run that `options` refuse, if it was started with other settings or inputs, if its files are
    /// damaged, if another process writes the output, or if a file cannot be read or written.
    pub fn open(paths: OutputPaths, now: RunStart, options: FileOutputOptions) -> Result<OpenOutcome, RunError> {
        let path = paths.journal();
        let (mut journal, mut journal_state) = Journal::open(&path, &paths.output)?;
        if options.interrupted == OnInterrupted::StartAgain && journal_state.take().is_some() {
            journal.clear()?;
            let _ = std::fs::remove_file(paths.partial_rejects());
        }
        let (mut start, mut resumed, mut last) = (now, 0, None);
        match journal_state {
            None => {
                // Its name is the longest one. It must not turn out to be too long after the last row.
                let manifest = paths.manifest();
                let writable = newsdesk_files::check_writable(&manifest).map_err(RunError::file("write", &manifest));
                if let Err(error) = writable.and_then(|()| journal.start(&start)) {
                    // The run has not started, so it leaves no files.
                    let _ = journal.remove();
                    return Err(error);
                }
            }
            Some(_) if options.interrupted == OnInterrupted::Refuse => {
                return Err(RunError::Interrupted { journal: path });
            }
            Some(state) => {
                let changes = state.start.changes(&start);
                if !changes.is_empty() {
                    return Err(RunError::Changed { output: paths.output, changes });
                }
                if let Some(intact) = last_intact(&paths, options.format, &state.saved)? {
                    last = Some((journal.read_checkpoint(&state.saved[intact.index])?, intact));
                }
                journal.resume(&start.started)?;
                start.started = state.start.started;
                resumed = state.resumed + 1;
            }
        }
        let (state, hashes, damaged, header) = match last {
            None => (RunState::start(), Default::default(), None, None),
            Some((last, _)) if last.complete => {
                finish_files(&paths, options.format, last.rejects)?;
                journal.remove()?;
                return Ok(OpenOutcome::Complete(Box::new(last.state)));
            }
            Some((last, Intact { output, rejects, damaged, .. })) => {
                if damaged.is_some() {
                    // Later checkpoints of the journal no longer count.
                    journal.checkpoint(&last)?;
                }
                (last.state, [SharedHash::after(output), SharedHash::after(rejects)], damaged, last.header)
            }
        };
        let [hash, rejects_hash] = hashes;
        let [output_length, rejects_length] = [&hash, &rejects_hash].map(|hash| hash.get().bytes());
        let files = || {
            let partial = paths.partial_output();
            let wrap = faults::wrap(Step::WriteOutput);
            let wrap = |file| hash.writer(wrap(file));
            let (mut rows, file) =
                partial_writer_with(options.format, &partial, &paths.output, output_length, header, &wrap)?;
            rows.set_style(options.style);
            // Rejects of the journal must still be there, and a path that the user gave must be writable.
            let rejects = if rejects_length > 0 || paths.always_write_rejects {
                Some(RejectsFile::open(&paths, &rejects_hash)?)
            } else {
                None
            };
            Ok::<_, RunError>((rows, file, rejects))
        };
        let (rows, file, rejects) = match files() {
            Ok(files) => files,
            Err(error) => {
                if resumed == 0 {
                    // The run has not started, so it leaves no files.
                    let _ = std::fs::remove_file(paths.partial_output());
                    journal.remove()?;
                }
                return Err(error);
            }
        };
        let output = Self {
            paths,
            options,
            rows,
            file,
            hash,
            rejects,
            rejects_hash,
            saved_rows: state.rows,
            failed: false,
            journal,
            pending: None,
            last_save: Instant::now(),
        };
        Ok(OpenOutcome::Ready(Box::new(OpenedOutput { output, state, start, resumed, damaged })))
    }

    /// Saves a run that ends early, and returns the number of rows after which it can be resumed.
    ///
    /// A compressed or columnar output is resumed from its last checkpoint. A compressed member or a block that ended here would make
    /// the file differ from that of an undisturbed run. The same goes for an output with a failed write.
    ///
    /// # Errors
    /// If the files or the journal cannot be written.
    pub fn save(&mut self, state: &RunState) -> Result<u64, RunError> {
        if !self.failed && self.can_end_anywhere() {
            self.flush()?;
            self.pending = Some(self.checkpoint_at(state, false));
        }
        self.save_pending()?;
        Ok(self.saved_rows)
    }

    /// Returns whether the files have the same bytes regardless of where they are flushed, so that a run can be saved after
    /// any row. Otherwise it can be saved only after a multiple of [`crate::ROWS_PER_CHECKPOINT`] rows.
    pub fn can_end_anywhere(&self) -> bool {
        let OutputPaths { output, rejects, .. } = &self.paths;
        !self.options.format.is_columnar() && !is_compressed(output) && !is_compressed(rejects)
    }

    /// Removes the files of a run that failed before its first row.
    ///
    /// # Errors
    /// If the journal cannot be removed.
    pub fn discard(self) -> Result<(), RunError> {
        let _ = std::fs::remove_file(self.paths.partial_output());
        let _ = std::fs::remove_file(self.paths.partial_rejects());
        self.journal.remove()
    }

    /// Finishes the output after the last row: writes the manifest, gives the files their final names and removes the journal.
    ///
    /// # Errors
    /// If a file cannot be written. The run can then be resumed, which finishes it.
    pub fn finish(mut self, state: &RunState, manifest: &RunManifest) -> Result<(), RunError> {
        let ended = self.rows.end();
        self.note_failure(ended)?;
        self.flush_rejects()?;
        let end = self.checkpoint_at(state, true);
        let has_rejects = end.rejects > 0 || self.paths.always_write_rejects;
        let manifest = RunManifest {
            output: (self.options.format != Format::Parquet).then(|| self.hash.get().record()),
            rejects: has_rejects.then(|| self.rejects_hash.get().record()),
            ..manifest.clone()
        };
        let rejects_length = end.rejects;
        self.pending = Some(end);
        manifest.write(&self.paths.manifest())?;
        self.save_pending()?;
        finish_files(&self.paths, self.options.format, rejects_length)?;
        self.journal.remove()
    }

    /// Hands all bytes to the operating system. Compressed members end here.
    fn flush(&mut self) -> Result<(), RunError> {
        let flushed = self.rows.finish();
        self.note_failure(flushed)?;
        self.flush_rejects()
    }

    fn flush_rejects(&mut self) -> Result<(), RunError> {
        let flushed = self.rejects.as_mut().map_or(Ok(()), |rejects| rejects.writer.flush());
        self.note_failure(flushed).map_err(RunError::file("write", &self.paths.partial_rejects()))
    }

    fn note_failure<T, E>(&mut self, result: Result<T, E>) -> Result<T, E> {
        self.failed |= result.is_err();
        result
    }

    /// Returns the checkpoint at the current lengths of the files, which must be flushed.
    fn checkpoint_at(&self, state: &RunState, complete: bool) -> Checkpoint {
        let [output, rejects] = [&self.hash, &self.rejects_hash].map(SharedHash::get);
        Checkpoint {
            state: state.clone(),
            output: output.bytes(),
            output_hash: Some(output.value()),
            rejects: rejects.bytes(),
            rejects_hash: Some(rejects.value()),
            header: self.rows.columns().map(<[String]>::to_vec),
            complete,
        }
    }

    /// Syncs the files and appends the pending checkpoint to the journal.
    fn save_pending(&mut self) -> Result<(), RunError> {
        let Some(checkpoint) = self.pending.take() else { return Ok(()) };
        // After a failed sync the system may drop the data and report the next sync as successful, so no checkpoint may follow.
        let synced = self.sync();
        self.note_failure(synced)?;
        self.last_save = Instant::now();
        self.journal.checkpoint(&checkpoint)?;
        self.saved_rows = checkpoint.state.rows;
        Ok(())
    }

    fn sync(&self) -> Result<(), RunError> {
        let sync = |step, file: &File| faults::before(step).and_then(|()| file.sync_data());
        sync(Step::SyncOutput, &self.file).map_err(RunError::file("write", &self.paths.partial_output()))?;
        let rejects = self.rejects.as_ref().map_or(Ok(()), |rejects| sync(Step::SyncRejects, &rejects.file));
        rejects.map_err(RunError::file("write", &self.paths.partial_rejects()))
    }
}

impl RejectsFile {
    /// Opens the partial rejects file after the bytes of `hash`.
    fn open(paths: &OutputPaths, hash: &SharedHash) -> Result<Self, DataError> {
        let wrap = faults::wrap(Step::WriteRejects);
        let wrap = |file| hash.writer(wrap(file));
        let (writer, file) = continue_at_with(&paths.partial_rejects(), &paths.rejects, hash.get().bytes(), &wrap)?;
        Ok(Self { writer, file })
    }
}

/// Gives the files of a finished run their final names. It can be repeated after an interruption.
fn finish_files(paths: &OutputPaths, format: Format, rejects_length: u64) -> Result<(), RunError> {
    faults::before(Step::FinishRejects).map_err(RunError::file("write", &paths.rejects))?;
    if rejects_length > 0 || paths.always_write_rejects {
        finish_or_find(&paths.rejects, Format::JsonLines)?;
    } else if paths.rejects.exists() {
        // Rejects of an earlier run would be taken for those of this one.
        std::fs::remove_file(&paths.rejects).map_err(RunError::file("remove", &paths.rejects))?;
    }
    faults::before(Step::FinishOutput).map_err(RunError::file("write", &paths.output))?;
    finish_or_find(&paths.output, format)?;
    if format == Format::Parquet { record_output(paths) } else { Ok(()) }
}

/// Adds the hash of a Parquet file to the manifest. The file is made only after the manifest is written.
fn record_output(paths: &OutputPaths) -> Result<(), RunError> {
    let path = paths.manifest();
    let Some(mut manifest) = RunManifest::open(&path)? else { return Ok(()) };
    manifest.output = Some(OutputRecord::of(&paths.output).map_err(RunError::file("read", &paths.output))?);
    manifest.write(&path)
}

/// Finishes a partial file, or finds the file that was finished before an interruption.
fn finish_or_find(path: &Path, format: Format) -> Result<(), RunError> {
    let partial = partial_path(path);
    if partial.exists() {
        Ok(finish_file(format, &partial, path)?)
    } else if path.exists() {
        Ok(())
    } else {
        Err(RunError::file("find", &partial)(io::ErrorKind::NotFound.into()))
    }
}

impl Output for FileOutput {
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), RunError> {
        let written = self.rows.header(table, added);
        Ok(self.note_failure(written)?)
    }

    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), RunError> {
        let started = faults::before(Step::Row).map_err(|source| DataError::Write { source });
        match started.and_then(|()| self.rows.write(row, added)) {
            // Nothing of such a row is written.
            Err(error) if error.as_reject(row).is_some() => Err(error.into()),
            written => Ok(self.note_failure(written)?),
        }
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), RunError> {
        let rejects = match &mut self.rejects {
            Some(rejects) => rejects,
            None => self.rejects.insert(RejectsFile::open(&self.paths, &self.rejects_hash)?),
        };
        let written = faults::before(Step::Reject).and_then(|()| write_reject(&mut rejects.writer, reject));
        self.note_failure(written).map_err(RunError::file("write", &self.paths.partial_rejects()))
    }

    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError> {
        if !self.rows.may_finish() {
            // Some rows are only in memory, because the columns are not decided yet.
            return Ok(());
        }
        // Members end at every multiple of 512 rows, also if the journal gets no line: the bytes must not depend on the time.
        self.flush()?;
        self.pending = Some(self.checkpoint_at(state, false));
        if self.last_save.elapsed() < self.options.checkpoint_interval { Ok(()) } else { self.save_pending() }
    }

    fn is_checkpoint_due(&self) -> bool {
        // Where a flush ends a compressed member or a block, the bytes must not depend on the time.
        self.can_end_anywhere() && self.last_save.elapsed() >= self.options.checkpoint_interval.max(MIN_INTERVAL)
    }

    fn idle(&mut self, _: &RunState) -> Result<(), RunError> {
        Ok(())
    }
}
