//! Collects the rows of a data set, and assigns each text to a split.

use std::collections::HashMap;

use super::assign::assign;
use super::shares::{Shares, Split};
use crate::row::Article;
use crate::text_hash::TextHash;

/// Fewer rows may have different labels by chance.
const MIN_IDENTIFIERS: usize = 10;

/// Collects hashes and the labels of each row. A row with one label takes 32 bytes.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The hashes of each text without and with its title.
    bodies: Vec<(TextHash, TextHash)>,
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
    pub fn add<'a>(&mut self, article: &Article, labels: impl IntoIterator<Item = &'a str>) {
        let (text, body) = (TextHash::of(article), TextHash::of_body(article));
        self.bodies.push((body, text));
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
    pub fn split(mut self, shares: Shares, seed: u64) -> Assignment {
        let joined = self.join_bodies();
        for (text, _) in &mut self.rows {
            *text = joined.get(text).copied().unwrap_or(*text);
        }
        let mut held_out = assign(self.rows, &self.labels, shares, seed);
        for (text, first) in joined {
            if let Some(split) = held_out.get(&first).copied() {
                held_out.insert(text, split);
            }
        }
        Assignment { held_out }
    }

    /// Returns the texts that only differ in their title from another one, each with the first of them in the order of
    /// the hashes. All other texts keep their own hash, on which their split depends.
    fn join_bodies(&mut self) -> HashMap<TextHash, TextHash> {
        let mut bodies = std::mem::take(&mut self.bodies);
        bodies.sort_unstable();
        bodies.dedup();
        let same_body = bodies.chunk_by(|(one, _), (other, _)| one == other);
        same_body.flat_map(|texts| texts[1..].iter().map(|(_, text)| (*text, texts[0].1))).collect()
    }

    /// Returns the number of rows, if there are several, each with one label that no other row has. Then the labels may be
    /// identifiers, and every row goes to the training split.
    pub fn identifiers(&self) -> Option<usize> {
        let rows = self.bodies.len();
        (rows >= MIN_IDENTIFIERS && self.rows.len() == rows && self.labels.len() == rows).then_some(rows)
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
