//! `training.jsonl`: a run's own account, one JSON object a line.
//!
//! A line for the start, one for every [`STEPS_PER_LINE`] steps and the last of an epoch, one for each epoch, one for the
//! end. Each is written at once. A line stands in the file before the checkpoint that counts its step, so a run that goes
//! on from a checkpoint finds every line up to there; those after it are dropped, since their steps are done again.

use crate::error::{Result, TrainError};
use newsdesk_eval::HeadCalibration;
use newsdesk_eval::SetFigures;
use newsdesk_model::folder::write_whole;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Steps from one line to the next.
pub const STEPS_PER_LINE: usize = 50;

/// The log's file in the folder of a run.
pub const LOG: &str = "training.jsonl";

/// More bytes than the first line of a log has.
const LONGEST_START: u64 = 1 << 20;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Record {
    /// What is trained, on what, and how.
    Start(StartRecord),
    /// A step.
    Step(StepRecord),
    /// An epoch and its validation.
    Epoch(EpochRecord),
    /// The finished model.
    End(EndRecord),
}

/// What is trained, on what, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StartRecord {
    /// Newsdesk's version.
    pub newsdesk: String,
    /// Name of the model that training starts from.
    pub base: String,
    /// Names of the models that are learned from besides the labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<String>,
    /// The sets that are learned from.
    pub sets: Vec<SetRows>,
    /// The sets by which the best epoch is chosen.
    pub validation: Vec<SetRows>,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// The settings that decide the result.
    pub settings: serde_json::Value,
    /// How the encoder's vectors become one.
    #[serde(default)]
    pub pooling: String,
    /// A hash of all that decides the result: weights of base and teachers, heads, every labelled article, settings.
    #[serde(default)]
    pub fingerprint: String,
}

/// A split of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRows {
    /// Name of the set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// Its labelled rows.
    pub rows: usize,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Step within the epoch, from 1.
    pub step: usize,
    /// Mean loss per article over the steps since the last line.
    pub loss: f64,
    /// Learning rate of the step.
    pub rate: f64,
    /// Tokens per second since the last line.
    pub tokens_per_second: f64,
    /// Seconds that the run took, without its interruptions.
    pub elapsed: f64,
}

/// An epoch and its validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epoch, from 1.
    pub epoch: usize,
    /// The one number by which epochs are compared.
    pub score: f64,
    /// Whether it is the best so far.
    pub best: bool,
    /// Seconds that the run took, without its interruptions.
    pub elapsed: f64,
    /// What was reached on the first window of each article.
    pub sets: Vec<SetFigures>,
}

/// The finished model: its weights as they are stored, on whole articles, with the fitted temperatures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndRecord {
    /// The epoch that is kept, from 1.
    pub best_epoch: usize,
    /// Its score.
    pub score: f64,
    /// Seconds of training, without interruptions.
    pub elapsed: f64,
    /// The heads' temperatures.
    pub temperatures: Vec<Temperature>,
    /// What is reached on the validation sets.
    pub sets: Vec<SetFigures>,
    /// What is reached on the test sets, which had no part in any choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<SetFigures>,
}

/// A head's temperature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// The head.
    pub head: String,
    /// Validation articles that are labelled for it.
    pub articles: u64,
    /// Its logits are divided by this.
    pub temperature: f32,
    /// Why it was not fitted, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_fitted: Option<String>,
}

impl From<&HeadCalibration> for Temperature {
    fn from(head: &HeadCalibration) -> Self {
        let HeadCalibration { head, articles, temperature, not_fitted, .. } = head;
        Self { head: head.clone(), articles: *articles, temperature: *temperature, not_fitted: not_fitted.clone() }
    }
}

/// A step, as an epoch and the number of its steps that are done.
type Place = (usize, usize);

impl Record {
    /// The step that the line counts; an epoch's line comes after all of its steps.
    fn place(&self) -> Place {
        match self {
            Self::Start(_) => (0, 0),
            Self::Step(step) => (step.epoch, step.step),
            Self::Epoch(epoch) => (epoch.epoch, usize::MAX),
            Self::End(_) => (usize::MAX, usize::MAX),
        }
    }
}

/// A log that is being written.
pub struct Log {
    path: PathBuf,
    file: File,
    records: Vec<Record>,
}

impl Log {
    /// Begins the log of a run in its folder, which is made if it is missing. A log that is there is written over.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn begin(folder: &Path, start: StartRecord) -> Result<Self> {
        let path = folder.join(LOG);
        std::fs::create_dir_all(folder).map_err(failed("write", folder))?;
        let file = File::create(&path).map_err(failed("write", &path))?;
        let mut log = Self { path, file, records: vec![] };
        log.write(Record::Start(start))?;
        Ok(log)
    }

    /// Goes on with the log of a run of which so many epochs, and steps of the next one, are done. Lines after that are
    /// dropped, as well as what is no line: the last one may be torn. Without a log there, one begins.
    ///
    /// # Errors
    /// If it cannot be read or written; what was there is then still there.
    pub(crate) fn go_on(folder: &Path, start: StartRecord, epochs: usize, steps: usize) -> Result<Self> {
        let path = folder.join(LOG);
        let end = if steps == 0 { (epochs, usize::MAX) } else { (epochs + 1, steps) };
        let mut kept: Vec<(String, Record)> = vec![];
        for (line, record) in lines(&path)? {
            let is_next = kept.last().is_none_or(|(_, last)| last.place() < record.place());
            if is_next && record.place() <= end {
                kept.push((line, record));
            }
        }
        if !matches!(kept.first(), Some((_, Record::Start(_)))) {
            let start = Record::Start(start);
            kept.insert(0, (line(&start).map_err(failed("write", &path))?, start));
        }
        let (text, records): (Vec<String>, Vec<Record>) = kept.into_iter().unzip();
        replace(&path, text.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path).map_err(failed("write", &path))?;
        Ok(Self { path, file, records })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// If it cannot be written, for example since the disk is full.
    pub fn write(&mut self, record: Record) -> Result<()> {
        let line = line(&record).map_err(failed("write", &self.path))?;
        // In one piece and not buffered: a run that is killed tears at most the last line.
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(failed("write", &self.path))?;
        self.records.push(record);
        Ok(())
    }

    /// The lines so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

/// Reads the log in the folder of a run; what is no line of a log is passed over. Without a log there are no lines.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read_log(folder: &Path) -> Result<Vec<Record>> {
    Ok(lines(&folder.join(LOG))?.into_iter().map(|(_, record)| record).collect())
}

/// Whether the file that a run's log would be in a folder is one: a file of that name may be somebody's training data.
///
/// # Errors
/// If it is there and cannot be read.
pub fn holds_log(folder: &Path) -> Result<bool> {
    let path = folder.join(LOG);
    if !path.is_file() {
        return Ok(false);
    }
    // The file may be large: the first line tells.
    let mut first = vec![];
    let file = File::open(&path).map_err(failed("read", &path))?;
    BufReader::new(file.take(LONGEST_START)).read_until(b'\n', &mut first).map_err(failed("read", &path))?;
    Ok(matches!(serde_json::from_slice(&first), Ok(Record::Start(_))))
}

fn lines(path: &Path) -> Result<Vec<(String, Record)>> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => vec![],
        read => read.map_err(failed("read", path))?,
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter_map(|line| Some((line.to_string(), serde_json::from_str(line).ok()?))).collect())
}

fn line(record: &Record) -> std::io::Result<String> {
    Ok(serde_json::to_string(record)?)
}

/// Writes a file of which a reader meets the old one or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, bytes).map_err(failed("write", path))
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
    let path = path.to_path_buf();
    move |source| TrainError::File { verb, path, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn start() -> StartRecord {
        StartRecord {
            newsdesk: "0".into(),
            base: "tiny".into(),
            steps_per_epoch: 3,
            settings: serde_json::json!({"seed": 1}),
            ..StartRecord::default()
        }
    }

    fn step(epoch: usize, step: usize) -> Record {
        Record::Step(StepRecord { epoch, step, loss: 0.1, rate: 1e-5, tokens_per_second: 10.0, elapsed: 1.5 })
    }

    fn epoch(epoch: usize) -> Record {
        Record::Epoch(EpochRecord { epoch, score: 0.5, best: true, elapsed: 2.0, sets: vec![] })
    }

    fn log(folder: &Path) -> String {
        std::fs::read_to_string(folder.join(LOG)).unwrap()
    }

    #[test]
    fn lines_after_the_checkpoint_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut whole = Log::begin(folder.path(), start()).unwrap();
        let records = [step(1, 2), step(1, 3), epoch(1), step(2, 2), step(2, 3), epoch(2)];
        records.iter().for_each(|record| whole.write(record.clone()).unwrap());
        let text = log(folder.path());
        assert_eq!(read_log(folder.path()).unwrap(), whole.records());
        for (epochs, steps, kept) in [(2, 0, 6), (1, 2, 4), (1, 1, 3), (1, 0, 3), (0, 2, 1), (0, 1, 0)] {
            std::fs::write(folder.path().join(LOG), format!("{text}{{\"event\":\"ep")).unwrap();
            let mut rest = Log::go_on(folder.path(), start(), epochs, steps).unwrap();
            assert_eq!(&rest.records()[1..], &records[..kept], "after epoch {epochs}, step {steps}");
            records[kept..].iter().for_each(|record| rest.write(record.clone()).unwrap());
            assert_eq!(log(folder.path()), text, "after epoch {epochs}, step {steps}");
        }
    }

    #[test]
    fn a_log_that_is_gone_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::go_on(folder.path(), start(), 1, 0).unwrap();
        assert_eq!(log.records(), [Record::Start(start())]);
        assert_eq!(read_log(folder.path()).unwrap(), log.records());
    }
}
