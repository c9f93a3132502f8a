//! Text to token ids, without truncation or padding.
//!
//! Only this file uses the `tokenizers` crate. The truncation of that crate drops the rest of a text, so texts are
//! encoded completely, unless only the beginning is needed, and cut by [`crate::window`].

use crate::error::{ModelError, Result};
use crate::folder::MAX_TOKENIZER;
use newsdesk_files::panics::caught;
use serde_json::Value;
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
        let json = newsdesk_files::read::regular(path, MAX_TOKENIZER)
            .map_err(|source| ModelError::Read { path: path.into(), source })?;
        Self::from_bytes(json, &path.display().to_string())
    }

    /// Parses the contents of a `tokenizer.json`; `origin` names it in errors.
    ///
    /// # Errors
    /// If the contents are not a tokenizer.
    pub fn from_bytes(json: Vec<u8>, origin: &str) -> Result<Self> {
        let fail = |cause: String| ModelError::Tokenizer { file: origin.to_string(), cause };
        check_charsmap(&json).map_err(fail)?;
        let parsed = caught(|| tokenizers::Tokenizer::from_bytes(&json)).map_err(fail)?;
        let mut inner = parsed.map_err(|e| fail(e.to_string()))?;
        check_growth(&inner).map_err(fail)?;
        inner.with_truncation(None).map_err(|e| fail(e.to_string()))?;
        inner.with_padding(None);
        // A vocabulary without a token for unknown words fails here rather than in the middle of a corpus.
        encoded(&inner, UNKNOWN, false).map_err(fail)?;
        // The template puts the same tokens around any text. This text certainly has a token.
        let plain = encoded(&inner, "a", false).map_err(fail)?;
        let framed = encoded(&inner, "a", true).map_err(fail)?;
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
        encoded(&self.inner, text, false)
            .map_err(|cause| ModelError::Tokenizer { file: "tokenizer.json".into(), cause })
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

/// A text whose only character is in no vocabulary, because Unicode will never define it.
const UNKNOWN: &str = "\u{10fffe}";

/// Returns the token ids of a text, with the special tokens around them or without.
///
/// # Errors
/// The message of the tokenizer, if it fails or panics.
fn encoded(inner: &tokenizers::Tokenizer, text: &str, special: bool) -> Result<Vec<TokenId>, String> {
    let encoding = caught(|| inner.encode_fast(text, special))?;
    Ok(encoding.map_err(|e| e.to_string())?.get_ids().to_vec())
}

/// Checks the `precompiled_charsmap` of a tokenizer, which begins with the length of a table. The tokenizers crate allocates the table
/// before it looks whether there is one.
///
/// # Errors
/// The cause.
fn check_charsmap(json: &[u8]) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Parts {
        #[serde(default)]
        normalizer: Value,
    }
    const TYPE: &[u8] = b"Precompiled";
    // Most tokenizers have none, and need not be parsed twice.
    if !json.windows(TYPE.len()).any(|window| window == TYPE) {
        return Ok(());
    }
    let parts: Parts = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    match find_charsmaps(&parts.normalizer).into_iter().find_map(excess) {
        None => Ok(()),
        Some(length) => Err(format!("its `precompiled_charsmap` claims to hold {length} bytes, more than it has")),
    }
}

fn find_charsmaps(normalizer: &Value) -> Vec<&str> {
    let own = normalizer.get("precompiled_charsmap").and_then(Value::as_str);
    let steps = normalizer.get("normalizers").and_then(Value::as_array).into_iter().flatten();
    own.into_iter().chain(steps.flat_map(find_charsmaps)).collect()
}

/// Returns the length in bytes that the table in a charsmap in base64 claims to have, if the charsmap is shorter.
fn excess(base64: &str) -> Option<u64> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    // Six digits hold 36 bits, of which the first 32 are the length as four bytes in little-endian order.
    let bits = base64.bytes().take(6).try_fold(0u64, |bits, byte| Some(bits << 6 | u64::from(digit(byte)?)))?;
    let length = u64::from(((bits >> 4) as u32).swap_bytes());
    (base64.len() >= 6 && length > base64.len() as u64 / 4 * 3).then_some(length)
}

/// The largest factor by which normalizer and pre-tokenizer may lengthen a text.
const MAX_GROWTH: usize = 4096;

/// Checks that a tokenizer does not make much more text of a text. Each step may replace every character of what the step before
/// has made, so a few dozen steps could fill any memory.
///
/// # Errors
/// The cause.
fn check_growth(inner: &tokenizers::Tokenizer) -> Result<(), String> {
    let steps = [serde_json::to_value(inner.get_normalizer()), serde_json::to_value(inner.get_pre_tokenizer())];
    let mut factor = 1usize;
    for step in steps {
        factor = factor.saturating_mul(growth(&step.map_err(|e| e.to_string())?));
    }
    match factor {
        ..=MAX_GROWTH => Ok(()),
        _ => Err(format!("its normalizer makes texts up to {factor} times as long, more than {MAX_GROWTH}")),
    }
}

/// Returns a bound of the factor by which a step lengthens a text.
fn growth(step: &Value) -> usize {
    let length = |key: &str| step.get(key).and_then(Value::as_str).map_or(0, str::len);
    let own = match step.get("type").and_then(Value::as_str) {
        Some("Replace") => match step["pattern"].get("String").and_then(Value::as_str) {
            Some(pattern) if !pattern.is_empty() => length("content").div_ceil(pattern.len()).max(1),
            // A pattern may match between any two characters.
            _ => length("content") + 1,
        },
        Some("Prepend") => length("prepend") + 1,
        // A byte that is not ASCII becomes two.
        Some("ByteLevel") => 2,
        _ => 1,
    };
    let inner = ["normalizers", "pretokenizers"].into_iter().filter_map(|key| step.get(key)?.as_array()).flatten();
    inner.map(growth).fold(own, usize::saturating_mul)
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
    use serde_json::json;

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

    #[test]
    fn a_charsmap_cannot_claim_more_bytes_than_it_has() {
        // A length of 4, and a table of 4 bytes.
        assert_eq!(excess("BAAAAAAAAAA="), None);
        assert_eq!(excess("/////w=="), Some(u64::from(u32::MAX)));
        assert_eq!(excess("AAAAAf8="), Some(1 << 24));
        assert_eq!((excess("!"), excess("")), (None, None));
    }

    #[test]
    fn growth_is_the_product_of_all_steps() {
        let replace =
            |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
        let double = replace(json!({"String": "a"}), "aa");
        let sequence = |count: usize| json!({"type": "Sequence", "normalizers": vec![double.clone(); count]});
        assert_eq!((growth(&double), growth(&sequence(12)), growth(&sequence(100))), (2, 4096, usize::MAX));
        assert_eq!(growth(&replace(json!({"String": "``"}), "\"")), 1);
        assert_eq!(growth(&replace(json!({"Regex": " {2,}"}), " ")), 2);
        assert_eq!(growth(&json!({"type": "BertNormalizer"})), 1);
        let twice = json!({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "ByteLevel"}]});
        assert_eq!(growth(&twice), 4);
    }
}
