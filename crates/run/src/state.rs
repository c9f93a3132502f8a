//! The progress of a run: what the journal stores at a checkpoint, and the counts of the manifest.

use crate::column_names::ColumnNames;
use crate::columns::PredictionColumns;
use newsdesk_data::{Reject, StableHash};
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
    /// Articles from whose title or text HTML was removed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub html: u64,
    /// Articles whose text is blank, so that the model read only their title.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub title_only: u64,
    /// Articles by the code of their language, without those whose language is unsure. Empty if the run did not detect
    /// languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub languages: BTreeMap<String, u64>,
    /// Articles whose language is unsure. 0 if the run did not detect languages.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unsure_languages: u64,
    /// Rejected rows that are in a language which the user did not ask for, by its code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_languages: BTreeMap<String, u64>,
    /// Windows of the articles.
    pub windows: u64,
    /// Tokens of the articles.
    pub tokens: u64,
    /// Articles by head and label.
    pub labels: BTreeMap<String, BTreeMap<String, u64>>,
    /// Articles by the labels of two heads. `None` without articles, if the model has no two heads with one label per
    /// article, or if these have too many pairs of labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross: Option<CrossCounts>,
    /// Rejected rows by cause, with `N` instead of each number. Later causes are counted as [`OTHER_CAUSES`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reject_causes: BTreeMap<String, u64>,
}

/// Articles by the labels of the first two heads with one label per article.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossCounts {
    /// The head whose labels are the keys of `counts`.
    pub rows: String,
    /// The head whose labels are the keys of its values.
    pub columns: String,
    /// Articles by label of the first head and label of the second.
    pub counts: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Under which rejects are counted when there are many causes.
pub const OTHER_CAUSES: &str = "other causes";

/// The number of causes that are counted apart. The journal stores them at every checkpoint.
const MAX_CAUSES: usize = 20;

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Counts {
    /// Returns the number of rows, rejects included.
    pub fn rows(&self) -> u64 {
        self.articles + self.rejected
    }

    /// Returns the number of rows that were set aside on purpose, because of their language.
    pub fn set_aside(&self) -> u64 {
        self.other_languages.values().sum()
    }

    /// Returns the number of rows that could not be used: the rejects without those that were set aside on purpose.
    pub fn unusable(&self) -> u64 {
        self.rejected.saturating_sub(self.set_aside())
    }

    pub(crate) fn add(&mut self, prediction: &Prediction, columns: &PredictionColumns) {
        self.articles += 1;
        self.windows += prediction.windows as u64;
        self.tokens += prediction.tokens as u64;
        let crossed = columns.crossed_heads();
        let mut pair = [None; 2];
        for (index, (head, labels)) in columns.counted_labels(prediction).enumerate() {
            if let Some(position) = crossed.and_then(|heads| heads.iter().position(|&head| head == index)) {
                pair[position] = labels.first().map(|label| (head, *label));
            }
            if !self.labels.contains_key(head) {
                self.labels.insert(head.into(), BTreeMap::new());
            }
            let Some(counts) = self.labels.get_mut(head) else { continue };
            labels.into_iter().for_each(|label| count(counts, label));
        }
        if let [Some((rows, row)), Some((columns, column))] = pair {
            let cross = self.cross.get_or_insert_with(|| CrossCounts {
                rows: rows.into(),
                columns: columns.into(),
                counts: BTreeMap::new(),
            });
            if !cross.counts.contains_key(row) {
                cross.counts.insert(row.into(), BTreeMap::new());
            }
            if let Some(counts) = cross.counts.get_mut(row) {
                count(counts, column);
            }
        }
    }

    pub(crate) fn add_reject(&mut self, reject: &Reject) {
        if let Some(code) = reject.other_language() {
            count(&mut self.other_languages, code);
        }
        self.add_cause(&reject.cause);
    }

    fn add_cause(&mut self, cause: &str) {
        self.rejected += 1;
        let cause = without_numbers(cause);
        let is_counted = self.reject_causes.len() < MAX_CAUSES || self.reject_causes.contains_key(&cause);
        count(&mut self.reject_causes, if is_counted { &cause } else { OTHER_CAUSES });
    }
}

/// Adds one to the count of a key. Allocates only for a new key.
pub(crate) fn count(counts: &mut BTreeMap<String, u64>, key: &str) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => _ = counts.insert(key.into(), 1),
    }
}

/// Returns a cause with `N` instead of each number, so that causes of one kind are equal. Digits in words stay, as in UTF-8.
fn without_numbers(cause: &str) -> String {
    let mut kind = String::with_capacity(cause.len());
    let (mut before, mut in_number) = (' ', false);
    for letter in cause.chars() {
        let is_digit = letter.is_ascii_digit();
        let begins = is_digit && !in_number && before != '-' && !before.is_alphanumeric();
        in_number = is_digit && (in_number || begins);
        match in_number {
            true if begins => kind.push('N'),
            true => {}
            false => kind.push(letter),
        }
        before = letter;
    }
    kind
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
    /// The names of the added columns, once they are chosen. Journals of older versions do not have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<ColumnNames>,
}

impl RunState {
    /// Returns the state before the first row.
    pub fn start() -> Self {
        Self { rows: 0, content_hash: Some(StableHash::new().value()), counts: Counts::default(), names: None }
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
    names: Option<ColumnNames>,
}

impl From<StoredState> for RunState {
    fn from(stored: StoredState) -> Self {
        let StoredState { rows, content_hash, hash, counts, names } = stored;
        // Without rejects, both hashes have the same value.
        let content_hash = content_hash.or(hash.filter(|_| counts.rejected == 0));
        Self { rows, content_hash, counts, names }
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
        assert_eq!((&state.names, &state.counts.cross), (&None, &None));
        let written = serde_json::to_string(&state).unwrap();
        assert!(written.starts_with(r#"{"rows":3,"content_hash":7,"#), "{written}");
        assert_eq!(serde_json::from_str::<RunState>(&written).unwrap(), state);
    }

    #[test]
    fn rejects_are_counted_by_kind_of_cause() {
        let mut counts = Counts::default();
        for row in 0..30 {
            counts.add_cause(&format!("byte {row} of the row is not valid UTF-8"));
            counts.add_cause(&format!("the characters 3 to 7 are `{}`", ["a", "b"].join("x").repeat(row)));
        }
        assert_eq!((counts.rejected, counts.reject_causes.len()), (60, MAX_CAUSES + 1));
        assert_eq!(counts.reject_causes["byte N of the row is not valid UTF-8"], 30);
        assert_eq!(counts.reject_causes[OTHER_CAUSES], 30 - (MAX_CAUSES as u64 - 1));
    }
}
