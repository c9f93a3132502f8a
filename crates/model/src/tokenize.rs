//! Text to token ids, whole: nothing is truncated and nothing padded here.
//!
//! The only file that knows the `tokenizers` crate. Its own truncation stops reading at the limit and loses the
//! rest, so texts are always encoded whole and cut by [`crate::window`].

use crate::error::{ModelError, Result};
use std::path::Path;

/// Id of a token in the model's vocabulary.
pub type TokenId = u32;

/// A tokenizer with the special tokens that the model wants around a window.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    json: Vec<u8>,
    before: Vec<TokenId>,
    after: Vec<TokenId>,
}

impl Tokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// If the file cannot be read or is not a tokenizer.
    pub fn open(path: &Path) -> Result<Self> {
        let json = std::fs::read(path).map_err(|source| ModelError::Read { path: path.into(), source })?;
        Self::from_bytes(json, &path.display().to_string())
    }

    /// The contents of a `tokenizer.json`; `origin` names it in errors.
    ///
    /// # Errors
    /// If it is not a tokenizer.
    pub fn from_bytes(json: Vec<u8>, origin: &str) -> Result<Self> {
        let fail = |cause: String| ModelError::Tokenizer { file: origin.to_string(), cause };
        let mut inner = tokenizers::Tokenizer::from_bytes(&json).map_err(|e| fail(e.to_string()))?;
        inner.with_truncation(None).map_err(|e| fail(e.to_string()))?;
        inner.with_padding(None);
        // What the template puts around a text shows on any text: here, one that certainly gives a token.
        let ids = |special| inner.encode_fast("a", special).map(|e| e.get_ids().to_vec());
        let plain = ids(false).map_err(|e| fail(e.to_string()))?;
        let framed = ids(true).map_err(|e| fail(e.to_string()))?;
        let start = framed
            .windows(plain.len().max(1))
            .position(|w| w == plain)
            .ok_or_else(|| fail("its template changes the tokens of the text".into()))?;
        let (before, rest) = framed.split_at(start);
        let after = rest[plain.len()..].to_vec();
        Ok(Self { before: before.to_vec(), after, inner, json })
    }

    /// Token ids of a text, without special tokens.
    ///
    /// # Errors
    /// If the tokenizer's model fails on the text.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|e| ModelError::Tokenizer { file: "tokenizer.json".into(), cause: e.to_string() })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The first `count` token ids of a text, or all if it has fewer, without reading much more of it than that.
    ///
    /// # Errors
    /// If the tokenizer's model fails on the text.
    pub fn encode_beginning(&self, text: &str, count: usize) -> Result<Vec<TokenId>> {
        // A word gives at least one token, unless it is made of characters that the tokenizer drops.
        let mut tokens = match word_end(text, count) {
            Some(end) => self.encode(&text[..end])?,
            None => vec![],
        };
        if tokens.len() < count {
            tokens = self.encode(text)?;
        }
        tokens.truncate(count);
        Ok(tokens)
    }

    /// A window as the model reads it: the special tokens put around `tokens`.
    pub fn frame(&self, tokens: &[TokenId]) -> Vec<TokenId> {
        [&self.before, tokens, &self.after].concat()
    }

    /// How many special tokens [`Tokenizer::frame`] adds.
    pub fn frame_length(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Number of ids, special tokens included.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The `tokenizer.json` it was read from.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

/// Where the word number `count` (from 1) of a text ends, if there is more text behind it.
fn word_end(text: &str, count: usize) -> Option<usize> {
    let mut words = 0;
    let mut in_word = false;
    for (place, letter) in text.char_indices() {
        let space = letter.is_whitespace();
        if in_word && space {
            words += 1;
            if words == count {
                return Some(place);
            }
        }
        in_word = !space;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_a_space_follows() {
        assert_eq!(word_end("  a bc\n d", 1), Some(3));
        assert_eq!(word_end("  a bc\n d", 2), Some(6));
        assert_eq!(word_end("  a bc\n d", 3), None);
        assert_eq!(word_end("", 1), None);
    }

    #[test]
    fn the_beginning_is_the_beginning_of_the_whole() -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
        let tokenizer = Tokenizer::open(&folder.join("tokenizer.json"))?;
        // Characters that the tokenizer drops make words without tokens.
        let text = "\u{200d} \u{200d} The council voted, unexpectedly, to repair the bridge; rain closed the road.";
        let whole = tokenizer.encode(text)?;
        for count in 0..whole.len() + 3 {
            assert_eq!(tokenizer.encode_beginning(text, count)?, whole[..count.min(whole.len())]);
        }
        Ok(())
    }
}
