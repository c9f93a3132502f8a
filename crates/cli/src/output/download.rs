//! The progress of a download: a bar on a terminal, and lines otherwise.

use super::terminal::escaped;
use crate::failure::say;
use indicatif::{ProgressBar, ProgressStyle};
use newsdesk_hub::{Event, ModelName};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two lines if standard error is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// Shows what happens while a model is downloaded.
pub struct Progress {
    name: String,
    bar: ProgressBar,
    /// When the last line was printed; `None` before the first.
    last_line: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    /// Returns the progress of this model. Nothing is shown until something is downloaded.
    pub fn new(name: &ModelName) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { name: name.to_string(), bar: ProgressBar::hidden(), last_line: None, is_terminal }
    }

    /// Shows an event.
    pub fn show(&mut self, event: Event) {
        match event {
            Event::Progress { done, size, .. } => self.move_to(done, size),
            Event::Waiting { file } => {
                self.say(&format!("waiting for another process that downloads `{file}` of `{}`", self.name));
            }
            Event::Retrying { cause, wait } => {
                self.say(&format!("{cause}; the next try follows in {:.1} seconds", wait.as_secs_f64()));
            }
            Event::CachedCopy { cause } => {
                let mut text = format!("warning: cannot update `{}`, so the cached copy is used: {cause}", self.name);
                let mut inner = std::error::Error::source(cause);
                while let Some(error) = inner {
                    text += &format!(": {error}");
                    inner = error.source();
                }
                self.say(&text);
            }
            _ => {}
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn move_to(&mut self, done: u64, size: u64) {
        let is_due = self.last_line.is_none_or(|last| last.elapsed() >= LINE_INTERVAL);
        if self.is_terminal {
            if self.last_line.is_none() {
                self.bar = ProgressBar::new(size).with_prefix(escaped(&self.name).into_owned());
                let template = "{prefix} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    self.bar.set_style(style);
                }
                self.last_line = Some(Instant::now());
            }
            self.bar.set_position(done);
        } else if is_due && done < size {
            self.last_line = Some(Instant::now());
            say(&format!("downloading `{}`: {:.1} of {:.1} MB", self.name, megabytes(done), megabytes(size)));
        }
    }

    /// Prints a line, above the bar if there is one.
    fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
