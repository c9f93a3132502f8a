//! Text to windows of token ids, as the encoder reads them.

use crate::error::Result;
use crate::tokenize::{TokenId, Tokenizer};
use crate::window::Windowing;
use std::sync::Arc;

/// Tokenises texts and cuts them into windows.
pub(super) struct WindowReader {
    pub(super) tokenizer: Arc<Tokenizer>,
    pub(super) windowing: Windowing,
    /// Replaces a text without tokens.
    pub(super) padding: TokenId,
    /// Whether windows have no special tokens yet, because they will be paired with hypotheses.
    pub(super) is_bare: bool,
}

/// One window of a text.
pub(super) struct Window {
    /// Index of the text.
    pub(super) text: usize,
    /// Index of the window in its text.
    pub(super) index: usize,
    /// Token ids, including special tokens unless the reader is bare.
    pub(super) ids: Vec<TokenId>,
}

/// The token counts of a text that was cut into windows.
pub(super) struct TokenCounts {
    /// Number of tokens read.
    pub(super) total: usize,
    /// For each window, the number of tokens that no earlier window contains.
    pub(super) new_tokens: Vec<usize>,
}

impl WindowReader {
    /// Returns the windows of a text. `index` is the index of the text.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub(super) fn read(&self, index: usize, text: &str) -> Result<(TokenCounts, Vec<Window>)> {
        let Windowing { length, stride, max_windows } = self.windowing;
        let tokens = match max_windows {
            None => self.tokenizer.encode(text)?,
            Some(max_windows) => {
                let needed = length.saturating_add(max_windows.saturating_sub(1).saturating_mul(stride));
                self.tokenizer.encode_beginning(text, needed)?
            }
        };
        let (mut windows, mut new_tokens, mut covered) = (vec![], vec![], 0);
        for range in self.windowing.cut(tokens.len()) {
            new_tokens.push(range.end - covered.max(range.start).min(range.end));
            covered = range.end;
            let mut ids = match self.is_bare {
                true => tokens[range].to_vec(),
                false => self.tokenizer.with_special_tokens(&tokens[range]),
            };
            if ids.is_empty() && !self.is_bare {
                // The encoder cannot embed an empty window.
                ids.push(self.padding);
            }
            windows.push(Window { text: index, index: windows.len(), ids });
        }
        Ok((TokenCounts { total: tokens.len(), new_tokens }, windows))
    }
}
