//! What happens to a text for which a model returns a value that is no finite number.

use crate::error::{ArticleName, ModelError};
use crate::head::{Head, Logits, Probabilities};
use std::sync::Arc;

/// The probabilities of a window by head, or why there are none.
pub(super) type WindowResult = Result<Vec<Probabilities>, Failure>;

/// The output of a model for a text is not finite.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    /// Index of the head.
    pub(super) head: usize,
    /// NaN or an infinity.
    pub(super) value: f32,
}

impl Failure {
    /// Returns the first failure among the logits of one window, by head.
    pub(super) fn find(heads: &[Arc<Head>], logits: &[Logits]) -> Option<Self> {
        let failure = |(index, (head, logits)): (usize, (&Arc<Head>, &Logits))| {
            head.not_finite(logits).map(|value| Self { head: index, value })
        };
        heads.iter().zip(logits).enumerate().find_map(failure)
    }

    /// Returns the error for the text with this index.
    pub(super) fn error(self, heads: &[Arc<Head>], text: usize) -> ModelError {
        let head = heads[self.head].name.clone();
        ModelError::NotFinite { article: ArticleName::Index(text), head, value: self.value }
    }
}
