//! Text to token ids, without truncation or padding.
//!
//! Only this module uses the `tokenizers` crate. The truncation of that crate drops the rest of a text, so texts are
//! encoded completely, unless only the beginning is needed, and cut by [`crate::window`].
//!
//! A checkpoint holds a `tokenizer.json`, or older files from which `build` makes one. The modules below are in the
//! order in which `build` uses them. `charsmap` and `growth` check files that could fill the memory, and `frame` finds the
//! special tokens around a text.

mod files;
mod settings;
mod recipe;
mod vocabulary;
mod word_piece;
mod byte_level;
mod protobuf;
mod sentence_piece;
mod unigram;
mod parts;
mod build;
mod charsmap;
mod growth;
mod frame;

pub use files::TokenizerFiles;
pub(crate) use files::{CONFIG as TOKENIZER_CONFIG, TOKENIZER};
pub use frame::Frame;

use crate::error::{ModelError, Result};
use crate::folder::MAX_TOKENIZER;
use newsdesk_files::panics::caught;
use settings::Settings;
use std::path::Path;

/// Id of a token in the model's vocabulary.
pub type TokenId = u32;

/// A tokenizer, and the special tokens around a window.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    json: Vec<u8>,
    single: Frame,
    max_length: Option<usize>,
    warnings: Vec<String>,
    /// The file that it was read or built from.
    file: &'static str,
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
        charsmap::check(&json).map_err(fail)?;
        let parsed = caught(|| tokenizers::Tokenizer::from_bytes(&json)).map_err(fail)?;
        let mut inner = parsed.map_err(|e| fail(e.to_string()))?;
        growth::check(&inner).map_err(fail)?;
        inner.with_truncation(None).map_err(|e| fail(e.to_string()))?;
        inner.with_padding(None);
        // A vocabulary without a token for unknown words fails here rather than in the middle of a corpus.
        encoded(&inner, UNKNOWN).map_err(fail)?;
        let single = frame(&inner, None).map_err(fail)?;
        Ok(Self { inner, json, single, max_length: None, warnings: vec![], file: TOKENIZER })
    }

    /// Opens the tokenizer of a checkpoint: its `tokenizer.json`, or one that is built from its vocabulary.
    ///
    /// `model_type` is that of the encoder, such as `roberta`; `origin` is the folder, for errors.
    ///
    /// # Errors
    /// If files are missing, damaged or do not fit together.
    pub fn from_files(files: TokenizerFiles, model_type: &str, origin: &str) -> Result<Self> {
        let named = |name: &str| Path::new(origin).join(name).display().to_string();
        let fail = |failure: files::Failure| ModelError::Tokenizer { file: named(failure.file), cause: failure.cause };
        let max_length = settings::max_length(&files).map_err(fail)?;
        let (json, file, warnings) = match files.tokenizer {
            Some(json) => (json, TOKENIZER, vec![]),
            None => {
                let settings = Settings::read(&files).map_err(fail)?;
                let built = build::build(&files, &settings, model_type).map_err(fail)?;
                (built.json, built.file, built.warnings)
            }
        };
        Ok(Self { max_length, warnings, file, ..Self::from_bytes(json, &named(file))? })
    }

    /// Returns the largest number of tokens in a window, special tokens included, that the checkpoint's
    /// `tokenizer_config.json` allows. Returns `None` if it sets no limit.
    pub fn max_length(&self) -> Option<usize> {
        self.max_length
    }

    /// Returns what a user should know about a tokenizer that was built from a vocabulary, in sentences without a
    /// full stop.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the name of the file that the tokenizer was read or built from.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// Returns the token ids of a text without special tokens.
    ///
    /// # Errors
    /// If the tokenizer's model fails on the text.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
        encoded(&self.inner, text).map_err(failed_on_text)
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
        self.single.around(tokens)
    }

    /// Returns the number of special tokens that [`Tokenizer::with_special_tokens`] adds.
    pub fn special_tokens(&self) -> usize {
        self.single.tokens()
    }

    /// Returns the special tokens around a text alone.
    pub fn single_frame(&self) -> &Frame {
        &self.single
    }

    /// Returns the tokens around a text that is followed by a second text, such as the hypothesis of zero-shot
    /// classification.
    ///
    /// # Errors
    /// If the tokenizer's model fails on the text, or its template for pairs cannot be used: it leaves out a text,
    /// has the second one first, or gives the first one another segment than 0.
    pub fn pair_frame(&self, second: &str) -> Result<Frame> {
        frame(&self.inner, Some(second)).map_err(failed_on_text)
    }

    /// Returns the largest id that a window can contain: of the vocabulary, added tokens and special tokens.
    pub fn max_id(&self) -> TokenId {
        let vocabulary = self.inner.get_vocab(false).into_values();
        let added = self.inner.get_added_vocabulary().get_vocab().values().copied();
        // The template has ids of its own, which need not be in the vocabulary.
        let special = self.single.before.iter().chain(&self.single.after).copied();
        vocabulary.chain(added).chain(special).max().unwrap_or(0)
    }

    /// Returns the `tokenizer.json` that this tokenizer was read from, or that was built for it.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

/// A text whose only character is in no vocabulary, because Unicode will never define it.
const UNKNOWN: &str = "\u{10fffe}";

/// Returns the token ids of a text without special tokens.
///
/// # Errors
/// The message of the tokenizer, if it fails or panics.
fn encoded(inner: &tokenizers::Tokenizer, text: &str) -> Result<Vec<TokenId>, String> {
    let encoding = caught(|| inner.encode_fast(text, false))?;
    Ok(encoding.map_err(|e| e.to_string())?.get_ids().to_vec())
}

/// Returns the tokens that the template puts around any text, with a second text or without.
///
/// # Errors
/// The message of the tokenizer, or why the template cannot be used.
fn frame(inner: &tokenizers::Tokenizer, second: Option<&str>) -> Result<Frame, String> {
    // The tokens around this text are the same as those around any other. It certainly has a token.
    const TEXT: &str = "a";
    let encoding = caught(|| match second {
        None => inner.encode_fast(TEXT, true),
        Some(second) => inner.encode_fast((TEXT, second), true),
    })?;
    let encoding = encoding.map_err(|e| e.to_string())?;
    let plain = encoded(inner, TEXT)?;
    let second = second.map_or(Ok(vec![]), |second| encoded(inner, second))?;
    Frame::derive(&plain, &second, encoding.get_ids(), encoding.get_type_ids())
}

fn failed_on_text(cause: String) -> ModelError {
    ModelError::Tokenizer { file: TOKENIZER.into(), cause }
}

/// Returns the byte offset of the end of word number `count` (from 1). Returns `None` if no white space follows that
/// word.
///
/// Only spaces, tabs and line breaks end words: BERT drops other white space, such as a form feed, and joins its
/// neighbours.
fn word_end(text: &str, count: usize) -> Option<usize> {
    let mut words = 0;
    let mut in_word = false;
    for (offset, character) in text.char_indices() {
        let space = matches!(character, ' ' | '\t' | '\n' | '\r');
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
        assert_eq!(word_end("a\u{c}b\u{85}c\u{3000}d", 1), None);
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
