//! Helpers that run the built binary in a temporary folder and check what it printed and wrote.

pub mod compression;
pub mod desks;
pub mod weights;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A tiny random classifier with the labels of [`LABELS`], at most 64 tokens a window.
pub const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny");

/// What the tiny model answers.
pub const LABELS: [&str; 5] = ["arts", "business", "science", "sport", "world"];

/// Rounding to four decimals may move what is within this of each other.
pub const CLOSE: f64 = 1e-4 + 1e-9;

/// A set whose labels stand for sets of the labels of a head `sentiment`; its rows are `moods-of-may/rows.jsonl`.
pub const MOODS: &str = r#"name = "moods"
title = "Moods"
origin = "written for this test"
licence = "free"
folder = "moods-of-may"
[files]
validation = "rows.jsonl"
test = "rows.jsonl"
[heads.sentiment]
field = "mood"
labels = "sentiment"
[heads.sentiment.map]
good = ["positive"]
mixed = ["neutral", "negative"]
other = []
"#;

/// A folder in which commands run, so that files are named as a user would name them.
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// A copy of the tiny model, to be spoiled.
    pub fn copy_tiny(&self, name: &str) -> PathBuf {
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            self.write(&format!("{name}/{file}"), fs::read(Path::new(TINY).join(file)).unwrap());
        }
        self.path(name)
    }

    /// As [`Self::copy_tiny`] into `m`, with the first three outputs as the head `few` and all five as the head `all`; a manifest
    /// has to say what they mean.
    pub fn copy_tiny_with_heads(&self, few: &str, all: &str) {
        let mut weights = weights::Weights::open(&self.copy_tiny("m"));
        for part in ["weight", "bias"] {
            weights.copy_rows(&format!("classifier.{part}"), &format!("heads.{few}.{part}"), 3);
            weights.rename(&format!("classifier.{part}"), &format!("heads.{all}.{part}"));
        }
        weights.save();
    }

    /// A file with one piece of its text replaced.
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "`{from}` is not in {name}");
        self.write(name, text.replace(from, to));
    }

    /// `newsdesk` with these arguments, ready to start in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_newsdesk"));
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1");
        command
    }

    pub fn newsdesk(&self, arguments: &[&str]) -> Answer {
        self.newsdesk_reading("", arguments)
    }

    pub fn newsdesk_reading(&self, input: impl Into<Vec<u8>>, arguments: &[&str]) -> Answer {
        let mut command = assert_cmd::Command::from_std(self.command(arguments));
        Answer::new(arguments, command.write_stdin(input).output().unwrap())
    }

    /// `newsdesk classify` with the tiny model.
    pub fn classify(&self, arguments: &[&str]) -> Answer {
        self.newsdesk(&[&["classify", "--model", TINY], arguments].concat())
    }

    pub fn classify_reading(&self, input: impl Into<Vec<u8>>, arguments: &[&str]) -> Answer {
        self.newsdesk_reading(input, &[&["classify", "--model", TINY], arguments].concat())
    }
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Answer {
    pub command: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Answer {
    pub fn new(arguments: &[&str], output: Output) -> Self {
        Self {
            command: arguments.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It went well and had nothing to say about errors.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!((self.code, self.starting("error:").len()), (Some(0), 0), "{self}");
        self
    }

    /// It could not run: one line with this error, and code 2.
    #[track_caller]
    pub fn refused(self, error: &str) -> Self {
        assert_eq!(self.code, Some(2), "{self}");
        let errors = self.starting("error: ");
        assert!(errors.len() == 1 && errors[0].contains(error), "not `{error}`, but: {self}");
        self
    }

    /// It went on past rows that it could not use, each with its line of error, and ended with code 1.
    #[track_caller]
    pub fn rejected(self, errors: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "{self}");
        let found = self.starting("error: ");
        let same = found.len() == errors.len() && found.iter().zip(errors).all(|(f, e)| f.contains(e));
        assert!(same, "not {errors:#?}, but: {self}");
        self
    }

    /// One hint, with this in it.
    #[track_caller]
    pub fn hint(self, hint: &str) -> Self {
        let hints = self.starting("hint: ");
        assert!(hints.len() == 1 && hints[0].contains(hint), "not the hint `{hint}`, but: {self}");
        self
    }

    /// Standard error says this somewhere.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "not `{text}`, but: {self}");
        self
    }

    /// The lines of standard error that start so.
    pub fn starting(&self, start: &str) -> Vec<&str> {
        self.err.lines().filter(|line| line.starts_with(start)).collect()
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        rows(&self.out)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let out: Vec<&str> = self.out.lines().take(20).collect();
        let Self { command, code, err, .. } = self;
        write!(f, "`newsdesk {command}` ended with {code:?} and said:\n{err}\nout:\n{}", out.join("\n"))
    }
}

/// JSON Lines as values.
#[track_caller]
pub fn rows(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

/// One column of all rows, as text.
#[track_caller]
pub fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[name].as_str().unwrap_or_else(|| panic!("no text in `{name}` of {row}"))).collect()
}

/// The scores that `--scores` adds, in the order of [`LABELS`].
#[track_caller]
pub fn scores(row: &Value) -> Vec<f64> {
    let score = |label| row[format!("label_score_{label}")].as_f64();
    LABELS.iter().map(|label| score(label).unwrap_or_else(|| panic!("no score of {label} in {row}"))).collect()
}

/// The largest difference between two articles' scores.
#[track_caller]
pub fn difference(one: &Value, other: &Value) -> f64 {
    let (one, other) = (scores(one), scores(other));
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// JSON Lines of articles with these texts, numbered from 0.
pub fn articles<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let line = |(id, text): (usize, T)| format!("{}\n", serde_json::json!({"id": id, "text": text.as_ref()}));
    texts.into_iter().enumerate().map(line).collect()
}

/// Texts of 1 to 200 words, hardly two of them alike.
pub fn texts(count: usize) -> Vec<String> {
    const WORDS: [&str; 12] =
        ["coach", "after", "the", "mayor", "open", "two", "tour", "against", "plan", "said", "rule", "last"];
    let text = |i: usize| {
        let words = match i % 10 {
            0 => 200,
            few => 1 + few * 5,
        };
        (0..words).map(|j| WORDS[(i * 7 + j * (1 + i % 5) + j * j / 3) % WORDS.len()]).collect::<Vec<_>>().join(" ")
    };
    (0..count).map(text).collect()
}
