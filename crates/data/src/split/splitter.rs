//! Collects the rows of a data set, and assigns each text to a split.

use std::collections::HashMap;

use super::assign::assign;
use super::shares::{Shares, Split};
use crate::text_hash::TextHash;

/// Collects a hash and the labels of each row. A row with one label takes 16 bytes.
#[derive(Debug, Default)]
pub struct Splitter {
    rows: Vec<(TextHash, u32)>,
    labels: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Splitter {
    /// Returns a splitter without rows.
    pub fn new() -> Splitter {
        Splitter::default()
    }

    /// Adds a row. Rows without a label are treated as rows of one more label.
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

    /// Assigns each text to a split. Each seed gives another random split.
    pub fn split(self, shares: Shares, seed: u64) -> Assignment {
        Assignment { held_out: assign(self.rows, &self.labels, shares, seed) }
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

/// The split of each text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The texts that are not for training.
    held_out: HashMap<TextHash, Split>,
}

impl Assignment {
    /// Returns the split of a text.
    pub fn of(&self, text: TextHash) -> Split {
        self.held_out.get(&text).copied().unwrap_or(Split::Train)
    }
}
