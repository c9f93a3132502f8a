//! What happens while a model is fetched.

use crate::error::HubError;
use std::time::Duration;

/// What happens while a model is fetched.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The number of bytes that are downloaded.
    Progress {
        /// The file that is being downloaded.
        file: &'a str,
        /// Bytes of the model.
        done: u64,
        /// Bytes of the whole model.
        size: u64,
    },
    /// Another process downloads this file; it is waited for.
    Waiting {
        /// The file.
        file: &'a str,
    },
    /// A request failed, and will be repeated.
    Retrying {
        /// Why it failed.
        cause: &'a HubError,
        /// How long to wait before.
        wait: Duration,
    },
    /// The model cannot be updated, so the cached copy is used.
    CachedCopy {
        /// Why it cannot.
        cause: &'a HubError,
    },
}

/// Passes events on, and adds up the progress of a model's files.
pub struct Events<'a> {
    to: &'a mut dyn FnMut(Event),
    /// Bytes of the files that are done, and of all files.
    done: u64,
    size: u64,
}

impl<'a> Events<'a> {
    pub fn new(to: &'a mut dyn FnMut(Event)) -> Self {
        Self { to, done: 0, size: 0 }
    }

    /// Sets the bytes of all files.
    pub fn expect(&mut self, size: u64) {
        self.size = size;
    }

    /// Counts a file of so many bytes as done.
    pub fn finish(&mut self, size: u64) {
        self.done = self.done.saturating_add(size);
    }

    pub fn send(&mut self, event: Event) {
        (self.to)(event);
    }

    pub fn retrying(&mut self, cause: &HubError, wait: Duration) {
        self.send(Event::Retrying { cause, wait });
    }

    /// Reports so many bytes of a file.
    pub fn progress(&mut self, file: &str, done: u64) {
        let (done, size) = (self.done.saturating_add(done), self.size);
        self.send(Event::Progress { file, done, size });
    }
}
