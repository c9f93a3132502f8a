//! Caches predictions: a text with the same tokens as an earlier one gets the same prediction without being computed
//! again.
//!
//! The key is a hash of what the encoder reads, so a cached prediction is bit-identical to a computed one. The cache
//! changes only the time.

use super::windows::Window;
use crate::decide::Prediction;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

/// A hash of what the encoder reads of a text: 128 bits of a SHA-256, because a collision would give a wrong
/// prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    /// Returns the key of a text with these windows and this number of tokens.
    pub(super) fn new(windows: &[Window], tokens: usize) -> Key {
        let mut hash = Sha256::new();
        hash.update(tokens.to_le_bytes());
        for window in windows {
            hash.update(window.ids.len().to_le_bytes());
            window.ids.iter().for_each(|id| hash.update(id.to_le_bytes()));
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Key(key)
    }
}

/// The predictions for the most recent texts.
pub(super) struct PredictionCache {
    /// Maximum number of predictions.
    capacity: usize,
    entries: HashMap<Key, Entry>,
    /// Keys of the cached predictions, the oldest first.
    order: VecDeque<Key>,
}

enum Entry {
    /// The prediction is being computed. The texts with these indices wait for it.
    Pending(Vec<usize>),
    Ready(Prediction),
}

/// The result of a lookup.
pub(super) enum Lookup {
    /// The cache has no entry. The caller must compute the prediction and insert it.
    Miss,
    /// The prediction is being computed. Its insertion returns the index of the text that waits.
    Pending,
    Hit(Prediction),
}

impl PredictionCache {
    pub(super) fn new(capacity: usize) -> PredictionCache {
        PredictionCache { capacity, entries: HashMap::new(), order: VecDeque::new() }
    }

    /// Looks up the prediction for the text with this index.
    pub(super) fn look_up(&mut self, key: Key, index: usize) -> Lookup {
        match self.entries.get_mut(&key) {
            Some(Entry::Ready(prediction)) => Lookup::Hit(prediction.clone()),
            Some(Entry::Pending(waiting)) => {
                waiting.push(index);
                Lookup::Pending
            }
            None => {
                self.entries.insert(key, Entry::Pending(Vec::new()));
                Lookup::Miss
            }
        }
    }

    /// Removes the entry of a text whose prediction failed, and returns the indices of the texts that wait for it.
    pub(super) fn remove(&mut self, key: Key) -> Vec<usize> {
        match self.entries.remove(&key) {
            Some(Entry::Pending(waiting)) => waiting,
            _ => Vec::new(),
        }
    }

    /// Inserts a prediction and returns the indices of the texts that wait for it.
    pub(super) fn insert(&mut self, key: Key, prediction: &Prediction) -> Vec<usize> {
        let before = self.entries.insert(key, Entry::Ready(prediction.clone()));
        self.order.push_back(key);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        match before {
            Some(Entry::Pending(waiting)) => waiting,
            _ => Vec::new(),
        }
    }
}
