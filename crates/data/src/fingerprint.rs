//! A short name for what an article says: two articles share it if their words are the same, whatever the white space
//! between them and the case of their letters.

use std::fmt;

use crate::article::Article;
use crate::hash::StableHash;

/// A hash of 64 bits of an article's normalised text: its words in lower case, with one space between them, those of
/// the title first. It is the same on every machine and in every version. Among five million different texts the
/// probability that any two share one is below one in a million.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextHash(u64);

impl TextHash {
    /// The hash of what a model reads of the article, whatever is asked about in it.
    pub fn of(article: &Article) -> TextHash {
        let title = article.title.as_deref().unwrap_or_default();
        let mut hash = StableHash::new();
        for (at, word) in title.split_whitespace().chain(article.text.split_whitespace()).enumerate() {
            if at > 0 {
                hash = hash.with(b" ");
            }
            hash = with_lower_case(hash, word);
        }
        TextHash(mix(hash.value()))
    }

    /// A hash of each word of the article, in order and whatever the case of its letters.
    pub fn words(article: &Article) -> impl Iterator<Item = u64> {
        let title = article.title.as_deref().unwrap_or_default();
        let words = title.split_whitespace().chain(article.text.split_whitespace());
        words.map(|word| mix(with_lower_case(StableHash::new(), word).value()))
    }

    /// The hash of the article and of what is asked about in it: the same text may be asked about twice.
    pub fn of_question(article: &Article) -> TextHash {
        match &article.mention {
            None => TextHash::of(article),
            Some(mention) => TextHash(mix(
                TextHash::of(article).0 ^ StableHash::new().with(format!("{mention:?}").as_bytes()).value()
            )),
        }
    }

    /// Where the text stands in the order that this seed gives to all texts.
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

/// Lets every bit of a number depend on every other one: FNV leaves what a text's end changes in the low bits. (The
/// last step of splitmix64, by Sebastiano Vigna.)
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
        TextHash::of(&Article { title: title.map(str::to_owned), text: text.to_owned(), mention: None })
    }

    #[test]
    fn white_space_and_case_do_not_count() {
        let plain = hash(None, "Rovers lift the Cup");
        assert_eq!(hash(None, "  rovers\u{a0}lift\r\n\tTHE cup "), plain);
        assert_eq!(hash(Some("Rovers lift"), "the cup"), plain);
        assert_eq!(hash(None, "ÉCOLE"), hash(None, "école"));
        assert_ne!(hash(None, "Rovers lift the Cup."), plain);
        assert_ne!(hash(None, "Rovers liftthe Cup"), plain);
    }

    #[test]
    fn the_numbers_never_change() {
        // Splits that users made depend on them.
        assert_eq!(format!("{:?}", hash(None, "Rovers lift the Cup")), "d1a97921b0bf9aee");
        assert_eq!(hash(None, "Rovers lift the Cup").order(1), 0x5b9c_ec46_5a7f_e5bd);
    }

    proptest! {
        #[test]
        fn words_alone_count(words in prop::collection::vec("[a-zäöü.,!]{1,8}", 1..20), gap in "[ \t\n]{1,3}") {
            let text = words.join(&gap);
            prop_assert_eq!(hash(None, &text), hash(None, &words.join(" ")));
            prop_assert_eq!(hash(None, &text), hash(Some(&words[0]), &words[1..].join(" ")));
            prop_assert_ne!(hash(None, &text), hash(None, &format!("{text} more")));
        }
    }
}
