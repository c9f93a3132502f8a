//! Batches of windows: end to end without padding for the packed encoder, or padded to the longest window for tensors.

use crate::error::Result;
use crate::tokenize::TokenId;
use candle_core::{Device, Tensor};
use std::ops::Range;

/// A batch of windows stored end to end, without padding.
#[derive(Debug, Default)]
pub struct PackedBatch {
    ids: Vec<TokenId>,
    /// For each window, the index after its last token.
    ends: Vec<usize>,
    /// For each window, the index after its last token of the first segment.
    first_segment_ends: Vec<usize>,
}

impl PackedBatch {
    /// Adds a window of one segment, which includes special tokens.
    pub fn push(&mut self, window: impl IntoIterator<Item = TokenId>) {
        self.push_pair(window, usize::MAX);
    }

    /// Adds a window, whose tokens from index `second_segment` on belong to the second segment.
    pub fn push_pair(&mut self, window: impl IntoIterator<Item = TokenId>, second_segment: usize) {
        let start = self.ids.len();
        self.ids.extend(window);
        self.ends.push(self.ids.len());
        self.first_segment_ends.push(start.saturating_add(second_segment).min(self.ids.len()));
    }

    /// Removes all windows and keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.ends.clear();
        self.first_segment_ends.clear();
    }

    /// Returns the token ids of all windows.
    pub fn ids(&self) -> &[TokenId] {
        &self.ids
    }

    /// Returns the range of each window in [`PackedBatch::ids`].
    pub fn windows(&self) -> impl Iterator<Item = Range<usize>> {
        self.ends.iter().scan(0, |start, &end| Some(std::mem::replace(start, end)..end))
    }

    /// Returns the range of the second segment of each window in [`PackedBatch::ids`]. It is empty for a window of one segment.
    pub fn second_segments(&self) -> impl Iterator<Item = Range<usize>> {
        self.first_segment_ends.iter().zip(&self.ends).map(|(&start, &end)| start..end)
    }

    /// Returns the number of windows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there is no window.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// A batch of windows as a tensor, padded to the longest window.
pub struct Batch {
    /// Token ids with padding: `[windows, length]`, u32.
    pub ids: Tensor,
    /// Segment of each token, `[windows, length]`, u32. `None` if all tokens belong to the first one.
    pub segments: Option<Tensor>,
    /// Length of each window without padding.
    pub lengths: Vec<usize>,
}

impl Batch {
    /// Creates a batch on `device` from windows, which include special tokens.
    ///
    /// # Errors
    /// If the device is out of memory.
    pub fn new(windows: &[&[TokenId]], padding: TokenId, device: &Device) -> Result<Self> {
        let lengths: Vec<usize> = windows.iter().map(|w| w.len()).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let mut ids = Vec::with_capacity(windows.len() * longest);
        for window in windows {
            ids.extend_from_slice(window);
            ids.resize(ids.len() + longest - window.len(), padding);
        }
        let ids = Tensor::from_vec(ids, (windows.len(), longest), device)?; // [windows, length]
        Ok(Self { ids, segments: None, lengths })
    }

    /// Returns the batch with a second segment in each window, which starts at this index.
    ///
    /// # Errors
    /// If the device is out of memory.
    pub fn with_second_segments(mut self, starts: &[usize]) -> Result<Self> {
        let (windows, longest) = self.ids.dims2()?;
        let row = |&start: &usize| (0..longest).map(move |index| u32::from(index >= start));
        let segments: Vec<u32> = starts.iter().flat_map(row).collect();
        self.segments = Some(Tensor::from_vec(segments, (windows, longest), self.ids.device())?); // [windows, length]
        Ok(self)
    }
}

/// Groups windows of these lengths into batches of at most `budget` tokens, including padding. Returns the indices of
/// the windows of each batch.
///
/// A window longer than the budget gets a batch of its own. Windows are sorted by length, longest first. This keeps
/// padding low and makes the first batch the largest.
pub fn plan(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(lengths[i]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut room = 0; // number of windows that still fit into the last batch
    for index in order {
        match batches.last_mut() {
            Some(batch) if room > 0 => batch.push(index),
            _ => {
                room = (budget / lengths[index].max(1)).max(1);
                batches.push(vec![index]);
            }
        }
        room -= 1;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packed_windows_are_stored_end_to_end() {
        let mut batch = PackedBatch::default();
        batch.push([5, 6, 7]);
        batch.push([8]);
        assert_eq!(batch.ids(), [5, 6, 7, 8]);
        assert_eq!(batch.windows().collect::<Vec<_>>(), [0..3, 3..4]);
        batch.clear();
        assert!(batch.is_empty() && batch.windows().next().is_none());
    }

    #[test]
    fn shorter_windows_are_padded() -> Result<()> {
        let batch = Batch::new(&[&[5, 6, 7], &[8]], 0, &Device::Cpu)?;
        assert_eq!(batch.ids.to_vec2::<u32>()?, vec![vec![5, 6, 7], vec![8, 0, 0]]);
        assert_eq!(batch.lengths, vec![3, 1]);
        Ok(())
    }

    proptest! {
        #[test]
        fn each_window_is_in_one_batch_within_the_budget(
            lengths in proptest::collection::vec(1usize..600, 0..200), budget in 1usize..5000
        ) {
            let batches = plan(&lengths, budget);
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                let longest = batch.iter().map(|&i| lengths[i]).max().unwrap_or(0);
                prop_assert!(batch.len() == 1 || batch.len() * longest <= budget);
            }
        }
    }
}
