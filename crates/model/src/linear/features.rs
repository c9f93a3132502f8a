//! Text to features: which words, runs of words and runs of characters occur in it, each as a number below a fixed one.
//!
//! A feature is hashed to its number ("feature hashing", Weinberger et al., 2009), so there is no vocabulary to keep, and two
//! features may share a number. How often a feature occurs does not count. The hash is part of the model's format.

use serde::{Deserialize, Serialize};

/// Which features a linear model looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureRecord {
    /// How many numbers there are for features; a power of two.
    pub buckets: u32,
    /// The most words of a run.
    pub words: u8,
    /// The fewest and the most characters of a run within a word, whose first and last one also stand for its ends; none
    /// for whole words only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<[u8; 2]>,
}

/// The most features that are told apart: a gigabyte for up to seven labels.
const MOST_BUCKETS: u32 = 1 << 26;

/// The longest run of characters.
const LONGEST: u8 = 16;

impl FeatureRecord {
    /// The key of what cannot be used, and why, if anything cannot.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        let Self { buckets, words, characters } = *self;
        if !buckets.is_power_of_two() || !(2..=MOST_BUCKETS).contains(&buckets) {
            return Some(("linear.buckets", format!("{buckets} is not a power of two from 2 to {MOST_BUCKETS}")));
        }
        if !(1..=LONGEST).contains(&words) {
            return Some(("linear.words", format!("{words} is not within 1..={LONGEST}")));
        }
        match characters {
            Some([fewest, most]) if fewest < 1 || most < fewest || most > LONGEST => {
                Some(("linear.characters", format!("{fewest} to {most} is no range within 1..={LONGEST}")))
            }
            _ => None,
        }
    }
}

/// The features of texts, one text after the other; keeps its memory.
pub struct FeatureReader {
    record: FeatureRecord,
    /// What the hash is shifted by to be a number of a feature.
    shift: u32,
    /// The turn in which a feature was seen last; a byte each, so that the whole of it stays in the processor's second cache.
    seen: Vec<u8>,
    turn: u8,
    found: Vec<u32>,
    /// Hashes of the last words, the latest one last.
    last: Vec<u64>,
    word: Vec<u32>,
    words: usize,
}

/// The golden ratio's fraction, as multiplicative hashing has it (Knuth, "The Art of Computer Programming", 6.4).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a word, a run of words and a run of characters begin with, so that they differ: any numbers with many bits.
const WORD: u64 = 0x517c_c1b7_2722_0a95;
const RUN: u64 = 0x2545_f491_4f6c_dd1d;
const CHARACTERS: u64 = 0xd6e8_feb8_6659_fd93;

/// Stands for either end of a word among its characters.
const EDGE: u32 = 1;

fn mix(hash: u64, next: u64) -> u64 {
    let product = (hash ^ next).wrapping_mul(FACTOR);
    product ^ (product >> 29)
}

impl FeatureReader {
    /// A reader of these features, in which [`FeatureRecord::fault`] finds none.
    pub fn new(record: FeatureRecord) -> Self {
        Self {
            record,
            shift: 64 - record.buckets.trailing_zeros(),
            seen: vec![0; record.buckets as usize],
            turn: 0,
            found: vec![],
            last: vec![],
            word: vec![],
            words: 0,
        }
    }

    /// The features that occur in a text, each once, in the order in which they first do, and the number of its words.
    pub fn read(&mut self, text: &str) -> (&[u32], usize) {
        self.turn = self.turn.checked_add(1).unwrap_or_else(|| {
            self.seen.fill(0);
            1
        });
        self.found.clear();
        self.last.clear();
        self.words = 0;
        self.word.clear();
        self.word.push(EDGE);
        for character in text.chars() {
            match kind(character) {
                Kind::Letter(lower) => self.word.push(lower),
                // Few characters have a lower case of several.
                Kind::Other if character.is_alphanumeric() => self.word.extend(character.to_lowercase().map(u32::from)),
                // Accents that are characters of their own stand within a word.
                Kind::Other if ('\u{300}'..='\u{36f}').contains(&character) && self.word.len() > 1 => {
                    self.word.push(character.into());
                }
                Kind::Other => {
                    self.end_word();
                    if !character.is_whitespace() {
                        self.take_word(mix(WORD, u64::from(u32::from(character))));
                    }
                }
            }
        }
        self.end_word();
        (&self.found, self.words)
    }

    fn end_word(&mut self) {
        if self.word.len() == 1 {
            return;
        }
        let hash = self.word[1..].iter().fold(WORD, |hash, &c| mix(hash, u64::from(c)));
        self.take_word(hash);
        if let Some([fewest, most]) = self.record.characters {
            self.word.push(EDGE);
            let word = std::mem::take(&mut self.word);
            let (fewest, most) = (usize::from(fewest), usize::from(most));
            for start in 0..(word.len() + 1).saturating_sub(fewest) {
                let mut hash = CHARACTERS;
                for (number, &c) in word[start..].iter().take(most).enumerate() {
                    hash = mix(hash, u64::from(c));
                    // The word as a whole is a feature already.
                    if number + 1 >= fewest && number + 1 < word.len() {
                        self.take(hash);
                    }
                }
            }
            self.word = word;
        }
        self.word.truncate(1);
    }

    fn take_word(&mut self, hash: u64) {
        self.words += 1;
        self.take(hash);
        let mut run = hash;
        for number in (0..self.last.len()).rev() {
            // Twice, so that the order of the words counts.
            run = mix(mix(RUN, run), self.last[number]);
            self.take(run);
        }
        if self.record.words > 1 {
            if self.last.len() + 1 >= usize::from(self.record.words) {
                self.last.remove(0);
            }
            self.last.push(hash);
        }
    }

    fn take(&mut self, hash: u64) {
        let feature = (hash.wrapping_mul(FACTOR) >> self.shift) as u32;
        let seen = &mut self.seen[feature as usize];
        if *seen != self.turn {
            *seen = self.turn;
            self.found.push(feature);
        }
    }
}

enum Kind {
    /// A letter or digit in lower case.
    Letter(u32),
    Other,
}

/// The quick way for what most texts are made of.
fn kind(character: char) -> Kind {
    match character {
        'a'..='z' | '0'..='9' => Kind::Letter(character.into()),
        'A'..='Z' => Kind::Letter(u32::from(character) + 32),
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: FeatureRecord = FeatureRecord { buckets: 1 << 20, words: 2, characters: None };

    fn features(record: FeatureRecord, text: &str) -> Vec<u32> {
        FeatureReader::new(record).read(text).0.to_vec()
    }

    #[test]
    fn a_text_is_the_set_of_its_words_and_pairs() {
        let mut reader = FeatureReader::new(WORDS);
        // the, late, the late, show, late show, !, show !
        assert_eq!((reader.read("The late show!").0.len(), reader.read("The late show!").1), (7, 4));
        assert_eq!(features(WORDS, "the  LATE\nshow !"), features(WORDS, "The late show!"));
        // Once more adds the pair in between alone.
        assert_eq!(reader.read("the late the late").0.len(), 4);
        assert_eq!(reader.read(" \t\n").0, [0u32; 0]);
        assert_eq!(reader.read("").1, 0);
    }

    #[test]
    fn runs_of_characters_stay_within_words() {
        let with = FeatureRecord { characters: Some([3, 4]), ..WORDS };
        // `.rain.` has rai, ain, .ra, in. and .rai, rain, ain.; the word itself is a feature already.
        assert_eq!(features(with, "rain").len(), 1 + 4 + 3);
        // `.a.` as a whole is the word.
        assert_eq!(features(with, "a").len(), 1);
        let pair = [features(with, "rain"), features(with, "snow")].concat();
        assert!(features(with, "rain snow").len() == pair.len() + 1);
    }

    #[test]
    fn other_scripts_have_words_and_cases() {
        assert_eq!(features(WORDS, "ÉLYSÉE İSTANBUL"), features(WORDS, "élysée i\u{307}stanbul"));
        assert_eq!(FeatureReader::new(WORDS).read("速報 😀 ニュース").1, 3);
    }

    /// A change of the hash would make nonsense of every model on disk.
    #[test]
    fn the_hash_stays_as_it_is() {
        let record = FeatureRecord { buckets: 1 << 18, words: 2, characters: Some([5, 5]) };
        assert_eq!(features(record, "Late goals win the cup."), HASHED);
    }

    const HASHED: [u32; 16] = [
        51957, 41773, 10114, 119588, 62426, 251953, 95479, 155526, 16741, 136624, 113539, 115866, 142633, 187938,
        31535, 101294,
    ];

    #[test]
    fn what_cannot_be_used() {
        assert_eq!(WORDS.fault(), None);
        for (record, key) in [
            (FeatureRecord { buckets: 1000, ..WORDS }, "linear.buckets"),
            (FeatureRecord { buckets: 0, ..WORDS }, "linear.buckets"),
            (FeatureRecord { words: 0, ..WORDS }, "linear.words"),
            (FeatureRecord { characters: Some([4, 3]), ..WORDS }, "linear.characters"),
            (FeatureRecord { characters: Some([0, 3]), ..WORDS }, "linear.characters"),
        ] {
            assert_eq!(record.fault().map(|(key, _)| key), Some(key));
        }
    }
}
