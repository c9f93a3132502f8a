//! Counts the tokens of texts on several threads.

use crate::arguments::data::Tokens;
use crate::commands::open::open_encoder;
use crate::threads;
use anyhow::Result;
use newsdesk_model::Device;
use newsdesk_model::tokenize::Tokenizer;
use newsdesk_model::workers::parallel;
use std::sync::Arc;

/// Number of texts that a thread takes at a time.
const TEXTS_PER_PART: usize = 64;

/// Counts tokens with the tokenizer of a model.
pub struct TokenCounter {
    tokenizer: Arc<Tokenizer>,
    /// Maximum length of the model's windows in tokens, special tokens included.
    pub max_length: usize,
    threads: usize,
}

impl TokenCounter {
    /// Opens the tokenizer. Returns `None` with `--no-tokens`, or if there is no model.
    ///
    /// # Errors
    /// If the model cannot be opened.
    pub fn open(options: &Tokens) -> Result<Option<Self>> {
        if options.no_tokens || (options.model.is_none() && cfg!(not(feature = "embedded-model"))) {
            return Ok(None);
        }
        let model = open_encoder(options.model.as_deref(), &Device::Cpu, options.opening)?;
        let threads = threads::count(options.threads);
        Ok(Some(Self { tokenizer: model.tokenizer, max_length: model.manifest.window.length, threads }))
    }

    /// Returns which texts exceed a maximum length in tokens, special tokens included.
    ///
    /// # Errors
    /// If a text cannot be tokenised.
    pub fn overlong(&self, texts: &[String], max_length: usize) -> Result<Vec<bool>> {
        let room = max_length.saturating_sub(self.tokenizer.special_tokens());
        self.map(texts, |text| {
            // Most texts need no tokenizer: a token has at least one byte, and a word with a letter has at least one
            // token.
            let is_longer = text.len() > room
                && (solid_words(text).nth(room).is_some()
                    || self.tokenizer.encode_beginning(text, room + 1)?.len() > room);
            Ok(is_longer)
        })
    }

    /// Returns the number of tokens of each text, without special tokens.
    ///
    /// # Errors
    /// If a text cannot be tokenised.
    pub fn count(&self, texts: &[String]) -> Result<Vec<usize>> {
        self.map(texts, |text| Ok(self.tokenizer.encode(text)?.len()))
    }

    fn map<T: Send>(&self, texts: &[String], work: impl Fn(&str) -> Result<T> + Sync) -> Result<Vec<T>> {
        let parts: Vec<&[String]> = texts.chunks(TEXTS_PER_PART).collect();
        let done = parallel(parts.len(), self.threads, |part| parts[part].iter().map(|text| work(text)).collect());
        done.map(|parts: Vec<Vec<T>>| parts.into_iter().flatten().collect())
    }
}

/// Returns the words that every tokenizer keeps: those with a letter or a digit.
fn solid_words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::arguments::OpenArguments;

    #[test]
    fn shortcuts_agree_with_the_tokenizer() {
        let model = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny").into());
        let counter = TokenCounter::open(&Tokens {
            model,
            opening: OpenArguments::default(),
            no_tokens: false,
            threads: Some(2),
        })
        .unwrap()
        .unwrap();
        let pieces = ["the", "plan", "\u{200d}", "\u{0}", "said,", "...", "ﷺ", "한국어", "e\u{301}", "x9", "新闻"];
        let text = |index: usize| (0..index % 40).map(move |word| pieces[(index * 7 + word * word) % pieces.len()]);
        let texts: Vec<String> = (0..400).map(|index| text(index).collect::<Vec<_>>().join(" ")).collect();
        let counts = counter.count(&texts).unwrap();
        for max_length in [3, 10, 20, 64] {
            let expected: Vec<bool> = counts.iter().map(|count| count + 2 > max_length).collect();
            assert_eq!(counter.overlong(&texts, max_length).unwrap(), expected, "maximum length {max_length}");
        }
    }
}
