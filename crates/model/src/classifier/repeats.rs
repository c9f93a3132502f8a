//! Answers that were given before: a text of the same tokens gets the same one without being computed again.
//!
//! The key is made of what the encoder would read, so a repeated answer is the one that computing would give, to the bit. Which
//! texts are remembered changes only the time.

use super::Window;
use crate::decide::Prediction;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

/// What the encoder would read of a text: 128 bits of a SHA-256, since a collision would be a wrong answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    /// The key of a text of these windows.
    pub fn of(windows: &[Window], tokens: usize) -> Key {
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

/// The answers to the last texts.
pub(super) struct Repeats {
    /// Most answers that are kept.
    most: usize,
    known: HashMap<Key, Known>,
    /// Keys of kept answers, the oldest first.
    kept: VecDeque<Key>,
}

enum Known {
    /// It is being computed; texts with these numbers wait for it.
    UnderWay(Vec<usize>),
    Answered(Prediction),
}

/// What is known of a text.
pub(super) enum Found {
    /// Nothing: whoever asks has to compute it, and to say so.
    New,
    /// It is being computed, and will be handed out to whoever asked.
    UnderWay,
    Answered(Prediction),
}

impl Repeats {
    pub fn new(most: usize) -> Repeats {
        Repeats { most, known: HashMap::new(), kept: VecDeque::new() }
    }

    /// Looks up the text with this number.
    pub fn find(&mut self, key: Key, number: usize) -> Found {
        match self.known.get_mut(&key) {
            Some(Known::Answered(prediction)) => Found::Answered(prediction.clone()),
            Some(Known::UnderWay(waiting)) => {
                waiting.push(number);
                Found::UnderWay
            }
            None => {
                self.known.insert(key, Known::UnderWay(Vec::new()));
                Found::New
            }
        }
    }

    /// Keeps an answer, and gives the numbers of the texts that wait for it.
    pub fn answer(&mut self, key: Key, prediction: &Prediction) -> Vec<usize> {
        let before = self.known.insert(key, Known::Answered(prediction.clone()));
        self.kept.push_back(key);
        if self.kept.len() > self.most
            && let Some(oldest) = self.kept.pop_front()
        {
            self.known.remove(&oldest);
        }
        match before {
            Some(Known::UnderWay(waiting)) => waiting,
            _ => Vec::new(),
        }
    }
}
