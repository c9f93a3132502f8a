//! A run's output file: written atomically, resumable.
//!
//! Rows are written to `OUT.partial`, and `OUT.journal` records how far they are. A run that was interrupted at any point, even by
//! `kill -9`, is resumed from the last checkpoint. Both files are gone when the run is finished.

use crate::error::RunError;
use crate::faults::{self, Step};
use crate::journal::{Checkpoint, Journal};
use crate::manifest::RunManifest;
use crate::output::{Output, write_reject};
use crate::paths::OutputPaths;
use crate::start::RunStart;
use crate::state::RunState;
use newsdesk_data::{
    DataError, Format, Reject, Row, RowWriter, Table, Value, continue_at_with, finish_file, is_compressed,
    partial_writer_with,
};
use newsdesk_files::partial_path;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How a [`FileOutput`] is opened and written.
#[derive(Debug, Clone, Copy)]
pub struct FileOutputOptions {
    /// The format of the output.
    pub format: Format,
    /// Whether an interrupted run is resumed. Otherwise an interrupted run is an error.
    pub resume: bool,
    /// The minimum time between two lines of the journal. Each line waits until the files are on disk.
    pub checkpoint_interval: Duration,
}

/// The output of a run as a file, with its rejects, its journal and its manifest.
pub struct FileOutput {
    paths: OutputPaths,
    options: FileOutputOptions,
    rows: Box<dyn RowWriter + Send>,
    /// The file that `rows` writes to.
    file: File,
    /// Opened at the first reject.
    rejects: Option<RejectsFile>,
    /// The length of the rejects file at the last checkpoint, in bytes.
    rejects_length: u64,
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
}

/// The outcome of [`FileOutput::open`].
pub enum OpenOutcome {
    /// The output is ready for rows.
    Ready(Box<OpenedOutput>),
    /// The interrupted run had written every row. Its files now have their final names.
    Complete(Box<RunState>),
}

impl FileOutput {
    /// Opens an output, either for a new run or, with `options.resume`, after the last checkpoint of an interrupted run.
    ///
    /// # Errors
    /// If there is the journal of an interrupted run and `options.resume` is not set, if that run was started with other settings or
    /// inputs, if another process writes the output, or if a file cannot be read or written.
    pub fn open(paths: OutputPaths, now: RunStart, options: FileOutputOptions) -> Result<OpenOutcome, RunError> {
        let path = paths.journal();
        let (mut journal, journal_state) = Journal::open(&path, &paths.output)?;
        let (mut start, mut resumed, mut last) = (now, 0, None);
        match journal_state {
            None => {
                if let Err(error) = journal.start(&start) {
                    // The run has not started, so it leaves no files.
                    let _ = journal.remove();
                    return Err(error);
                }
            }
            Some(_) if !options.resume => return Err(RunError::Interrupted { journal: path }),
            Some(state) => {
                let changes = state.start.changes(&start);
                if !changes.is_empty() {
                    return Err(RunError::Changed { output: paths.output, changes });
                }
                journal.resume(&start.started)?;
                start.started = state.start.started;
                (resumed, last) = (state.resumed + 1, state.last);
            }
        }
        let (state, output_length, rejects_length, header) = match last {
            None => (RunState::start(), 0, 0, None),
            Some(last) if last.complete => {
                finish_files(&paths, options.format, last.rejects)?;
                journal.remove()?;
                return Ok(OpenOutcome::Complete(Box::new(last.state)));
            }
            Some(last) => (last.state, last.output, last.rejects, last.header),
        };
        let files = || {
            let partial = paths.partial_output();
            let wrap = faults::wrap(Step::WriteOutput);
            let (rows, file) =
                partial_writer_with(options.format, &partial, &paths.output, output_length, header, &wrap)?;
            // Rejects of the journal must still be there, and a path that the user gave must be writable.
            let rejects = if rejects_length > 0 || paths.always_write_rejects {
                Some(RejectsFile::open(&paths, rejects_length)?)
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
            rejects,
            rejects_length,
            saved_rows: state.rows,
            failed: false,
            journal,
            pending: None,
            last_save: Instant::now(),
        };
        Ok(OpenOutcome::Ready(Box::new(OpenedOutput { output, state, start, resumed })))
    }

    /// Saves a run that ends early, and returns the number of rows after which it can be resumed.
    ///
    /// A compressed or columnar output is resumed from its last checkpoint. A compressed member or a block that ended here would make
    /// the file differ from that of an undisturbed run. The same goes for an output with a failed write.
    ///
    /// # Errors
    /// If the files or the journal cannot be written.
    pub fn save(&mut self, state: &RunState) -> Result<u64, RunError> {
        let can_end_anywhere = !self.options.format.is_columnar()
            && !is_compressed(&self.paths.output)
            && !is_compressed(&self.paths.rejects);
        if !self.failed && can_end_anywhere {
            self.flush()?;
            self.pending = Some(self.checkpoint_at(state, false)?);
        }
        self.save_pending()?;
        Ok(self.saved_rows)
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
        let end = self.checkpoint_at(state, true)?;
        self.pending = Some(end);
        manifest.write(&self.paths.manifest())?;
        self.save_pending()?;
        finish_files(&self.paths, self.options.format, self.rejects_length)?;
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
    fn checkpoint_at(&mut self, state: &RunState, complete: bool) -> Result<Checkpoint, RunError> {
        let length = |file: &File, path: &Path| {
            file.metadata().map(|metadata| metadata.len()).map_err(RunError::file("read", &partial_path(path)))
        };
        if let Some(rejects) = &self.rejects {
            self.rejects_length = length(&rejects.file, &self.paths.rejects)?;
        }
        Ok(Checkpoint {
            state: state.clone(),
            output: length(&self.file, &self.paths.output)?,
            rejects: self.rejects_length,
            header: self.rows.columns().map(<[String]>::to_vec),
            complete,
        })
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
    /// Opens the partial rejects file after its first `length` bytes.
    fn open(paths: &OutputPaths, length: u64) -> Result<Self, DataError> {
        let wrap = faults::wrap(Step::WriteRejects);
        let (writer, file) = continue_at_with(&paths.partial_rejects(), &paths.rejects, length, &wrap)?;
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
    finish_or_find(&paths.output, format)
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
            None => self.rejects.insert(RejectsFile::open(&self.paths, self.rejects_length)?),
        };
        let written = faults::before(Step::Reject).and_then(|()| write_reject(&mut rejects.writer, reject));
        self.note_failure(written).map_err(RunError::file("write", &self.paths.partial_rejects()))
    }

    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError> {
        if !self.rows.may_finish() {
            // Some rows are only in memory, because the columns are not decided yet.
            return Ok(());
        }
        // Members end at every checkpoint, also if the journal gets no line: the bytes must not depend on the time.
        self.flush()?;
        self.pending = Some(self.checkpoint_at(state, false)?);
        if self.last_save.elapsed() < self.options.checkpoint_interval { Ok(()) } else { self.save_pending() }
    }

    fn idle(&mut self, _: &RunState) -> Result<(), RunError> {
        Ok(())
    }
}
