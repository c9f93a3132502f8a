//! The journal of a file run: what the run was started with, and its checkpoints, as lines of JSON.
//!
//! Lines are only appended, and an incomplete last line is ignored. So the process can be killed at any time. The file is locked
//! while a process writes it. Each checkpoint has the lengths and hashes of the files, so that damage is found on resume.

use crate::error::RunError;
use crate::faults::{self, Step};
use crate::start::RunStart;
use crate::state::RunState;
use newsdesk_data::DataError;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A point from which a run can be resumed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The progress of the run.
    pub state: RunState,
    /// The length of the output in bytes.
    pub output: u64,
    /// The XXH3 hash of these bytes. `None` in journals of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_hash: Option<u64>,
    /// The length of the rejects file in bytes.
    pub rejects: u64,
    /// The XXH3 hash of these bytes. `None` in journals of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects_hash: Option<u64>,
    /// The header of the output, if it is a table of texts that has one.
    pub header: Option<Vec<String>>,
    /// Whether every row is written, so that only the final names are missing.
    pub complete: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The start of the run; `begin` in older versions.
    #[serde(alias = "begin")]
    Start(RunStart),
    Checkpoint(Box<Checkpoint>),
    /// The time at which the run was resumed.
    Resumed(String),
}

/// An open journal.
pub struct Journal {
    file: File,
    path: PathBuf,
    /// The length of the complete lines in bytes.
    length: u64,
}

/// The contents of a journal.
#[derive(Debug)]
pub struct JournalState {
    /// What the run was started with.
    pub start: RunStart,
    /// The files at each checkpoint, in the order of the journal.
    pub saved: Vec<SavedFiles>,
    /// How often the run was resumed.
    pub resumed: u64,
}

/// The files of a run at a checkpoint, and where the journal has the rest of it. A long run has many checkpoints, so they are not all
/// kept in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFiles {
    /// The length of the output in bytes, and its hash.
    pub output: (u64, Option<u64>),
    /// The length of the rejects file in bytes, and its hash.
    pub rejects: (u64, Option<u64>),
    /// Whether every row is written.
    pub complete: bool,
    /// The bytes of its line in the journal.
    line: Range<u64>,
}

impl Journal {
    /// Opens the journal of an output, and creates it if it is missing.
    ///
    /// Returns the journal and its contents, which are `None` for a new journal.
    ///
    /// # Errors
    /// If the file cannot be read or written, is not a journal, or is locked by another process.
    pub fn open(path: &Path, output: &Path) -> Result<(Self, Option<JournalState>), RunError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        // The error names the output, because the user did not ask for a journal.
        let mut file = file.map_err(|source| DataError::Create { path: output.into(), source })?;
        match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => return Err(RunError::Busy { output: output.into() }),
            // Some network file systems have no locks. There the user must not start two runs with one output.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => {}
        }
        let mut text = vec![];
        file.read_to_end(&mut text).map_err(RunError::file("read", path))?;
        let (mut state, mut length): (Option<JournalState>, u64) = (None, 0);
        for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            match (serde_json::from_slice(line), &mut state) {
                (Ok(Line::Start(start)), None) => state = Some(JournalState { start, saved: vec![], resumed: 0 }),
                (Ok(Line::Checkpoint(checkpoint)), Some(state)) => state.saved.push(SavedFiles {
                    output: (checkpoint.output, checkpoint.output_hash),
                    rejects: (checkpoint.rejects, checkpoint.rejects_hash),
                    complete: checkpoint.complete,
                    line: length..length + line.len() as u64,
                }),
                (Ok(Line::Resumed(_)), Some(state)) => state.resumed += 1,
                _ => return Err(RunError::file("read", path)(not_a_journal())),
            }
            length += line.len() as u64;
        }
        // Removes an incomplete last line.
        file.set_len(length).map_err(RunError::file("write", path))?;
        Ok((Self { file, path: path.into(), length }, state))
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn read_checkpoint(&mut self, saved: &SavedFiles) -> Result<Checkpoint, RunError> {
        let mut line = vec![0; (saved.line.end - saved.line.start) as usize];
        let read = self.file.seek(io::SeekFrom::Start(saved.line.start)).and_then(|_| self.file.read_exact(&mut line));
        read.map_err(RunError::file("read", &self.path))?;
        match serde_json::from_slice(&line) {
            Ok(Line::Checkpoint(checkpoint)) => Ok(*checkpoint),
            _ => Err(RunError::file("read", &self.path)(not_a_journal())),
        }
    }

    /// Forgets the run, so that another one can start.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn clear(&mut self) -> Result<(), RunError> {
        self.length = 0;
        self.file.set_len(0).map_err(RunError::file("write", &self.path))
    }

    /// Records what the run is started with.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn start(&mut self, start: &RunStart) -> Result<(), RunError> {
        self.append(&Line::Start(start.clone()))
    }

    /// Records that the run is resumed at the time `now`.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn resume(&mut self, now: &str) -> Result<(), RunError> {
        self.append(&Line::Resumed(now.into()))
    }

    /// Records a checkpoint.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), RunError> {
        self.append(&Line::Checkpoint(Box::new(checkpoint.clone())))
    }

    /// Appends a line and syncs the file.
    fn append(&mut self, line: &Line) -> Result<(), RunError> {
        let mut text = serde_json::to_vec(line).map_err(|e| RunError::file("write", &self.path)(e.into()))?;
        text.push(b'\n');
        match self.check_exists().and_then(|()| self.write(&text)) {
            Ok(()) => self.length += text.len() as u64,
            Err(source) => {
                // The next line must not follow half of this one, which a full disk may leave.
                let _ = self.file.set_len(self.length);
                return Err(RunError::file("write", &self.path)(source));
            }
        }
        Ok(())
    }

    /// Notices that the user has removed the folder: rows could be written to the end, and would be lost.
    fn check_exists(&self) -> io::Result<()> {
        std::fs::metadata(&self.path).map(drop)
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.seek(io::SeekFrom::Start(self.length))?;
        if let Err(error) = faults::before(Step::WriteJournal) {
            // As a full disk does.
            self.file.write_all(&text[..text.len() / 2])?;
            return Err(error);
        }
        self.file.write_all(text)?;
        faults::before(Step::SyncJournal)?;
        self.file.sync_data()
    }

    /// Removes the journal of a finished run.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn remove(self) -> Result<(), RunError> {
        let removed = faults::before(Step::RemoveJournal).and_then(|()| std::fs::remove_file(&self.path));
        removed.map_err(RunError::file("remove", &self.path))
    }
}

fn not_a_journal() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not the journal of a run")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::inputs::InputFile;
    use serde_json::json;

    fn start() -> RunStart {
        RunStart {
            newsdesk: "1".into(),
            settings: json!({"dtype": "f32"}).as_object().unwrap().clone(),
            inputs: vec![InputFile { file: "a".into(), bytes: Some(3), modified: Some(1) }],
            started: "then".into(),
        }
    }

    #[test]
    fn incomplete_last_line_is_ignored_at_every_length() {
        let folder = tempfile::tempdir().unwrap();
        let (path, output) = (folder.path().join("out.journal"), folder.path().join("out"));
        let (mut journal, state) = Journal::open(&path, &output).unwrap();
        assert!(state.is_none());
        journal.start(&start()).unwrap();
        let after_start = std::fs::metadata(&path).unwrap().len();
        let checkpoint = |rows| Checkpoint {
            state: RunState { rows, ..RunState::start() },
            output: 10 * rows,
            output_hash: Some(7 * rows),
            rejects: 0,
            rejects_hash: None,
            header: Some(vec!["text".into()]),
            complete: false,
        };
        journal.checkpoint(&checkpoint(1)).unwrap();
        let after_first = std::fs::metadata(&path).unwrap().len();
        journal.checkpoint(&checkpoint(2)).unwrap();
        assert!(matches!(Journal::open(&path, &output), Err(RunError::Busy { .. })));
        drop(journal);
        let complete = std::fs::read(&path).unwrap();
        for length in 0..=complete.len() as u64 {
            std::fs::write(&path, &complete[..length as usize]).unwrap();
            let (mut journal, state) = Journal::open(&path, &output).unwrap();
            if length < after_start {
                assert!(state.is_none(), "{state:?}");
                continue;
            }
            let rows = if length < complete.len() as u64 { 1 } else { 2 };
            let last = (length >= after_first).then(|| checkpoint(rows));
            let state = state.unwrap();
            let found = state.saved.last().map(|saved| journal.read_checkpoint(saved).unwrap());
            assert_eq!((&state.start, found, state.resumed), (&start(), last, 0));
            journal.resume("now").unwrap();
            drop(journal);
            assert_eq!(Journal::open(&path, &output).unwrap().1.unwrap().resumed, 1);
        }
        std::fs::write(&path, "{}\n").unwrap();
        assert!(matches!(Journal::open(&path, &output), Err(RunError::File { .. })));
    }

    #[test]
    fn journals_of_older_versions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (path, output) = (folder.path().join("out.journal"), folder.path().join("out"));
        let lines = [
            r#"{"begin":{"newsdesk":"1","settings":{"precision":"f32","mention_field":null},"inputs":[{"file":"a","bytes":3,"modified":1}],"started":"then"}}"#,
            r#"{"resumed":"later"}"#,
            r#"{"checkpoint":{"state":{"rows":2,"hash":5,"counts":{"articles":2,"rejected":0,"repeats":1,"near_repeats":0,"windows":2,"tokens":8,"labels":{"topic":{"sport":2}}}},"output":20,"rejects":0,"header":["text"],"complete":false}}"#,
        ];
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let (mut journal, state) = Journal::open(&path, &output).unwrap();
        let state = state.unwrap();
        assert_eq!(state.start.changes(&start()), []);
        assert_eq!((state.resumed, &state.saved[0].output), (1, &(20, None)));
        let last = journal.read_checkpoint(&state.saved[0]).unwrap();
        assert_eq!((last.state.rows, last.state.content_hash, last.output), (2, Some(5), 20));
        assert_eq!(last.state.counts.duplicates, 1);
    }
}
