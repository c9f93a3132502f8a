//! A folder with a corpus, and runs over it.

#![allow(clippy::unwrap_used)]

use crate::faults::Step;
use crate::journal::Journal;
use crate::{
    Counts, FileOutput, FileOutputOptions, InputFile, InputRecord, MachineRecord, ModelRecord, OnInterrupted,
    OpenOutcome, OpenedOutput, OutputPaths, PredictionColumns, RejectLimit, RunError, RunManifest, RunOptions,
    RunStart, Scores, Seconds, default_rejects_path, run_corpus,
};
use newsdesk_data::{Format, ReadOptions, Source, TableStyle, create, read, writer};
use newsdesk_model::{Classifier, Options};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Rows of the corpus: two checkpoints, and a rest.
pub const ROWS: usize = 1100;

/// All formats of an output, and the two columnar ones also with typed input.
pub const FORMATS: [(&str, &str); 15] = [
    ("jsonl", "jsonl"),
    ("jsonl", "jsonl.gz"),
    ("jsonl", "jsonl.zst"),
    ("jsonl", "csv"),
    ("jsonl", "csv.gz"),
    ("jsonl", "csv.zst"),
    ("jsonl", "tsv"),
    ("jsonl", "tsv.gz"),
    ("jsonl", "tsv.zst"),
    ("jsonl", "arrows"),
    ("jsonl", "arrows.gz"),
    ("jsonl", "arrows.zst"),
    ("jsonl", "parquet"),
    ("parquet", "arrows.zst"),
    ("arrows", "parquet"),
];

/// The files of a run by name, as they are at one moment.
pub type Files = BTreeMap<String, Vec<u8>>;

/// How a run without an error ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It wrote all rows.
    Finished,
    /// All rows were written before.
    AlreadyComplete,
    /// It was stopped, and can be resumed after this number of rows.
    Interrupted(u64),
}

/// What a finished run has written.
#[derive(Debug, PartialEq)]
pub struct Results {
    output: Vec<u8>,
    rejects: Option<Vec<u8>>,
    counts: Counts,
    read: Vec<InputRecord>,
}

impl Results {
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    pub fn rows(&self) -> u64 {
        self.counts.rows()
    }
}

/// A folder with a corpus, and the output of runs over it.
pub struct RunFixture {
    folder: tempfile::TempDir,
    pub input: PathBuf,
    pub paths: OutputPaths,
    format: Format,
    pub settings: serde_json::Map<String, serde_json::Value>,
    pub reject_limit: Option<RejectLimit>,
    pub stop: Arc<AtomicBool>,
    pub checkpoint_interval: Duration,
}

pub fn classifier() -> &'static Classifier {
    static CLASSIFIER: OnceLock<Classifier> = OnceLock::new();
    CLASSIFIER.get_or_init(|| {
        let options = Options { threads: Some(1), ..Options::default() };
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny");
        Classifier::open_with(folder, &options).unwrap().with_prediction_cache(1000)
    })
}

/// Returns short articles as JSON Lines, with invalid lines and with a row that does not fit the columns of a table.
pub fn corpus(with_rejects: bool) -> String {
    let line = |row: usize| match row {
        150 | 650 | 1050 if with_rejects => "no object\n".into(),
        700 if with_rejects => format!("{{\"id\":{row},\"text\":\"Rovers win\",\"extra\":1}}\n"),
        _ => {
            let text = ["Rovers win the cup", "Oil prices fall", "A new play opens", "The rain stays"][row % 4];
            format!("{{\"id\":{row},\"text\":\"{text} {}\",\"note\":\"{:064}\"}}\n", row % 23, row * row)
        }
    };
    (0..ROWS).map(line).collect()
}

impl RunFixture {
    /// Returns a folder with a corpus in the format `input`, and an output named `out.OUTPUT`.
    pub fn new(input: &str, output: &str) -> Self {
        Self::with_corpus(&corpus(true), input, output)
    }

    pub fn with_corpus(corpus: &str, input: &str, output: &str) -> Self {
        // Every run syncs its files several times, which takes long on a disk and no time in memory.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let jsonl = folder.path().join("news.jsonl");
        std::fs::write(&jsonl, corpus).unwrap();
        let input = folder.path().join(format!("news.{input}"));
        if input != jsonl {
            let mut out = writer(Format::from_path(&input).unwrap(), create(&input).unwrap()).unwrap();
            for row in read(&Source::File(jsonl), &ReadOptions::default()).unwrap() {
                // Rejects stay behind.
                let _ = row.map(|row| out.write(&row, &[]));
            }
            out.end().unwrap();
        }
        let output = folder.path().join(format!("out.{output}"));
        let format = Format::from_path(&output).unwrap();
        let settings = serde_json::json!({"dtype": "f32", "max_windows": null}).as_object().unwrap().clone();
        Self {
            paths: OutputPaths { rejects: default_rejects_path(&output), always_write_rejects: false, output },
            folder,
            input,
            format,
            settings,
            reject_limit: None,
            stop: Arc::default(),
            checkpoint_interval: Duration::ZERO,
        }
    }

    /// Runs to the end of the corpus, as `newsdesk classify` does.
    pub fn run(&self, resume: bool) -> std::result::Result<Ended, RunError> {
        self.run_or(if resume { OnInterrupted::Resume } else { OnInterrupted::Refuse })
    }

    pub fn run_or(&self, interrupted: OnInterrupted) -> std::result::Result<Ended, RunError> {
        let resume = interrupted == OnInterrupted::Resume;
        if resume && !self.paths.journal().exists() && self.paths.output.exists() {
            return Ok(Ended::AlreadyComplete);
        }
        let sources = [Source::File(self.input.clone())];
        let now = RunStart {
            newsdesk: "test".into(),
            settings: self.settings.clone(),
            inputs: sources.iter().map(InputFile::of).collect(),
            started: "now".into(),
        };
        let options = FileOutputOptions {
            format: self.format,
            interrupted,
            checkpoint_interval: self.checkpoint_interval,
            style: TableStyle::default(),
        };
        let opened = FileOutput::open(self.paths.clone(), now, options)?;
        let OpenedOutput { mut output, mut state, start, resumed, .. } = match opened {
            OpenOutcome::Ready(opened) => *opened,
            OpenOutcome::Complete(_) => return Ok(Ended::AlreadyComplete),
        };
        self.stop.store(false, Ordering::Relaxed);
        let options = RunOptions {
            near_duplicates: true,
            reject_limit: self.reject_limit,
            stop: Arc::clone(&self.stop),
            ..RunOptions::default()
        };
        let columns = PredictionColumns::new(classifier().heads(), Scores::All, "nd_");
        match run_corpus(classifier(), &sources, &options, &columns, &mut state, &mut output) {
            Ok(outcome) if outcome.interrupted => Ok(Ended::Interrupted(output.save(&state)?)),
            Ok(outcome) => {
                output.finish(&state, &manifest(start, outcome.inputs, state.counts.clone(), resumed))?;
                Ok(Ended::Finished)
            }
            Err(error) if state.rows == 0 && resumed == 0 => {
                output.discard()?;
                Err(error)
            }
            Err(error) => {
                // If this fails, the last checkpoint remains.
                let _ = output.save(&state);
                Err(error)
            }
        }
    }

    /// Returns what a finished run has written, and checks that it has left nothing else.
    pub fn results(&self) -> Results {
        let mut files = self.files();
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        files.remove(&name(&self.paths.manifest())).expect("a manifest");
        let manifest = RunManifest::open(&self.paths.manifest()).unwrap().unwrap();
        let results = Results {
            output: files.remove(&name(&self.paths.output)).expect("an output"),
            rejects: files.remove(&name(&self.paths.rejects)),
            counts: manifest.counts,
            read: manifest.read,
        };
        assert_eq!(files.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "files of the run are left");
        results
    }

    /// Runs without disturbance, and returns the results.
    pub fn undisturbed(&self) -> Results {
        self.clear();
        assert_eq!(self.run(false).unwrap(), Ended::Finished);
        let results = self.results();
        self.clear();
        results
    }

    /// Writes other bytes into the middle of some bytes of a file.
    pub fn damage(&self, path: &Path, bytes: Range<u64>) {
        let mut file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        assert!(bytes.end > bytes.start && bytes.end <= file.metadata().unwrap().len(), "{bytes:?}");
        let mut byte = [0];
        let middle = SeekFrom::Start(bytes.start + (bytes.end - bytes.start) / 2);
        file.seek(middle).and_then(|_| file.read_exact(&mut byte)).unwrap();
        file.seek(middle).and_then(|_| file.write_all(&[byte[0] ^ 0x55])).unwrap();
    }

    /// Returns the lengths of output and rejects at each checkpoint of the journal.
    pub fn saved_lengths(&self) -> Vec<[u64; 2]> {
        let (_, state) = Journal::open(&self.paths.journal(), &self.paths.output).unwrap();
        state.unwrap().saved.iter().map(|saved| [saved.output.0, saved.rejects.0]).collect()
    }

    /// Returns the files of the run.
    pub fn files(&self) -> Files {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let own = names.filter(|name| name.starts_with("out."));
        own.map(|name| (name.clone(), std::fs::read(self.folder.path().join(&name)).unwrap())).collect()
    }

    /// Removes the files of the run.
    pub fn clear(&self) {
        for name in self.files().keys() {
            std::fs::remove_file(self.folder.path().join(name)).unwrap();
        }
    }

    /// Replaces the files of the run by those of an earlier moment.
    pub fn restore(&self, files: &Files) {
        self.clear();
        for (name, bytes) in files {
            std::fs::write(self.folder.path().join(name), bytes).unwrap();
        }
    }

    /// Resumes the run after a disturbance, and checks that it ends as an undisturbed run does.
    #[track_caller]
    pub fn resumes_to(&self, expected: &Results, disturbance: &str) {
        let ended = self.run(true).unwrap_or_else(|error| panic!("{disturbance}: {error:?}"));
        assert!(!matches!(ended, Ended::Interrupted(_)), "{disturbance}: {ended:?}");
        let results = self.results();
        assert_eq!(results.counts, expected.counts, "counts after {disturbance}");
        assert!(results.rejects == expected.rejects, "the rejects differ after {disturbance}");
        assert!(results.output == expected.output, "the output differs after {disturbance}");
        assert!(results == *expected, "the inputs of the manifest differ after {disturbance}");
    }

    /// Returns the number of rows in the journal's last checkpoint.
    pub fn saved_rows(&self) -> u64 {
        let (mut journal, state) = Journal::open(&self.paths.journal(), &self.paths.output).unwrap();
        let last = state.and_then(|state| state.saved.last().cloned());
        last.map_or(0, |last| journal.read_checkpoint(&last).unwrap().state.rows)
    }
}

fn manifest(start: RunStart, read: Vec<InputRecord>, counts: Counts, resumed: u64) -> RunManifest {
    let text = String::new;
    RunManifest {
        start,
        model: ModelRecord {
            name: "tiny".into(),
            source: None,
            sha256: text(),
            dtype: "f32".into(),
            instructions: text(),
        },
        machine: MachineRecord { system: text(), device: text(), threads: 1 },
        read,
        output: None,
        rejects: None,
        counts,
        columns: None,
        finished: text(),
        resumed,
        articles_since_start: None,
        seconds: Seconds { total: 0.0, reading: 0.0, tokenising: 0.0, encoding: 0.0, writing: 0.0 },
        peak_memory_bytes: None,
    }
}

/// Returns a hook that fails `step` the `nth` time, from 1, and a flag that says whether it did.
///
/// With `lasting`, all later steps that write fail as well, as on a full disk.
pub fn failing(
    step: Step,
    nth: usize,
    kind: ErrorKind,
    lasting: bool,
) -> (impl FnMut(Step) -> Result<()>, Rc<Cell<bool>>) {
    let failed = Rc::new(Cell::new(false));
    let (mut count, flag) = (0, Rc::clone(&failed));
    let hook = move |at: Step| {
        count += usize::from(at == step);
        let is_write = !matches!(at, Step::RemoveJournal | Step::Row | Step::Reject);
        let fails = if flag.get() { lasting && is_write } else { at == step && count == nth };
        flag.set(flag.get() || fails);
        if fails { Err(Error::new(kind, "injected failure")) } else { Ok(()) }
    };
    (hook, failed)
}

/// Returns how often each step is taken in an undisturbed run.
pub fn step_counts(fixture: &RunFixture) -> HashMap<Step, usize> {
    let counts = Rc::new(std::cell::RefCell::new(HashMap::new()));
    let counted = Rc::clone(&counts);
    let hook = move |step| {
        *counted.borrow_mut().entry(step).or_insert(0) += 1;
        Ok(())
    };
    fixture.clear();
    crate::faults::with_hook(hook, || fixture.run(false)).unwrap();
    fixture.clear();
    counts.take()
}
