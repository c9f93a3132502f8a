//! Logits of texts by window and head, so that different temperatures can be tried without running the encoder again.

use super::engine::WorkerMemory;
use super::failure::Failure;
use super::pipeline::{Backend, EncoderBackend, Pipeline};
use super::windows::{TokenCounts, Window};
use crate::decide::{Combine, Prediction, combined};
use crate::error::Result;
use crate::head::{Head, Logits, Probabilities};
use crate::workers::parallel;
use std::sync::Arc;

/// Texts that a thread takes at once on a CPU.
const TEXTS: usize = 32;

/// The output of a model for one text before temperature and activation.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLogits {
    /// Logits by window, then by head.
    pub windows: Vec<Vec<Logits>>,
    /// For each window, the number of tokens that no earlier window contains. It is the window's weight in a mean.
    pub new_tokens: Vec<usize>,
    /// Number of tokens of the text.
    pub tokens: usize,
}

impl TextLogits {
    /// Returns the logits of a single head, given by its index.
    pub fn for_head(&self, head: usize) -> Self {
        let windows = self.windows.iter().map(|heads| vec![heads[head].clone()]).collect();
        Self { windows, new_tokens: self.new_tokens.clone(), tokens: self.tokens }
    }

    /// Returns the prediction of these heads at their temperatures.
    pub fn prediction(&self, heads: &[Arc<Head>], rule: Combine) -> Prediction {
        let probabilities = |window: &Vec<Logits>| -> Vec<Probabilities> {
            heads.iter().zip(window).map(|(head, logits)| head.probabilities(logits)).collect()
        };
        let windows: Vec<_> = self.windows.iter().map(probabilities).collect();
        combined(heads, &windows, &self.new_tokens, self.tokens, rule)
    }
}

impl Pipeline {
    /// Returns the logits of each text, in the order of the texts.
    ///
    /// # Errors
    /// If the tokenizer or the device fails, or a logit is not finite.
    pub(super) fn logits<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<TextLogits>> {
        let chunk = match &self.backend {
            // A GPU gets all texts at once, from a single thread.
            Backend::Encoder(encoder) if encoder.engine.max_encoders() == 1 => texts.len().max(1),
            Backend::Encoder(_) => TEXTS,
            // Each chunk has its own feature reader, whose memory grows with the number of features.
            Backend::Linear(_) => texts.len().div_ceil(self.threads).max(TEXTS),
        };
        let chunks: Vec<&[T]> = texts.chunks(chunk).collect();
        let logits = |index: usize| match &self.backend {
            Backend::Encoder(encoder) => encoder.logits(chunks[index]),
            Backend::Linear(model) => {
                let mut reader = model.reader();
                let text_logits = |text: &T| {
                    let (logits, words) = model.logits(text.as_ref(), &mut reader, self.instructions);
                    TextLogits { windows: vec![logits], new_tokens: vec![words], tokens: words }
                };
                Ok(chunks[index].iter().map(text_logits).collect::<Vec<_>>())
            }
        };
        let results = parallel(chunks.len(), self.threads, |index| {
            let texts = logits(index)?;
            for (number, text) in texts.iter().enumerate() {
                if let Some(failure) = text.windows.iter().find_map(|window| Failure::find(&self.heads, window)) {
                    return Err(failure.error(&self.heads, index * chunk + number));
                }
            }
            Ok(texts)
        })?;
        Ok(results.into_iter().flatten().collect())
    }
}

impl EncoderBackend {
    /// Returns the logits of each text, computed on the calling thread.
    fn logits<T: AsRef<str>>(&self, texts: &[T]) -> Result<Vec<TextLogits>> {
        let (mut results, mut windows) = (vec![], vec![]);
        for (index, text) in texts.iter().enumerate() {
            let (TokenCounts { total, new_tokens }, cut) = self.reader.read(index, text.as_ref())?;
            results.push(TextLogits { windows: vec![vec![]; cut.len()], new_tokens, tokens: total });
            windows.extend(cut);
        }
        let mut memory = WorkerMemory::default();
        let (_, max_tokens) = self.engine.batch_tokens();
        let longest = windows.iter().map(|window| window.ids.len()).max().unwrap_or(0).max(1);
        for batch in windows.chunks((max_tokens / longest).max(1)) {
            let logits = self.engine.logits(&batch.iter().collect::<Vec<_>>(), &mut memory)?;
            for (Window { text, index, .. }, logits) in batch.iter().zip(logits) {
                results[*text].windows[*index] = logits;
            }
        }
        Ok(results)
    }
}
