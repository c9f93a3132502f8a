//! The journal of a run: what it was begun with, and how far it is, one line of JSON after the other.
//!
//! Lines are only ever added, and a line counts if it is whole, so a run can be cut off at any moment. The file is locked while
//! somebody writes it.

use crate::error::RunError;
use crate::inputs::InputFile;
use crate::state::RunState;
use newsdesk_data::DataError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// What a run was begun with: one that goes on must have the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beginning {
    /// Newsdesk's version.
    pub newsdesk: String,
    /// Everything that decides what is written, by name.
    pub settings: Map<String, Value>,
    /// The files that are read.
    pub inputs: Vec<InputFile>,
    /// When the run began, as RFC 3339.
    pub started: String,
}

/// A point that a run can go on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How far it was.
    pub state: RunState,
    /// Bytes of the output until there.
    pub output: u64,
    /// Bytes of the rejects until there.
    pub rejects: u64,
    /// The header of a table that stands in the output.
    pub header: Option<Vec<String>>,
    /// Whether every row is written, and files have only to get their names.
    pub complete: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begin(Beginning),
    Checkpoint(Checkpoint),
    /// A run went on here.
    Resumed(String),
}

/// An open journal.
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes of its whole lines.
    length: u64,
}

/// What a journal says.
#[derive(Debug)]
pub struct Story {
    /// What the run was begun with.
    pub beginning: Beginning,
    /// The last point that it can go on from.
    pub last: Option<Checkpoint>,
    /// How often it went on.
    pub resumed: u64,
}

impl Journal {
    /// Opens the journal of an output, which is made if it is missing, and says what stands in it; nothing if no run came as
    /// far as to begin.
    ///
    /// # Errors
    /// If it cannot be read or written, is no journal, or somebody else writes it.
    pub fn open(path: &Path, output: &Path) -> Result<(Self, Option<Story>), RunError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        // Whoever asks for an output knows nothing of a journal.
        let mut file = file.map_err(|source| DataError::Create { path: output.into(), source })?;
        match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => return Err(RunError::Busy { output: output.into() }),
            // Some network file systems have no locks; one run at a time is then the caller's matter.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => {}
        }
        let mut text = vec![];
        file.read_to_end(&mut text).map_err(failed("read", path))?;
        let (mut story, mut length): (Option<Story>, u64) = (None, 0);
        for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            match (serde_json::from_slice(line), &mut story) {
                (Ok(Line::Begin(beginning)), None) => story = Some(Story { beginning, last: None, resumed: 0 }),
                (Ok(Line::Checkpoint(checkpoint)), Some(story)) => story.last = Some(checkpoint),
                (Ok(Line::Resumed(_)), Some(story)) => story.resumed += 1,
                _ => {
                    let source = io::Error::new(io::ErrorKind::InvalidData, "it is not the journal of a run");
                    return Err(RunError::File { verb: "read", path: path.into(), source });
                }
            }
            length += line.len() as u64;
        }
        // What was cut off in the middle of a line is nothing.
        file.set_len(length).map_err(failed("write", path))?;
        Ok((Self { file, path: path.into(), length }, story))
    }

    /// Notes what a run begins with.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(&mut self, beginning: &Beginning) -> Result<(), RunError> {
        self.add(&Line::Begin(beginning.clone()))
    }

    /// Notes that a run goes on.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn go_on(&mut self, now: &str) -> Result<(), RunError> {
        self.add(&Line::Resumed(now.into()))
    }

    /// Adds a point to go on from, and makes sure that it is on disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), RunError> {
        self.add(&Line::Checkpoint(checkpoint.clone()))
    }

    fn add(&mut self, line: &Line) -> Result<(), RunError> {
        let mut text = serde_json::to_vec(line).map_err(|e| failed("write", &self.path)(e.into()))?;
        text.push(b'\n');
        let added = self.file.seek(io::SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(&text));
        match added.and_then(|()| self.file.sync_data()) {
            Ok(()) => self.length += text.len() as u64,
            Err(source) => {
                // On a full disk half a line is in the way of the next one.
                let _ = self.file.set_len(self.length);
                return Err(failed("write", &self.path)(source));
            }
        }
        Ok(())
    }

    /// Removes the journal: the run is over.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(self) -> Result<(), RunError> {
        std::fs::remove_file(&self.path).map_err(failed("remove", &self.path))
    }
}

impl Beginning {
    /// What keeps a run that is asked for now from being this one, each as a sentence without its end.
    pub fn changes(&self, now: &Beginning) -> Vec<String> {
        let mut changes = vec![];
        if self.newsdesk != now.newsdesk {
            changes.push(format!("Newsdesk was {} and is {}", self.newsdesk, now.newsdesk));
        }
        let names: std::collections::BTreeSet<&String> = self.settings.keys().chain(now.settings.keys()).collect();
        let shown = |value: Option<&Value>| match value {
            None | Some(Value::Null) => "not given".into(),
            Some(Value::String(text)) => format!("`{text}`"),
            Some(value) => value.to_string(),
        };
        for name in names {
            // What an older version does not know is not given.
            let given = |settings: &'_ Map<String, Value>| settings.get(name).filter(|value| !value.is_null()).cloned();
            let (before, after) = (given(&self.settings), given(&now.settings));
            if before != after {
                changes.push(format!(
                    "{} was {} and is {}",
                    name.replace('_', " "),
                    shown(before.as_ref()),
                    shown(after.as_ref())
                ));
            }
        }
        let names = |inputs: &[InputFile]| inputs.iter().map(|input| input.file.clone()).collect::<Vec<_>>();
        if names(&self.inputs) == names(&now.inputs) {
            let pairs = self.inputs.iter().zip(&now.inputs);
            changes.extend(pairs.filter_map(|(before, now)| now.change_from(before)));
        } else if let Some(gone) = self.inputs.iter().find(|before| !names(&now.inputs).contains(&before.file)) {
            changes.push(format!("`{}` is no longer among the inputs", gone.file));
        } else if let Some(new) = now.inputs.iter().find(|input| !names(&self.inputs).contains(&input.file)) {
            changes.push(format!("`{}` was not among the inputs", new.file));
        } else {
            changes.push("the inputs are in another order, or as often as before no more".into());
        }
        changes
    }
}

pub(crate) fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_path_buf();
    move |source| RunError::File { verb, path, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn beginning(settings: Value, files: &[(&str, u64)]) -> Beginning {
        let file =
            |(file, bytes): &(&str, u64)| InputFile { file: (*file).into(), bytes: Some(*bytes), modified: Some(1) };
        Beginning {
            newsdesk: "1".into(),
            settings: settings.as_object().unwrap().clone(),
            inputs: files.iter().map(file).collect(),
            started: "then".into(),
        }
    }

    #[test]
    fn a_line_that_was_cut_off_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, output) = (folder.path().join("out.journal"), folder.path().join("out"));
        let begun = beginning(json!({"precision": "f32"}), &[("a", 3)]);
        let (mut journal, story) = Journal::open(&path, &output).unwrap();
        assert!(story.is_none());
        journal.begin(&begun).unwrap();
        let begun_at = std::fs::metadata(&path).unwrap().len();
        let point = |rows| Checkpoint {
            state: RunState { rows, ..RunState::start() },
            output: 10 * rows,
            rejects: 0,
            header: Some(vec!["text".into()]),
            complete: false,
        };
        journal.checkpoint(&point(1)).unwrap();
        let one = std::fs::metadata(&path).unwrap().len();
        journal.checkpoint(&point(2)).unwrap();
        assert!(matches!(Journal::open(&path, &output), Err(RunError::Busy { .. })));
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() as u64 {
            std::fs::write(&path, &whole[..length as usize]).unwrap();
            let (mut journal, story) = Journal::open(&path, &output).unwrap();
            if length < begun_at {
                assert!(story.is_none(), "{story:?}");
                continue;
            }
            let last = if length < one { None } else { Some(point(if length < whole.len() as u64 { 1 } else { 2 })) };
            let story = story.unwrap();
            assert_eq!((&story.beginning, story.last, story.resumed), (&begun, last, 0));
            journal.go_on("now").unwrap();
            drop(journal);
            assert_eq!(Journal::open(&path, &output).unwrap().1.unwrap().resumed, 1);
        }
        std::fs::write(&path, "{}\n").unwrap();
        assert!(matches!(Journal::open(&path, &output), Err(RunError::File { .. })));
    }

    #[test]
    fn what_changed_is_told() {
        let before = beginning(json!({"precision": "f32", "text_field": null}), &[("a", 3), ("b", 4)]);
        assert!(before.changes(&before).is_empty());
        let now = beginning(json!({"precision": "int8", "text_field": "body"}), &[("a", 3), ("b", 5)]);
        let changes = [
            "precision was `f32` and is `int8`",
            "text field was not given and is `body`",
            "`b` had 4 bytes and has 5",
        ];
        assert_eq!(before.changes(&now), changes);
        let fewer = beginning(json!({"precision": "f32"}), &[("a", 3)]);
        assert_eq!(before.changes(&fewer)[..], ["`b` is no longer among the inputs"]);
    }
}
