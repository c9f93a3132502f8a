//! How far a run is: what a journal remembers, and what is told of the run in the end.

use crate::columns::Columns;
use newsdesk_data::StableHash;
use newsdesk_model::Prediction;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Articles that were labelled and written.
    pub articles: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// Articles with the words of an earlier one.
    #[serde(default)]
    pub repeats: u64,
    /// Articles that are nearly an earlier one, where that was looked for; exact repeats are among them.
    #[serde(default)]
    pub near_repeats: u64,
    /// Windows of the articles.
    pub windows: u64,
    /// Tokens of the articles.
    pub tokens: u64,
    /// How many articles got each label, by head.
    pub labels: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Counts {
    /// Rows that were met.
    pub fn rows(&self) -> u64 {
        self.articles + self.rejected
    }

    pub(crate) fn add(&mut self, prediction: &Prediction, columns: &Columns) {
        self.articles += 1;
        self.windows += prediction.windows as u64;
        self.tokens += prediction.tokens as u64;
        for (head, labels) in columns.counted(prediction) {
            if !self.labels.contains_key(head) {
                self.labels.insert(head.into(), BTreeMap::new());
            }
            let Some(counts) = self.labels.get_mut(head) else { continue };
            for label in labels {
                match counts.get_mut(label) {
                    Some(count) => *count += 1,
                    None => _ = counts.insert(label.into(), 1),
                }
            }
        }
    }
}

/// How far a run is in its corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunState {
    /// Rows that are done, rejects among them.
    pub rows: u64,
    /// A hash of what these rows held: a run that goes on must meet the same ones again.
    pub hash: u64,
    /// What was made of them.
    pub counts: Counts,
}

impl RunState {
    /// Before the first row.
    pub fn start() -> Self {
        Self { rows: 0, hash: StableHash::new().value(), counts: Counts::default() }
    }
}
