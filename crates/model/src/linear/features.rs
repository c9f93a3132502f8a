//! Text to features: the words, word n-grams and character n-grams that occur in it.
//!
//! Each feature is hashed to a bucket index ("feature hashing", Weinberger et al., 2009). No vocabulary is needed, and
//! two features may share a bucket. Only the presence of a feature counts, not its frequency. The hash is part of the
//! model format.

use serde::{Deserialize, Serialize};

/// The configuration of a linear model's features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureRecord {
    /// Number of buckets for features; a power of two.
    pub buckets: u32,
    /// Maximum length of word n-grams, in words.
    pub words: u8,
    /// Minimum and maximum length of character n-grams within a word; `None` for no character n-grams. A boundary
    /// character at either end of the word counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<[u8; 2]>,
}

/// Maximum number of buckets: one gigabyte of weights for up to seven labels.
const MAX_BUCKETS: u32 = 1 << 26;

/// Maximum length of an n-gram, in words or characters.
const MAX_LENGTH: u8 = 16;

impl FeatureRecord {
    /// Returns the key and the cause of the first invalid value, if there is one.
    pub fn find_fault(&self) -> Option<(&'static str, String)> {
        let Self { buckets, words, characters } = *self;
        if !buckets.is_power_of_two() || !(2..=MAX_BUCKETS).contains(&buckets) {
            return Some(("linear.buckets", format!("{buckets} is not a power of two from 2 to {MAX_BUCKETS}")));
        }
        if !(1..=MAX_LENGTH).contains(&words) {
            return Some(("linear.words", format!("{words} is not within 1..={MAX_LENGTH}")));
        }
        match characters {
            Some([min, max]) if min < 1 || max < min || max > MAX_LENGTH => {
                Some(("linear.characters", format!("{min} to {max} is not a range within 1..={MAX_LENGTH}")))
            }
            _ => None,
        }
    }
}

/// Extracts the features of one text after another and reuses its memory.
pub struct FeatureReader {
    record: FeatureRecord,
    /// Right shift that turns a hash into a bucket index.
    shift: u32,
    /// For each bucket, the generation in which it was last found. One byte each, so that the table stays in the L2
    /// cache.
    seen: Vec<u8>,
    /// Generation of the current text. Incrementing it clears `seen`.
    generation: u8,
    /// Buckets found in the current text.
    found: Vec<u32>,
    /// Hashes of the previous words, the latest one last.
    previous: Vec<u64>,
    /// Characters of the current word after a boundary character.
    word: Vec<u32>,
    /// Number of words in the current text.
    words: usize,
}

/// The fraction of the golden ratio, as in multiplicative hashing (Knuth, "The Art of Computer Programming", 6.4).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Initial hashes of words, word n-grams and character n-grams, which keep the three kinds apart. The values are
/// arbitrary.
const WORD: u64 = 0x517c_c1b7_2722_0a95;
const WORD_NGRAM: u64 = 0x2545_f491_4f6c_dd1d;
const CHARACTER_NGRAM: u64 = 0xd6e8_feb8_6659_fd93;

/// The boundary character at either end of a word.
const BOUNDARY: u32 = 1;

/// Mixes a value into a hash.
fn mix(hash: u64, next: u64) -> u64 {
    let product = (hash ^ next).wrapping_mul(FACTOR);
    product ^ (product >> 29)
}

impl FeatureReader {
    /// Creates a reader. [`FeatureRecord::find_fault`] must find no fault in `record`.
    pub fn new(record: FeatureRecord) -> Self {
        Self {
            record,
            shift: 64 - record.buckets.trailing_zeros(),
            seen: vec![0; record.buckets as usize],
            generation: 0,
            found: vec![],
            previous: vec![],
            word: vec![],
            words: 0,
        }
    }

    /// Returns the distinct features of a text in the order of their first occurrence, and the number of words.
    pub fn read(&mut self, text: &str) -> (&[u32], usize) {
        self.generation = self.generation.checked_add(1).unwrap_or_else(|| {
            self.seen.fill(0);
            1
        });
        self.found.clear();
        self.previous.clear();
        self.words = 0;
        self.word.clear();
        self.word.push(BOUNDARY);
        for character in text.chars() {
            match kind(character) {
                Kind::Letter(lower) => self.word.push(lower),
                // A few characters have a lower case of several characters.
                Kind::Other if character.is_alphanumeric() => self.word.extend(character.to_lowercase().map(u32::from)),
                // Combining accents belong to the word before them.
                Kind::Other if ('\u{300}'..='\u{36f}').contains(&character) && self.word.len() > 1 => {
                    self.word.push(character.into());
                }
                Kind::Other => {
                    self.end_word();
                    if !character.is_whitespace() {
                        self.add_word(mix(WORD, u64::from(u32::from(character))));
                    }
                }
            }
        }
        self.end_word();
        (&self.found, self.words)
    }

    /// Adds the features of the current word, if there is one, and starts a new word.
    fn end_word(&mut self) {
        if self.word.len() == 1 {
            return;
        }
        let hash = self.word[1..].iter().fold(WORD, |hash, &c| mix(hash, u64::from(c)));
        self.add_word(hash);
        if let Some([min, max]) = self.record.characters {
            self.word.push(BOUNDARY);
            let word = std::mem::take(&mut self.word);
            let (min, max) = (usize::from(min), usize::from(max));
            for start in 0..(word.len() + 1).saturating_sub(min) {
                let mut hash = CHARACTER_NGRAM;
                for (index, &c) in word[start..].iter().take(max).enumerate() {
                    hash = mix(hash, u64::from(c));
                    // The whole word is a feature already.
                    if index + 1 >= min && index + 1 < word.len() {
                        self.add(hash);
                    }
                }
            }
            self.word = word;
        }
        self.word.truncate(1);
    }

    /// Adds a word and the word n-grams that end with it.
    fn add_word(&mut self, hash: u64) {
        self.words += 1;
        self.add(hash);
        let mut ngram = hash;
        for index in (0..self.previous.len()).rev() {
            // Mixed twice, so that the order of the words matters.
            ngram = mix(mix(WORD_NGRAM, ngram), self.previous[index]);
            self.add(ngram);
        }
        if self.record.words > 1 {
            if self.previous.len() + 1 >= usize::from(self.record.words) {
                self.previous.remove(0);
            }
            self.previous.push(hash);
        }
    }

    /// Adds a feature, unless it was found before in this text.
    fn add(&mut self, hash: u64) {
        let feature = (hash.wrapping_mul(FACTOR) >> self.shift) as u32;
        let seen = &mut self.seen[feature as usize];
        if *seen != self.generation {
            *seen = self.generation;
            self.found.push(feature);
        }
    }
}

/// The kind of a character.
enum Kind {
    /// An ASCII letter or digit, in lower case.
    Letter(u32),
    Other,
}

/// Classifies ASCII letters and digits quickly. Most texts consist mainly of these.
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
    fn features_are_the_set_of_words_and_bigrams() {
        let mut reader = FeatureReader::new(WORDS);
        // the, late, the late, show, late show, !, show !
        assert_eq!((reader.read("The late show!").0.len(), reader.read("The late show!").1), (7, 4));
        assert_eq!(features(WORDS, "the  LATE\nshow !"), features(WORDS, "The late show!"));
        // The repetition adds only the bigram `late the`.
        assert_eq!(reader.read("the late the late").0.len(), 4);
        assert_eq!(reader.read(" \t\n").0, [0u32; 0]);
        assert_eq!(reader.read("").1, 0);
    }

    #[test]
    fn character_ngrams_stay_within_words() {
        let with = FeatureRecord { characters: Some([3, 4]), ..WORDS };
        // `.rain.` has rai, ain, .ra, in. and .rai, rain, ain.; the whole word is a feature already.
        assert_eq!(features(with, "rain").len(), 1 + 4 + 3);
        // The only trigram of `.a.` is the whole word.
        assert_eq!(features(with, "a").len(), 1);
        let pair = [features(with, "rain"), features(with, "snow")].concat();
        assert!(features(with, "rain snow").len() == pair.len() + 1);
    }

    #[test]
    fn other_scripts_are_split_and_lowercased() {
        assert_eq!(features(WORDS, "ÉLYSÉE İSTANBUL"), features(WORDS, "élysée i\u{307}stanbul"));
        assert_eq!(FeatureReader::new(WORDS).read("速報 😀 ニュース").1, 3);
    }

    /// A changed hash would invalidate every stored model.
    #[test]
    fn the_hash_does_not_change() {
        let record = FeatureRecord { buckets: 1 << 18, words: 2, characters: Some([5, 5]) };
        assert_eq!(features(record, "Late goals win the cup."), HASHED);
    }

    const HASHED: [u32; 16] = [
        51957, 41773, 10114, 119588, 62426, 251953, 95479, 155526, 16741, 136624, 113539, 115866, 142633, 187938,
        31535, 101294,
    ];

    #[test]
    fn invalid_feature_settings_are_refused() {
        assert_eq!(WORDS.find_fault(), None);
        for (record, key) in [
            (FeatureRecord { buckets: 1000, ..WORDS }, "linear.buckets"),
            (FeatureRecord { buckets: 0, ..WORDS }, "linear.buckets"),
            (FeatureRecord { words: 0, ..WORDS }, "linear.words"),
            (FeatureRecord { characters: Some([4, 3]), ..WORDS }, "linear.characters"),
            (FeatureRecord { characters: Some([0, 3]), ..WORDS }, "linear.characters"),
        ] {
            assert_eq!(record.find_fault().map(|(key, _)| key), Some(key));
        }
    }
}
