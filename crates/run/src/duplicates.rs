//! Finds articles that duplicate an earlier one, exactly or nearly.
//!
//! A corpus may be larger than memory, so only recent articles are known. They are kept in two generations: when the newer one is
//! full, it replaces the older one.

use newsdesk_data::{Article, TextHash, mix};
use std::collections::{HashMap, HashSet};

/// The maximum number of different texts in a generation. Each takes about 16 bytes.
const MAX_TEXTS: usize = 2_000_000;
/// The maximum number of groups in a generation. Each takes about 240 bytes.
const MAX_GROUPS: usize = 250_000;

/// The texts seen so far.
#[derive(Default)]
pub(crate) struct Duplicates {
    older: HashSet<TextHash>,
    newer: HashSet<TextHash>,
}

impl Duplicates {
    /// Adds an article, and returns whether an earlier one has the same words. White space and case are ignored.
    pub fn add(&mut self, article: &Article) -> bool {
        let hash = TextHash::with_target(article);
        if self.older.contains(&hash) || !self.newer.insert(hash) {
            return true;
        }
        if self.newer.len() >= MAX_TEXTS {
            self.older = std::mem::take(&mut self.newer);
        }
        false
    }
}

/// The number of consecutive words in a shingle. Articles that share shingles probably share copied sentences.
const SHINGLE_WORDS: usize = 4;
/// The number of MinHash values in a signature. The share of equal values estimates the Jaccard similarity of two articles' shingles.
const HASHES: usize = 64;
/// The number of bands of a signature. Two articles are candidates, and compared, if one band is equal. With eight values in each
/// band, 77 of 100 pairs with similarity 0.8 become candidates, and 99 of 100 pairs with similarity 0.9. [`MIN_SIMILARITY`] then
/// drops the candidates whose estimated similarity is lower.
const BANDS: usize = 8;
/// The minimum estimated Jaccard similarity (share of equal values) of near duplicates.
const MIN_SIMILARITY: f64 = 0.8;

/// A stored signature. One byte of each value is enough to compare two signatures.
type Signature = [u8; HASHES];

/// Groups of near duplicates, each represented by its first article: MinHash with locality-sensitive hashing (Broder, 1997).
pub(crate) struct NearDuplicates {
    factors: [u64; HASHES],
    older: Groups,
    newer: Groups,
}

#[derive(Default)]
struct Groups {
    /// The group of each band.
    bands: HashMap<u64, u32>,
    /// The number and the signature of each group's first article.
    firsts: Vec<(u64, Signature)>,
}

impl NearDuplicates {
    pub fn new() -> NearDuplicates {
        // Odd factors map different shingles to different values.
        let factors = std::array::from_fn(|index| mix(index as u64) | 1);
        NearDuplicates { factors, older: Groups::default(), newer: Groups::default() }
    }

    /// Adds an article, and returns the number of the first article of its group. That is its own `number` if it is the first.
    pub fn add(&mut self, article: &Article, number: u64) -> u64 {
        let hashes = self.min_hashes(article);
        let signature = hashes.map(|hash| mix(hash) as u8);
        // The first band covers all values, so that a group with the same signature is found before others.
        let bands: [u64; BANDS + 1] = std::array::from_fn(|band| {
            let values = match band.checked_sub(1) {
                None => &hashes[..],
                Some(band) => &hashes[band * (HASHES / BANDS)..][..HASHES / BANDS],
            };
            values.iter().fold(mix(band as u64), |hash, value| mix(hash ^ value))
        });
        let found = [&self.newer, &self.older].into_iter().find_map(|groups| groups.find(&bands, &signature));
        found.unwrap_or_else(|| {
            self.newer.add(&bands, signature, number);
            if self.newer.firsts.len() >= MAX_GROUPS {
                self.older = std::mem::take(&mut self.newer);
            }
            number
        })
    }

    /// Returns the smallest product of each factor with a shingle.
    fn min_hashes(&self, article: &Article) -> [u64; HASHES] {
        let words: Vec<u64> = TextHash::words(article).collect();
        let mut hashes = [u64::MAX; HASHES];
        for shingle in words.windows(SHINGLE_WORDS.min(words.len().max(1))) {
            let shingle = shingle.iter().fold(0, |hash, word| mix(hash ^ word));
            for (hash, factor) in hashes.iter_mut().zip(&self.factors) {
                *hash = (*hash).min(shingle.wrapping_mul(*factor));
            }
        }
        hashes
    }
}

impl Groups {
    fn find(&self, bands: &[u64], signature: &Signature) -> Option<u64> {
        let candidates = bands.iter().filter_map(|band| self.bands.get(band));
        let mut firsts = candidates.map(|group| &self.firsts[*group as usize]);
        let is_near = |other: &Signature| {
            let equal = signature.iter().zip(other).filter(|(one, other)| one == other).count();
            equal as f64 >= MIN_SIMILARITY * HASHES as f64
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
        Article { title: None, text: text.into(), target_entity: None }
    }

    #[test]
    fn articles_with_the_same_words_are_duplicates() {
        let mut duplicates = Duplicates::default();
        let mut add = |text| duplicates.add(&article(text));
        assert!(!add("Rovers lift the cup"));
        assert!(!add("Rovers lift a cup"));
        assert!(add(" ROVERS lift\nthe cup"));
    }

    #[test]
    fn articles_with_nearly_the_same_words_are_one_group() {
        let words: Vec<String> = (0..300).map(|number| format!("word{}", mix(number) % 5000)).collect();
        let with_changes = |changes: &[usize]| {
            let changed = words.iter().enumerate().map(|(index, word)| match changes.contains(&index) {
                true => "other".to_owned(),
                false => word.clone(),
            });
            article(&changed.collect::<Vec<_>>().join(" "))
        };
        let mut near = NearDuplicates::new();
        assert_eq!(near.add(&with_changes(&[]), 1), 1);
        assert_eq!(near.add(&article("An article about something else than the first one."), 2), 2);
        // A changed word changes four shingles.
        assert_eq!(near.add(&with_changes(&[7]), 3), 1);
        assert_eq!(near.add(&with_changes(&[7, 120, 250]), 4), 1);
        assert_eq!(near.add(&with_changes(&(0..300).step_by(3).collect::<Vec<_>>()), 5), 5);
        for (number, text) in [(6, "Goal!"), (7, "Oil"), (8, "")] {
            assert_eq!(near.add(&article(text), number), number);
        }
        assert_eq!(near.add(&article("goal!"), 9), 6);
    }
}
