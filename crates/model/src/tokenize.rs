//! Text to token ids, without truncation or padding.
//!
//! Only this file uses the `tokenizers` crate. The truncation of that crate drops the rest of a text, so texts are
//! encoded completely, unless only the beginning is needed, and cut by [`crate::window`].

use crate::error::{ModelError, Result};
use std::path::Path;

/// Id of a token in the model's vocabulary.
pub type TokenId = u32;

/// A tokenizer, and the special tokens around a window.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    json: Vec<u8>,
    /// Special tokens before and after the tokens of a window.
    before: Vec<TokenId>,
    after: Vec<TokenId>,
}

impl Tokenizer {
    /// Opens a `tokenizer.json`.
    ///
    /// # Errors
    /// If the file cannot be read or is not a tokenizer.
    pub fn open(path: &Path) -> Result<Self> {
        let json = std::fs::read(path).map_err(|source| ModelError::Read { path: path.into(), source })?;
        Self::from_bytes(json, &path.display().to_string())
    }

    /// Parses the contents of a `tokenizer.json`; `origin` names it in errors.
    ///
    /// # Errors
    /// If the contents are not a tokenizer.
    pub fn from_bytes(json: Vec<u8>, origin: &str) -> Result<Self> {
        let fail = |cause: String| ModelError::Tokenizer { file: origin.to_string(), cause };
        let mut inner = tokenizers::Tokenizer::from_bytes(&json).map_err(|e| fail(e.to_string()))?;
        inner.with_truncation(None).map_err(|e| fail(e.to_string()))?;
        inner.with_padding(None);
        // The template puts the same tokens around any text. This text certainly has a token.
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

    /// Returns the token ids of a text without special tokens.
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

    /// Returns the first `count` token ids of a text, or all if there are fewer, without encoding much more of the
    /// text.
    ///
    /// # Errors
    /// If the tokenizer's model fails on the text.
    pub fn encode_beginning(&self, text: &str, count: usize) -> Result<Vec<TokenId>> {
        // A word has at least one token, unless the tokenizer drops all of its characters.
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

    /// Returns a window as the model reads it: `tokens` with the special tokens around them.
    pub fn with_special_tokens(&self, tokens: &[TokenId]) -> Vec<TokenId> {
        [&self.before, tokens, &self.after].concat()
    }

    /// Returns the number of special tokens that [`Tokenizer::with_special_tokens`] adds.
    pub fn special_tokens(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Returns the largest id that a window can contain: of the vocabulary, added tokens and special tokens.
    pub fn max_id(&self) -> TokenId {
        let vocabulary = self.inner.get_vocab(false).into_values();
        let added = self.inner.get_added_vocabulary().get_vocab().values().copied();
        // The template has ids of its own, which need not be in the vocabulary.
        let special = self.before.iter().chain(&self.after).copied();
        vocabulary.chain(added).chain(special).max().unwrap_or(0)
    }

    /// Returns the `tokenizer.json` that this tokenizer was read from.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

/// Returns the byte offset of the end of word number `count` (from 1). Returns `None` if no white space follows that
/// word.
fn word_end(text: &str, count: usize) -> Option<usize> {
    let mut words = 0;
    let mut in_word = false;
    for (offset, character) in text.char_indices() {
        let space = character.is_whitespace();
        if in_word && space {
            words += 1;
            if words == count {
                return Some(offset);
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
    fn a_word_ends_only_if_white_space_follows() {
        assert_eq!(word_end("  a bc\n d", 1), Some(3));
        assert_eq!(word_end("  a bc\n d", 2), Some(6));
        assert_eq!(word_end("  a bc\n d", 3), None);
        assert_eq!(word_end("", 1), None);
    }

    #[test]
    fn the_beginning_of_a_text_has_the_first_tokens_of_the_whole_text() -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
        let tokenizer = Tokenizer::open(&folder.join("tokenizer.json"))?;
        // The tokenizer drops some characters, so words made of them have no tokens.
        let text = "\u{200d} \u{200d} The council voted, unexpectedly, to repair the bridge; rain closed the road.";
        let whole = tokenizer.encode(text)?;
        for count in 0..whole.len() + 3 {
            assert_eq!(tokenizer.encode_beginning(text, count)?, whole[..count.min(whole.len())]);
        }
        Ok(())
    }
}
