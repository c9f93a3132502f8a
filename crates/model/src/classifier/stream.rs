//! The input side of a stream.

use super::queue::Queue;
use std::borrow::Cow;

/// Accepts the items of the source of [`super::Classifier::stream`].
pub struct StreamInput<'q, 'p, T: Send> {
    pub(super) queue: &'q Queue<'p, 'static, T>,
}

impl<T: Send> StreamInput<'_, '_, T> {
    /// Adds an item, with or without a text to classify, and returns whether more items are wanted. Waits while the
    /// queue is full.
    pub fn push(&self, item: T, text: Option<String>) -> bool {
        self.queue.push(item, text.map(Cow::Owned), true)
    }
}

impl<T: Send> Drop for StreamInput<'_, '_, T> {
    /// Closes the queue however the source ends, so that no thread waits for it.
    fn drop(&mut self) {
        self.queue.close();
    }
}
