//! The exit code and the output of a command, with checks that can be chained.

use serde_json::Value;
use std::process::Output;

/// The exit code and the output of a command.
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

    /// Asserts that the command succeeded: code 0 and no `error:` line.
    #[track_caller]
    pub fn done(self) -> Self {
        assert!(self.code == Some(0) && self.starting("error:").is_empty(), "expected code 0 without errors: {self}");
        self
    }

    /// Asserts that the command failed: code 2 and one `error:` line, which contains the text.
    #[track_caller]
    pub fn refused(self, error: &str) -> Self {
        let errors = self.starting("error: ");
        let is_refused = self.code == Some(2) && errors.len() == 1 && errors[0].contains(error);
        assert!(is_refused, "expected code 2 and one error with `{error}`: {self}");
        self
    }

    /// Asserts that the command rejected rows: code 1 and an `error:` line for each, with these texts in this order.
    #[track_caller]
    pub fn rejected(self, errors: &[&str]) -> Self {
        let found = self.starting("error: ");
        let are_same =
            found.len() == errors.len() && found.iter().zip(errors).all(|(found, text)| found.contains(text));
        assert!(self.code == Some(1) && are_same, "expected code 1 and errors with {errors:#?}: {self}");
        self
    }

    /// Asserts that there is one `hint:` line, which contains the text.
    #[track_caller]
    pub fn hint(self, hint: &str) -> Self {
        let hints = self.starting("hint: ");
        assert!(hints.len() == 1 && hints[0].contains(hint), "expected one hint with `{hint}`: {self}");
        self
    }

    /// Asserts that standard error contains the text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "expected `{text}` on standard error: {self}");
        self
    }

    /// Asserts that standard output contains the text.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.out.contains(text), "expected `{text}` on standard output: {self}");
        self
    }

    /// Returns the lines of standard error that begin with the text.
    pub fn starting(&self, start: &str) -> Vec<&str> {
        self.err.lines().filter(|line| line.starts_with(start)).collect()
    }

    /// Parses standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("standard output is no JSON: {error}: {self}"))
    }

    /// Parses standard output as JSON Lines.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        super::rows(&self.out)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let out: Vec<&str> = self.out.lines().take(20).collect();
        let Self { command, code, err, .. } = self;
        let out = out.join("\n");
        write!(f, "`newsdesk {command}` ended with code {code:?}\nstandard error:\n{err}\nstandard output:\n{out}")
    }
}
