//! The output of a run as a file that is whole or not there: rows gather in `OUT.partial`, and `OUT.journal` knows how far they
//! are, so that a run that was cut off goes on from there. Both are gone in the end.

use crate::error::RunError;
use crate::journal::{Beginning, Checkpoint, Journal, failed};
use crate::manifest::RunManifest;
use crate::output::{Output, write_reject};
use crate::state::RunState;
use newsdesk_data::{Format, Reject, Row, RowWriter, Table, Value, continue_at, is_compressed, partial_writer, settle};
use newsdesk_model::folder::partial;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where the files of a run stand.
#[derive(Debug, Clone)]
pub struct Places {
    /// The output under its final name.
    pub output: PathBuf,
    /// The rejects under theirs.
    pub rejects: PathBuf,
    /// Whether there is to be a file of rejects even without any.
    pub rejects_always: bool,
    /// Least time from one line of the journal to the next: each waits for the disk.
    pub save_every: Duration,
}

impl Places {
    /// The journal.
    pub fn journal(&self) -> PathBuf {
        beside(&self.output, ".journal")
    }

    /// What is told of the run in the end.
    pub fn manifest(&self) -> PathBuf {
        manifest_of(&self.output)
    }

    /// Everything that a run writes.
    pub fn all(&self) -> [PathBuf; 6] {
        let (output, rejects) = (&self.output, &self.rejects);
        [output.clone(), rejects.clone(), partial(output), partial(rejects), self.journal(), self.manifest()]
    }
}

/// Where the manifest of an output stands.
pub fn manifest_of(output: &Path) -> PathBuf {
    beside(output, ".manifest.json")
}

/// The usual place of the rejects of an output.
pub fn usual_rejects(output: &Path) -> PathBuf {
    beside(output, ".rejects.jsonl")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Rows and rejects of a run in files, and its journal.
pub struct FileOutput {
    places: Places,
    format: Format,
    rows: Box<dyn RowWriter + Send>,
    /// The file that `rows` writes to.
    file: File,
    /// Opened at the first reject.
    rejects: Option<(Box<dyn Write + Send>, File)>,
    /// Bytes of the rejects that are made sure of.
    rejected: u64,
    /// Rows that the journal knows.
    kept: u64,
    /// A file could not be written: what stands behind the last checkpoint may be half of something.
    failed: bool,
    journal: Journal,
    /// The last point where members ended, if the journal does not have it yet.
    at_checkpoint: Option<Checkpoint>,
    last: Instant,
}

/// Where an output begins.
pub struct Start {
    /// The output.
    pub output: FileOutput,
    /// The state from which rows are to be written.
    pub state: RunState,
    /// When the run began first, as RFC 3339.
    pub started: String,
    /// How often it went on, this time included.
    pub resumed: u64,
}

/// How an output begins.
pub enum Begun {
    /// Rows are to be written.
    At(Box<Start>),
    /// The earlier run had written every row; its files got their names just now.
    Complete(RunState),
}

impl FileOutput {
    /// Begins an output, in place of whatever `resume` does not find.
    ///
    /// # Errors
    /// If there is the journal of an interrupted run and `resume` is not set, if that run was another one, or a file cannot be
    /// written.
    pub fn begin(places: Places, format: Format, now: Beginning, resume: bool) -> Result<Begun, RunError> {
        let path = places.journal();
        let (mut journal, story) = Journal::open(&path, &places.output)?;
        let (mut started, mut resumed, mut last) = (now.started.clone(), 0, None);
        match story {
            None => journal.begin(&now)?,
            Some(_) if !resume => return Err(RunError::Interrupted { journal: path }),
            Some(story) => {
                let changes = story.beginning.changes(&now);
                if !changes.is_empty() {
                    return Err(RunError::Changed { output: places.output, changes });
                }
                journal.go_on(&now.started)?;
                (started, resumed, last) = (story.beginning.started, story.resumed + 1, story.last);
            }
        }
        let (state, length, rejected, header) = match last {
            None => (RunState::start(), 0, 0, None),
            Some(last) if last.complete => {
                name_files(&places, format, last.rejects)?;
                journal.remove()?;
                return Ok(Begun::Complete(last.state));
            }
            Some(last) => (last.state, last.output, last.rejects, last.header),
        };
        let files = || {
            let (rows, file) = partial_writer(format, &partial(&places.output), &places.output, length, header)?;
            // Those that are there must be whole, and a place that was asked for must be one.
            let rejects = (rejected > 0 || places.rejects_always)
                .then(|| continue_at(&partial(&places.rejects), &places.rejects, rejected));
            Ok::<_, RunError>((rows, file, rejects.transpose()?))
        };
        let (rows, file, rejects) = match files() {
            Ok(files) => files,
            Err(error) => {
                if resumed == 0 {
                    // Nothing was begun.
                    let _ = std::fs::remove_file(partial(&places.output));
                    journal.remove()?;
                }
                return Err(error);
            }
        };
        let output = Self {
            places,
            format,
            rows,
            file,
            rejects,
            rejected,
            kept: state.rows,
            failed: false,
            journal,
            at_checkpoint: None,
            last: Instant::now(),
        };
        Ok(Begun::At(Box::new(Start { output, state, started, resumed })))
    }

    /// Makes sure of what was written until here, for a run that ends early, and says from which row on it can be gone on with.
    /// A compressed output, or one in blocks, goes back to the last checkpoint: a member that ended in between would make it
    /// another file than that of an undisturbed run. So does one that could not be written.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&mut self, state: &RunState) -> Result<u64, RunError> {
        let anywhere = !self.format.is_in_blocks() && !is_compressed(&self.places.output);
        if !self.failed && anywhere && !is_compressed(&self.places.rejects) {
            self.end_members()?;
            self.at_checkpoint = Some(self.reached(state, false)?);
        }
        self.note()?;
        Ok(self.kept)
    }

    /// Removes what a run left that did not come as far as a row.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn discard(self) -> Result<(), RunError> {
        let _ = std::fs::remove_file(partial(&self.places.output));
        let _ = std::fs::remove_file(partial(&self.places.rejects));
        self.journal.remove()
    }

    /// Ends the output: every row is written, so its files get their names, and the manifest is put beside them.
    ///
    /// # Errors
    /// If it cannot be done. A run that goes on then does it.
    pub fn finish(mut self, state: &RunState, manifest: &RunManifest) -> Result<(), RunError> {
        let rows = self.rows.end();
        self.written(rows)?;
        self.end_members_of_rejects()?;
        let end = self.reached(state, true)?;
        self.at_checkpoint = Some(end);
        manifest.write(&self.places.manifest())?;
        self.note()?;
        name_files(&self.places, self.format, self.rejected)?;
        self.journal.remove()
    }

    /// Hands everything to the system, with compressed members that end here.
    fn end_members(&mut self) -> Result<(), RunError> {
        let rows = self.rows.finish();
        self.written(rows)?;
        self.end_members_of_rejects()
    }

    fn end_members_of_rejects(&mut self) -> Result<(), RunError> {
        let rejects = self.rejects.as_mut().map_or(Ok(()), |(out, _)| out.flush());
        self.written(rejects).map_err(failed("write", &partial(&self.places.rejects)))
    }

    /// Notices if something could not be written.
    fn written<E>(&mut self, written: Result<(), E>) -> Result<(), E> {
        self.failed |= written.is_err();
        written
    }

    /// The point that was reached, where members end.
    fn reached(&mut self, state: &RunState, complete: bool) -> Result<Checkpoint, RunError> {
        let length =
            |file: &File, path: &Path| file.metadata().map(|m| m.len()).map_err(failed("read", &partial(path)));
        if let Some((_, file)) = &self.rejects {
            self.rejected = length(file, &self.places.rejects)?;
        }
        Ok(Checkpoint {
            state: state.clone(),
            output: length(&self.file, &self.places.output)?,
            rejects: self.rejected,
            header: self.rows.columns().map(<[String]>::to_vec),
            complete,
        })
    }

    /// Makes sure of the last point, and adds it to the journal.
    fn note(&mut self) -> Result<(), RunError> {
        let Some(checkpoint) = self.at_checkpoint.take() else { return Ok(()) };
        self.file.sync_data().map_err(failed("write", &partial(&self.places.output)))?;
        if let Some((_, file)) = &self.rejects {
            file.sync_data().map_err(failed("write", &partial(&self.places.rejects)))?;
        }
        self.last = Instant::now();
        self.journal.checkpoint(&checkpoint)?;
        self.kept = checkpoint.state.rows;
        Ok(())
    }
}

/// Moves the parts of a finished run to their final names. It does no harm to do so again.
fn name_files(places: &Places, format: Format, rejected: u64) -> Result<(), RunError> {
    if rejected > 0 || places.rejects_always {
        name_file(&places.rejects, Format::JsonLines)?;
    } else if places.rejects.exists() {
        // Those of an earlier run would be taken for this one's.
        std::fs::remove_file(&places.rejects).map_err(failed("remove", &places.rejects))?;
    }
    name_file(&places.output, format)
}

fn name_file(path: &Path, format: Format) -> Result<(), RunError> {
    let from = partial(path);
    if from.exists() {
        settle(format, &from, path)?;
    } else if !path.exists() {
        return Err(failed("find", &from)(io::ErrorKind::NotFound.into()));
    }
    // A name is on disk when its folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

impl Output for FileOutput {
    fn header(&mut self, table: Option<&Table>, added: &[(String, Value)]) -> Result<(), RunError> {
        let written = self.rows.header(table, added);
        Ok(self.written(written)?)
    }

    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), RunError> {
        match self.rows.write(row, added) {
            // Nothing of such a row is written.
            Err(error) if error.misfit(row).is_some() => Err(error.into()),
            written => Ok(self.written(written)?),
        }
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), RunError> {
        let path = partial(&self.places.rejects);
        let (out, _) = match &mut self.rejects {
            Some(rejects) => rejects,
            None => self.rejects.insert(continue_at(&path, &self.places.rejects, self.rejected)?),
        };
        let written = write_reject(out, reject);
        self.written(written).map_err(failed("write", &path))
    }

    fn checkpoint(&mut self, state: &RunState) -> Result<(), RunError> {
        if !self.rows.may_finish() {
            // Columns are yet to be decided, by rows that are in memory only.
            return Ok(());
        }
        // Members end here whether the journal gets a line or not: the bytes must not depend on the time.
        self.end_members()?;
        self.at_checkpoint = Some(self.reached(state, false)?);
        if self.last.elapsed() < self.places.save_every { Ok(()) } else { self.note() }
    }

    fn idle(&mut self, _: &RunState) -> Result<(), RunError> {
        Ok(())
    }
}
