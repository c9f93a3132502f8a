//! A temporary folder with the files of one test. Commands run in it, so that they name files as a user would.

use super::weights::Weights;
use super::{Answer, TINY, words};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use tempfile::TempDir;

pub struct Folder {
    folder: TempDir,
}

/// Files.
impl Folder {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and creates the folders of its path.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    #[track_caller]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Returns the contents of a JSON file.
    #[track_caller]
    pub fn json(&self, name: &str) -> Value {
        let text = self.text(name);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"))
    }

    /// Returns the rows of a JSON Lines file.
    #[track_caller]
    pub fn rows(&self, name: &str) -> Vec<Value> {
        super::rows(&self.text(name))
    }

    /// Returns the names in a folder, sorted.
    pub fn entries(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Returns when a file was last modified.
    pub fn modified(&self, name: &str) -> SystemTime {
        fs::metadata(self.path(name)).unwrap().modified().unwrap()
    }

    /// Asserts that there is no file or folder with this name.
    #[track_caller]
    pub fn assert_missing(&self, name: &str) {
        assert!(!self.path(name).exists(), "`{name}` exists");
    }

    /// Asserts that a file contains the text.
    #[track_caller]
    pub fn assert_contains(&self, name: &str, text: &str) {
        let found = self.text(name);
        assert!(found.contains(text), "expected `{text}` in `{name}`:\n{found}");
    }

    /// Asserts that a file begins with the text.
    #[track_caller]
    pub fn assert_begins(&self, name: &str, text: &str) {
        let found = self.text(name);
        assert!(found.starts_with(text), "expected `{text}` at the beginning of `{name}`:\n{found}");
    }

    /// Replaces a text in a file.
    #[track_caller]
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "`{from}` is not in {name}:\n{text}");
        self.write(name, text.replace(from, to));
    }
}

/// Models.
impl Folder {
    /// Copies the tiny model into a folder, where a test may change it.
    pub fn copy_tiny(&self, name: &str) -> PathBuf {
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            self.write(&format!("{name}/{file}"), fs::read(Path::new(TINY).join(file)).unwrap());
        }
        self.path(name)
    }

    /// Copies the tiny model into `m`, with two heads: `few` has the first three outputs, `all` has all five. The test has to
    /// write a manifest that describes them.
    pub fn copy_tiny_with_heads(&self, few: &str, all: &str) {
        let mut weights = Weights::open(&self.copy_tiny("m"));
        for part in ["weight", "bias"] {
            weights.copy_rows(&format!("classifier.{part}"), &format!("heads.{few}.{part}"), 3);
            weights.rename(&format!("classifier.{part}"), &format!("heads.{all}.{part}"));
        }
        weights.save();
    }

    /// Returns the output of `models info --json`.
    #[track_caller]
    pub fn info(&self, model: &str) -> Value {
        self.newsdesk(&["models", "info", model, "--json"]).done().json()
    }

    /// Returns the manifest of a model as `models info --json` prints it.
    #[track_caller]
    pub fn manifest(&self, model: &str) -> Value {
        self.info(model)["manifest"].clone()
    }

    /// Returns the bytes of a model's weights.
    #[track_caller]
    pub fn weights(&self, model: &str) -> Vec<u8> {
        self.bytes(&format!("{model}/model.safetensors"))
    }
}

/// Commands.
impl Folder {
    /// Returns `newsdesk` with these arguments, ready to start in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_newsdesk"));
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1");
        // No test but those with a hub on loopback uses a network, a cache or a token.
        command
            .env("HF_HUB_OFFLINE", "1")
            .env("HF_HOME", self.path("hf"))
            .env_remove("HF_TOKEN")
            .env_remove("HF_HUB_CACHE");
        command
    }

    /// Runs `newsdesk` with empty standard input.
    pub fn newsdesk(&self, arguments: &[&str]) -> Answer {
        self.newsdesk_reading("", arguments)
    }

    /// Runs a command line of [`words`].
    pub fn run(&self, line: &str) -> Answer {
        self.newsdesk(&words(line))
    }

    /// Runs `newsdesk` with the input as standard input.
    pub fn newsdesk_reading(&self, input: impl Into<Vec<u8>>, arguments: &[&str]) -> Answer {
        let mut command = assert_cmd::Command::from_std(self.command(arguments));
        Answer::new(arguments, command.write_stdin(input).output().unwrap())
    }

    /// Runs `newsdesk classify` with the tiny model.
    pub fn classify(&self, arguments: &[&str]) -> Answer {
        self.newsdesk(&[&["classify", "--model", TINY], arguments].concat())
    }

    /// Runs `newsdesk classify` with the tiny model and the input as standard input.
    pub fn classify_reading(&self, input: impl Into<Vec<u8>>, arguments: &[&str]) -> Answer {
        self.newsdesk_reading(input, &[&["classify", "--model", TINY], arguments].concat())
    }
}
