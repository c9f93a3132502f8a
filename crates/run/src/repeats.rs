//! Articles that come again: the same ones, and nearly the same ones.
//!
//! A corpus may be larger than memory, so only the last articles are known: two generations of them, of which the older one goes when
//! the newer one is full.

use newsdesk_data::{Article, TextHash, mix};
use std::collections::{HashMap, HashSet};

/// Different texts of a generation; each takes about 16 bytes.
const TEXTS: usize = 2_000_000;
/// Groups of a generation; each takes about 240 bytes.
const GROUPS: usize = 250_000;

/// Texts that were met.
#[derive(Default)]
pub(crate) struct Repeats {
    older: HashSet<TextHash>,
    newer: HashSet<TextHash>,
}

impl Repeats {
    /// Whether an article with these words was met before. White space and the case of letters do not count.
    pub fn meet(&mut self, article: &Article) -> bool {
        let hash = TextHash::of_question(article);
        if self.older.contains(&hash) || !self.newer.insert(hash) {
            return true;
        }
        if self.newer.len() >= TEXTS {
            self.older = std::mem::take(&mut self.newer);
        }
        false
    }
}

/// Words that are taken together: sentences that share them were copied.
const SHINGLE: usize = 4;
/// Numbers of a signature. Two articles have as many of them in common as they have shingles in common, as a share.
const NUMBERS: usize = 64;
/// Bands of a signature, one of which must be the same for two articles to be compared: with eight numbers each, that finds 77 of
/// 100 pairs that share 0.8 of their shingles, and 99 of 100 that share 0.9.
const BANDS: usize = 8;
/// The share of common numbers from which on articles are near repeats.
const LEAST: f64 = 0.8;

/// A signature that is kept: a byte of each number is enough to compare them.
type Signature = [u8; NUMBERS];

/// Groups of articles that are nearly the same, each known by its first one (MinHash with locality-sensitive hashing, after Broder, 1997).
pub(crate) struct NearRepeats {
    factors: [u64; NUMBERS],
    older: Groups,
    newer: Groups,
}

#[derive(Default)]
struct Groups {
    /// Which group has this band.
    bands: HashMap<u64, u32>,
    /// The number of each group's first article, and its signature.
    firsts: Vec<(u64, Signature)>,
}

impl NearRepeats {
    pub fn new() -> NearRepeats {
        // Odd ones, so that no two shingles become one.
        let factors = std::array::from_fn(|at| mix(at as u64) | 1);
        NearRepeats { factors, older: Groups::default(), newer: Groups::default() }
    }

    /// The number of the first article of which this one is a near repeat: its own if it is the first.
    pub fn meet(&mut self, article: &Article, number: u64) -> u64 {
        let smallest = self.smallest(article);
        let signature = smallest.map(|number| mix(number) as u8);
        // Of all numbers first: whoever has the same ones is the nearest.
        let bands: [u64; BANDS + 1] = std::array::from_fn(|band| {
            let numbers = match band.checked_sub(1) {
                None => &smallest[..],
                Some(band) => &smallest[band * (NUMBERS / BANDS)..][..NUMBERS / BANDS],
            };
            numbers.iter().fold(mix(band as u64), |hash, number| mix(hash ^ number))
        });
        let found = [&self.newer, &self.older].into_iter().find_map(|groups| groups.find(&bands, &signature));
        found.unwrap_or_else(|| {
            self.newer.add(&bands, signature, number);
            if self.newer.firsts.len() >= GROUPS {
                self.older = std::mem::take(&mut self.newer);
            }
            number
        })
    }

    /// For each factor the smallest product with a shingle.
    fn smallest(&self, article: &Article) -> [u64; NUMBERS] {
        let words: Vec<u64> = TextHash::words(article).collect();
        let mut smallest = [u64::MAX; NUMBERS];
        for shingle in words.windows(SHINGLE.min(words.len().max(1))) {
            let shingle = shingle.iter().fold(0, |hash, word| mix(hash ^ word));
            for (smallest, factor) in smallest.iter_mut().zip(&self.factors) {
                *smallest = (*smallest).min(shingle.wrapping_mul(*factor));
            }
        }
        smallest
    }
}

impl Groups {
    fn find(&self, bands: &[u64], signature: &Signature) -> Option<u64> {
        let candidates = bands.iter().filter_map(|band| self.bands.get(band));
        let mut firsts = candidates.map(|group| &self.firsts[*group as usize]);
        let is_near = |other: &Signature| {
            let same = signature.iter().zip(other).filter(|(one, other)| one == other).count();
            same as f64 >= LEAST * NUMBERS as f64
        };
        firsts.find(|(_, first)| is_near(first)).map(|(number, _)| *number)
    }

    fn add(&mut self, bands: &[u64], signature: Signature, number: u64) {
        let group = self.firsts.len() as u32;
        self.firsts.push((number, signature));
        for band in bands {
            self.bands.entry(*band).or_insert(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(text: &str) -> Article {
        Article { title: None, text: text.into(), mention: None }
    }

    #[test]
    fn the_same_words_are_a_repeat() {
        let mut repeats = Repeats::default();
        let mut meet = |text| repeats.meet(&article(text));
        assert!(!meet("Rovers lift the cup"));
        assert!(!meet("Rovers lift a cup"));
        assert!(meet(" ROVERS lift\nthe cup"));
    }

    #[test]
    fn nearly_the_same_words_are_one_group() {
        let words: Vec<String> = (0..300).map(|number| format!("word{}", mix(number) % 5000)).collect();
        let with = |changes: &[usize]| {
            let changed = words.iter().enumerate().map(|(at, word)| match changes.contains(&at) {
                true => "other".to_owned(),
                false => word.clone(),
            });
            article(&changed.collect::<Vec<_>>().join(" "))
        };
        let mut near = NearRepeats::new();
        assert_eq!(near.meet(&with(&[]), 1), 1);
        assert_eq!(near.meet(&article("An article about something else than the first one."), 2), 2);
        // A changed word changes four shingles.
        assert_eq!(near.meet(&with(&[7]), 3), 1);
        assert_eq!(near.meet(&with(&[7, 120, 250]), 4), 1);
        assert_eq!(near.meet(&with(&(0..300).step_by(3).collect::<Vec<_>>()), 5), 5);
        for (number, text) in [(6, "Goal!"), (7, "Oil"), (8, "")] {
            assert_eq!(near.meet(&article(text), number), number);
        }
        assert_eq!(near.meet(&article("goal!"), 9), 6);
    }
}
