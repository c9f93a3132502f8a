//! The progress of a run: what the journal stores at a checkpoint, and the counts of the manifest.

use crate::columns::PredictionColumns;
use newsdesk_data::StableHash;
use newsdesk_model::Prediction;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The counts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Articles that were labelled and written.
    pub articles: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// Articles with the same words as an earlier one.
    #[serde(default, alias = "repeats")]
    pub duplicates: u64,
    /// Articles with nearly the same words as an earlier one, exact duplicates included. 0 if the run did not look for them.
    #[serde(default, alias = "near_repeats")]
    pub near_duplicates: u64,
    /// Windows of the articles.
    pub windows: u64,
    /// Tokens of the articles.
    pub tokens: u64,
    /// Articles by head and label.
    pub labels: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Counts {
    /// Returns the number of rows, rejects included.
    pub fn rows(&self) -> u64 {
        self.articles + self.rejected
    }

    pub(crate) fn add(&mut self, prediction: &Prediction, columns: &PredictionColumns) {
        self.articles += 1;
        self.windows += prediction.windows as u64;
        self.tokens += prediction.tokens as u64;
        for (head, labels) in columns.counted_labels(prediction) {
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

/// The progress of a run through its corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredState")]
pub struct RunState {
    /// The number of rows that are done, rejects included.
    pub rows: u64,
    /// A hash of the contents of these rows. A resumed run must read the same contents again.
    ///
    /// `None` where a journal of an older version has only a hash that depends on the wording of its rejects.
    pub content_hash: Option<u64>,
    /// The counts of these rows.
    pub counts: Counts,
}

impl RunState {
    /// Returns the state before the first row.
    pub fn start() -> Self {
        Self { rows: 0, content_hash: Some(StableHash::new().value()), counts: Counts::default() }
    }
}

/// A [`RunState`] as journals of this version and of older ones store it.
#[derive(Deserialize)]
struct StoredState {
    rows: u64,
    content_hash: Option<u64>,
    /// The hash of older versions, which includes the causes of rejects.
    hash: Option<u64>,
    counts: Counts,
}

impl From<StoredState> for RunState {
    fn from(stored: StoredState) -> Self {
        let StoredState { rows, content_hash, hash, counts } = stored;
        // Without rejects, both hashes have the same value.
        let content_hash = content_hash.or(hash.filter(|_| counts.rejected == 0));
        Self { rows, content_hash, counts }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn states_of_older_versions_are_read() {
        let read = |rejected: u64| -> RunState {
            let counts = format!(
                r#"{{"articles":3,"rejected":{rejected},"repeats":2,"near_repeats":1,"windows":3,"tokens":9,"labels":{{}}}}"#
            );
            serde_json::from_str(&format!(r#"{{"rows":3,"hash":7,"counts":{counts}}}"#)).unwrap()
        };
        let state = read(0);
        assert_eq!((state.rows, state.content_hash), (3, Some(7)));
        assert_eq!((state.counts.duplicates, state.counts.near_duplicates), (2, 1));
        assert_eq!(read(1).content_hash, None);
        let written = serde_json::to_string(&state).unwrap();
        assert!(written.starts_with(r#"{"rows":3,"content_hash":7,"#), "{written}");
        assert_eq!(serde_json::from_str::<RunState>(&written).unwrap(), state);
    }
}
