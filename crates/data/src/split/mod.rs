//! Training, validation and test articles out of one set, by a hash of each text.
//!
//! The order of the rows and the file that they stand in play no part, and articles with the same text stay together,
//! so no text is on both sides. Every label gets its share of each split, as near as whole rows allow. If rows are
//! added later, nearly all texts stay where they were: those with the lowest hashes of a label are its test articles,
//! those after them its validation articles, and only where these ends lie moves.

mod assign;
mod hold_out;

use std::collections::HashMap;
use std::fmt;

use crate::error::DataError;
use crate::fingerprint::TextHash;

pub use hold_out::hold_out;

/// A part of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// To learn from.
    Train,
    /// To choose by.
    Validation,
    /// To measure with, once all is chosen.
    Test,
}

impl Split {
    /// All of them.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// Its place in [`Split::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Split {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        })
    }
}

/// How much of a set is held out. The rest is to learn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    validation: f64,
    test: f64,
}

impl Shares {
    /// Shares of 1: none is negative, and together they hold out something and leave something.
    pub fn new(validation: f64, test: f64) -> Result<Shares, DataError> {
        let held = validation + test;
        match validation >= 0.0 && test >= 0.0 && held > 0.0 && held < 1.0 {
            true => Ok(Shares { validation, test }),
            false => Err(DataError::Shares { validation, test }),
        }
    }

    /// The share of a split.
    pub fn of(&self, split: Split) -> f64 {
        match split {
            Split::Train => 1.0 - self.validation - self.test,
            Split::Validation => self.validation,
            Split::Test => self.test,
        }
    }
}

/// Gathers what there is to split: a hash and labels for each row, 16 bytes for a row with one label.
#[derive(Debug, Default)]
pub struct Splitter {
    rows: Vec<(TextHash, u32)>,
    labels: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Splitter {
    /// Nothing to split yet.
    pub fn new() -> Splitter {
        Splitter::default()
    }

    /// Takes a row in. Rows without a label are split among themselves.
    pub fn add<'a>(&mut self, text: TextHash, labels: impl IntoIterator<Item = &'a str>) {
        let before = self.rows.len();
        for label in labels {
            let id = self.id(label);
            if !self.rows[before..].contains(&(text, id)) {
                self.rows.push((text, id));
            }
        }
        if self.rows.len() == before {
            let id = self.id("");
            self.rows.push((text, id));
        }
    }

    /// Which split each text belongs to. The seed chooses one of many such splits.
    pub fn split(self, shares: Shares, seed: u64) -> Assignment {
        Assignment { held: assign::assign(self.rows, &self.labels, shares, seed) }
    }

    fn id(&mut self, label: &str) -> u32 {
        if let Some(id) = self.ids.get(label) {
            return *id;
        }
        let id = self.labels.len() as u32;
        self.labels.push(label.to_owned());
        self.ids.insert(label.to_owned(), id);
        id
    }
}

/// Which split each text belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The texts that are not to learn from.
    held: HashMap<TextHash, Split>,
}

impl Assignment {
    /// The split of a text.
    pub fn of(&self, text: TextHash) -> Split {
        self.held.get(&text).copied().unwrap_or(Split::Train)
    }
}
