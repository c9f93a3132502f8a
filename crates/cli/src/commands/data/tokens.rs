//! How many tokens texts have, counted on several threads.

use crate::arguments::data::Tokens;
use crate::commands::open_model;
use anyhow::Result;
use newsdesk_model::tokenize::Tokenizer;
use newsdesk_model::workers::parallel;
use newsdesk_model::{Device, processors};
use std::sync::Arc;

/// Texts that a thread takes at a time.
const TEXTS_PER_PART: usize = 64;

/// Counts tokens as a model does.
pub struct TokenCounter {
    tokenizer: Arc<Tokenizer>,
    /// Tokens of the model's window, special tokens included.
    pub window: usize,
    threads: usize,
}

impl TokenCounter {
    /// The counter that is asked for; none with `--no-tokens`, and none where there is no model.
    pub fn open(options: &Tokens) -> Result<Option<Self>> {
        if options.no_tokens || (options.model.is_none() && cfg!(not(feature = "embedded-model"))) {
            return Ok(None);
        }
        let model = open_model(options.model.as_deref(), &Device::Cpu)?;
        let threads = options.threads.map_or_else(processors, usize::from);
        Ok(Some(Self { tokenizer: model.tokenizer, window: model.manifest.window.length, threads }))
    }

    /// Whether each text is longer than a window of so many tokens, special tokens included.
    pub fn overlong(&self, texts: &[String], window: usize) -> Result<Vec<bool>> {
        let room = window.saturating_sub(self.tokenizer.frame_length());
        self.each(texts, |text| {
            // Most texts need no tokenizer: a token has at least one byte, and a word with a letter at least one token.
            let is_longer = text.len() > room
                && (solid_words(text).nth(room).is_some()
                    || self.tokenizer.encode_beginning(text, room + 1)?.len() > room);
            Ok(is_longer)
        })
    }

    /// Tokens of each text, without special ones.
    pub fn count(&self, texts: &[String]) -> Result<Vec<usize>> {
        self.each(texts, |text| Ok(self.tokenizer.encode(text)?.len()))
    }

    fn each<T: Send>(&self, texts: &[String], work: impl Fn(&str) -> Result<T> + Sync) -> Result<Vec<T>> {
        let parts: Vec<&[String]> = texts.chunks(TEXTS_PER_PART).collect();
        let done = parallel(parts.len(), self.threads, |part| parts[part].iter().map(|text| work(text)).collect());
        done.map(|parts: Vec<Vec<T>>| parts.into_iter().flatten().collect())
    }
}

/// The words that no tokenizer drops.
fn solid_words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn short_cuts_agree_with_the_tokenizer() {
        let model = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny").into());
        let counter = TokenCounter::open(&Tokens { model, no_tokens: false, threads: Some(2) }).unwrap().unwrap();
        let pieces = ["the", "plan", "\u{200d}", "\u{0}", "said,", "...", "ﷺ", "한국어", "e\u{301}", "x9", "新闻"];
        let text = |at: usize| (0..at % 40).map(move |word| pieces[(at * 7 + word * word) % pieces.len()]);
        let texts: Vec<String> = (0..400).map(|at| text(at).collect::<Vec<_>>().join(" ")).collect();
        let counts = counter.count(&texts).unwrap();
        for window in [3, 10, 20, 64] {
            let expected: Vec<bool> = counts.iter().map(|count| count + 2 > window).collect();
            assert_eq!(counter.overlong(&texts, window).unwrap(), expected, "a window of {window}");
        }
    }
}
