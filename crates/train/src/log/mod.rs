//! The log of a run, `training.jsonl`: one JSON object per line.
//!
//! There is a line for the start, one for every [`STEPS_PER_LINE`] steps and the last step of an epoch, one for each epoch, and
//! one for the end. Each is written at once, and before the checkpoint that includes its step. So a resumed run finds every
//! line up to its checkpoint. Later lines are dropped, since their steps are repeated.

mod records;

use crate::error::Result;
use crate::files::{file_error, write};
use newsdesk_files::read::regular;
pub(crate) use records::differing_settings;
pub use records::{EndRecord, EpochRecord, Record, SetRows, StartRecord, StepRecord, Temperature};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Steps from one line to the next.
pub const STEPS_PER_LINE: usize = 50;

/// The name of the log in the folder of a run.
pub const LOG: &str = "training.jsonl";

/// The largest number of bytes in which the first line of a log is searched.
const MAX_START_LINE: u64 = 1 << 20;

/// A log that is being written.
pub struct Log {
    path: PathBuf,
    file: File,
    records: Vec<Record>,
}

impl Log {
    /// Starts the log of a run in its folder, which is created if it is missing. An earlier log is overwritten.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn start(folder: &Path, start: StartRecord) -> Result<Self> {
        let path = folder.join(LOG);
        std::fs::create_dir_all(folder).map_err(file_error("write", folder))?;
        let file = File::create(&path).map_err(file_error("write", &path))?;
        let mut log = Self { path, file, records: vec![] };
        log.write(Record::Start(start))?;
        Ok(log)
    }

    /// Resumes the log of a run after this number of epochs, and of steps of the next epoch. Later lines are dropped, and so
    /// are lines that are not valid, such as a torn last one. A missing log is started.
    ///
    /// # Errors
    /// If it cannot be read or written. The old log is then unchanged.
    pub(crate) fn resume(folder: &Path, start: StartRecord, epochs: usize, steps: usize) -> Result<Self> {
        let path = folder.join(LOG);
        let end = if steps == 0 { (epochs, usize::MAX) } else { (epochs + 1, steps) };
        let mut kept: Vec<(String, Record)> = vec![];
        for (line, record) in read_lines(&path)? {
            let is_next = kept.last().is_none_or(|(_, last)| last.position() < record.position());
            if is_next && record.position() <= end {
                kept.push((line, record));
            }
        }
        if !matches!(kept.first(), Some((_, Record::Start(_)))) {
            let start = Record::Start(start);
            kept.insert(0, (to_line(&start).map_err(file_error("write", &path))?, start));
        }
        let (lines, records): (Vec<String>, Vec<Record>) = kept.into_iter().unzip();
        write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path).map_err(file_error("write", &path))?;
        Ok(Self { path, file, records })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// If it cannot be written, for example because the disk is full.
    pub fn write(&mut self, record: Record) -> Result<()> {
        let line = to_line(&record).map_err(file_error("write", &self.path))?;
        // One unbuffered write: a kill tears at most the last line.
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(file_error("write", &self.path))?;
        self.records.push(record);
        Ok(())
    }

    /// Returns the lines so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

/// Reads the log in the folder of a run. Lines that are not valid are skipped; without a log there are no lines.
///
/// # Errors
/// If there is a log and it cannot be read.
pub fn read_log(folder: &Path) -> Result<Vec<Record>> {
    Ok(read_lines(&folder.join(LOG))?.into_iter().map(|(_, record)| record).collect())
}

/// Returns whether the file with the log's name is a log. It may also be somebody's training data.
///
/// # Errors
/// If the file exists and cannot be read.
pub fn holds_log(folder: &Path) -> Result<bool> {
    let path = folder.join(LOG);
    if !path.is_file() {
        return Ok(false);
    }
    // The file may be large, and the first line is enough.
    let mut first = vec![];
    let file = File::open(&path).map_err(file_error("read", &path))?;
    BufReader::new(file.take(MAX_START_LINE)).read_until(b'\n', &mut first).map_err(file_error("read", &path))?;
    Ok(matches!(serde_json::from_slice(&first), Ok(Record::Start(_))))
}

/// Maximum size of a log in bytes: millions of lines.
const MAX_LOG: u64 = 1 << 30;

/// Reads the valid lines of a log, each as text and as a record.
fn read_lines(path: &Path) -> Result<Vec<(String, Record)>> {
    let bytes = match regular(path, MAX_LOG) {
        Err(error) if error.kind() == ErrorKind::NotFound => vec![],
        read => read.map_err(file_error("read", path))?,
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter_map(|line| Some((line.to_string(), serde_json::from_str(line).ok()?))).collect())
}

fn to_line(record: &Record) -> std::io::Result<String> {
    Ok(serde_json::to_string(record)?)
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
        let mut whole = Log::start(folder.path(), start()).unwrap();
        let records = [step(1, 2), step(1, 3), epoch(1), step(2, 2), step(2, 3), epoch(2)];
        records.iter().for_each(|record| whole.write(record.clone()).unwrap());
        let text = log(folder.path());
        assert_eq!(read_log(folder.path()).unwrap(), whole.records());
        for (epochs, steps, kept) in [(2, 0, 6), (1, 2, 4), (1, 1, 3), (1, 0, 3), (0, 2, 1), (0, 1, 0)] {
            std::fs::write(folder.path().join(LOG), format!("{text}{{\"event\":\"ep")).unwrap();
            let mut resumed = Log::resume(folder.path(), start(), epochs, steps).unwrap();
            assert_eq!(&resumed.records()[1..], &records[..kept], "after epoch {epochs}, step {steps}");
            records[kept..].iter().for_each(|record| resumed.write(record.clone()).unwrap());
            assert_eq!(log(folder.path()), text, "after epoch {epochs}, step {steps}");
        }
    }

    #[test]
    fn a_missing_log_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::resume(folder.path(), start(), 1, 0).unwrap();
        assert_eq!(log.records(), [Record::Start(start())]);
        assert_eq!(read_log(folder.path()).unwrap(), log.records());
    }

    /// The first lines of a log of the first version, with earlier names of settings.
    const ORIGINAL: &str = r#"{"event":"start","newsdesk":"0.1.0","base":"tiny","sets":[{"set":"a","split":"train","rows":8}],"validation":[],"steps_per_epoch":3,"settings":{"epochs":2,"learning_rate":0.00005,"head_rate_factor":1.0,"warmup":0.06,"schedule":"linear","layer_decay":1.0,"label_smoothing":0.0,"focal":0.0,"class_weights":"equal","freeze":"nothing","patience":0,"weight_decay":0.01,"clip":1.0,"batch_size":8,"micro_batch":8,"rows_per_epoch":0,"set_weights":{},"length":64,"window":{"length":64,"stride":48,"combine":"mean"},"seed":4},"pooling":"cls","fingerprint":"00"}
{"event":"step","epoch":1,"step":3,"loss":0.5,"rate":0.001,"tokens_per_second":9.0,"elapsed":1.0}
"#;

    #[test]
    fn a_log_of_the_first_version_is_read_and_continued() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LOG), ORIGINAL).unwrap();
        assert!(holds_log(folder.path()).unwrap());
        let mut log = Log::resume(folder.path(), start(), 0, 3).unwrap();
        let Record::Start(read) = &log.records()[0] else { unreachable!("the first line is the start") };
        assert_eq!((&read.settings["overlap"], &read.settings["max_grad_norm"]), (&16.into(), &1.0.into()));
        log.write(epoch(1)).unwrap();
        let text = self::log(folder.path());
        assert!(text.starts_with(ORIGINAL) && text.lines().count() == 3, "{text}");
    }
}
