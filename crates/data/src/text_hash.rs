//! Hashes that identify the text of an article, regardless of white space and letter case.

use std::fmt;

use crate::hash::StableHash;
use crate::row::{Article, TargetEntity};

/// The number of characters, without white space, from which a text without its title tells articles apart.
const MIN_BODY: usize = 200;

/// A 64-bit hash of an article's normalised text: the words of title and text in lower case, with one space between
/// them.
///
/// It is the same on every machine and in every version. Among five million different texts, the probability of a
/// collision is below one in a million.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextHash(u64);

impl TextHash {
    /// Returns the hash of title and text. The target entity is ignored.
    pub fn of(article: &Article) -> TextHash {
        let title = article.title.as_deref().unwrap_or_default();
        TextHash::of_words(title.split_whitespace().chain(article.text.split_whitespace()))
    }

    fn of_words<'a>(words: impl Iterator<Item = &'a str>) -> TextHash {
        let mut hash = StableHash::new();
        for (index, word) in words.enumerate() {
            if index > 0 {
                hash = hash.with(b" ");
            }
            hash = with_lower_case(hash, word);
        }
        TextHash(mix(hash.value()))
    }

    /// Returns the hash of the text alone, without its title, if it is long enough to tell articles apart. Otherwise, returns
    /// the hash of title and text. The target entity is ignored.
    pub fn of_body(article: &Article) -> TextHash {
        let letters = article.text.split_whitespace().flat_map(str::chars);
        match article.title.is_some() && letters.take(MIN_BODY).count() == MIN_BODY {
            true => TextHash::of_words(article.text.split_whitespace()),
            false => TextHash::of(article),
        }
    }

    /// Returns a hash of each word of the article, in order. Letter case is ignored.
    pub fn words(article: &Article) -> impl Iterator<Item = u64> {
        let title = article.title.as_deref().unwrap_or_default();
        let words = title.split_whitespace().chain(article.text.split_whitespace());
        words.map(|word| mix(with_lower_case(StableHash::new(), word).value()))
    }

    /// Returns the hash of title, text and target entity. A text may occur with several target entities.
    pub fn with_target(article: &Article) -> TextHash {
        TextHash::of(article).and_target(article)
    }

    /// Returns the hash of [`TextHash::of_body`] and the target entity.
    pub fn of_body_with_target(article: &Article) -> TextHash {
        TextHash::of_body(article).and_target(article)
    }

    /// Returns the hash as a number.
    pub fn value(self) -> u64 {
        self.0
    }

    fn and_target(self, article: &Article) -> TextHash {
        // The spelling is part of the hash, so it must not change between versions.
        let target = match &article.target_entity {
            None => return self,
            Some(TargetEntity::Text(range)) => format!("Text({range:?})"),
            Some(TargetEntity::Title(range)) => format!("Title({range:?})"),
            Some(TargetEntity::Prefix(name)) => format!("Before({name:?})"),
        };
        TextHash(mix(self.0 ^ StableHash::new().with(target.as_bytes()).value()))
    }

    /// Returns the sort key of the text in the random order of all texts that `seed` defines.
    pub fn order(self, seed: u64) -> u64 {
        mix(self.0 ^ mix(seed))
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

fn with_lower_case(hash: StableHash, word: &str) -> StableHash {
    word.chars().fold(hash, |hash, letter| match letter.is_ascii() {
        true => hash.with(&[letter.to_ascii_lowercase() as u8]),
        false => letter.to_lowercase().fold(hash, |hash, lower| hash.with(lower.encode_utf8(&mut [0; 4]).as_bytes())),
    })
}

/// Mixes the bits of a number, so that each bit of the result depends on all bits of the input.
///
/// FNV needs this, because the last bytes of a text only change the low bits of its hash. The function is the last step
/// of splitmix64 by Sebastiano Vigna.
pub fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash(title: Option<&str>, text: &str) -> TextHash {
        TextHash::of(&Article { title: title.map(str::to_owned), text: text.to_owned(), target_entity: None })
    }

    #[test]
    fn hash_ignores_white_space_and_case() {
        let plain = hash(None, "Rovers lift the Cup");
        assert_eq!(hash(None, "  rovers\u{a0}lift\r\n\tTHE cup "), plain);
        assert_eq!(hash(Some("Rovers lift"), "the cup"), plain);
        assert_eq!(hash(None, "ÉCOLE"), hash(None, "école"));
        assert_ne!(hash(None, "Rovers lift the Cup."), plain);
        assert_ne!(hash(None, "Rovers liftthe Cup"), plain);
    }

    #[test]
    fn hash_values_are_fixed() {
        // Users' splits depend on them.
        assert_eq!(format!("{:?}", hash(None, "Rovers lift the Cup")), "d1a97921b0bf9aee");
        assert_eq!(hash(None, "Rovers lift the Cup").order(1), 0x5b9c_ec46_5a7f_e5bd);
    }

    #[test]
    fn long_texts_are_equal_under_any_title() {
        let article = |title: Option<&str>, text: &str| Article {
            title: title.map(str::to_owned),
            text: text.to_owned(),
            target_entity: None,
        };
        let body = |title, text: &str| TextHash::of_body(&article(title, text));
        let long = "word ".repeat(50);
        assert_eq!(body(Some("one"), &long), body(Some("two"), &long.to_uppercase()));
        assert_eq!(body(Some("one"), &long), body(None, &long));
        let short = "word ".repeat(49);
        assert_ne!(body(Some("one"), &short), body(Some("two"), &short));
        assert_eq!(body(Some("one"), &short), hash(Some("one"), &short));
    }

    proptest! {
        #[test]
        fn hash_depends_only_on_words(words in prop::collection::vec("[a-zäöü.,!]{1,8}", 1..20), gap in "[ \t\n]{1,3}") {
            let text = words.join(&gap);
            prop_assert_eq!(hash(None, &text), hash(None, &words.join(" ")));
            prop_assert_eq!(hash(None, &text), hash(Some(&words[0]), &words[1..].join(" ")));
            prop_assert_ne!(hash(None, &text), hash(None, &format!("{text} more")));
        }
    }
}
