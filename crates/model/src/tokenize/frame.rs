//! The special tokens around a text, alone or with a second text.

use super::TokenId;

/// The tokens around a text, for one second text or none.
///
/// A window is `before`, the tokens of the text, `after`. For zero-shot classification, `after` holds the second text
/// too: `[SEP] This example is sport. [SEP]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Tokens before those of the text, all in segment 0.
    pub before: Vec<TokenId>,
    /// Tokens after those of the text.
    pub after: Vec<TokenId>,
    /// Tokens of `after` from this index on belong to segment 1; `after.len()` if all have segment 0.
    pub second_segment: usize,
}

impl Frame {
    /// Derives a frame from what the tokenizer's post-processor puts around a text.
    ///
    /// `first` and `second` are the tokens of the texts alone; `ids` and `segments` are those of the whole, one each
    /// per token.
    ///
    /// # Errors
    /// The cause, if the whole has another form than a frame.
    pub(super) fn derive(
        first: &[TokenId],
        second: &[TokenId],
        ids: &[TokenId],
        segments: &[u32],
    ) -> Result<Self, String> {
        let start = position(ids, first).filter(|_| !first.is_empty());
        let start = start.ok_or("its template changes the tokens of the text")?;
        let (before, rest) = ids.split_at(start);
        let after = &rest[first.len()..];
        if !second.is_empty() && position(after, second).is_none() {
            return Err("its template does not put the second text after the first".into());
        }
        let second_start = segments.iter().position(|&segment| segment != 0).unwrap_or(segments.len());
        let second_segment = second_start.checked_sub(start + first.len());
        match second_segment {
            Some(second_segment) if segments[second_start..].iter().all(|&segment| segment == 1) => {
                Ok(Self { before: before.to_vec(), after: after.to_vec(), second_segment })
            }
            _ => Err("its template has other segments than 0 for the first text and 0 or 1 after it".into()),
        }
    }

    /// Returns a window as the model reads it: `tokens` with the frame around them.
    pub fn around(&self, tokens: &[TokenId]) -> Vec<TokenId> {
        [&self.before, tokens, &self.after].concat()
    }

    /// Returns the number of tokens that the frame adds.
    pub fn tokens(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Returns the number of tokens of a window that belong to segment 0, if the text has `count` tokens. The others
    /// belong to segment 1.
    pub fn first_segment(&self, count: usize) -> usize {
        self.before.len() + count + self.second_segment
    }
}

/// Returns the index at which `part` begins in `whole`.
fn position(whole: &[TokenId], part: &[TokenId]) -> Option<usize> {
    whole.windows(part.len().max(1)).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_what_surrounds_the_text() {
        let frame = Frame::derive(&[7, 8], &[9], &[1, 7, 8, 2, 9, 2], &[0, 0, 0, 0, 1, 1]);
        assert_eq!(frame, Ok(Frame { before: vec![1], after: vec![2, 9, 2], second_segment: 1 }));
        let frame = Frame::derive(&[7], &[], &[1, 7, 2], &[0, 0, 0]);
        assert_eq!(frame, Ok(Frame { before: vec![1], after: vec![2], second_segment: 1 }));
        let frame = Frame { before: vec![1], after: vec![2, 9, 2], second_segment: 1 };
        assert_eq!((frame.around(&[5, 6]), frame.tokens()), (vec![1, 5, 6, 2, 9, 2], 4));
        assert_eq!((frame.first_segment(2), frame.first_segment(0)), (4, 2));
    }

    #[test]
    fn other_templates_are_refused() {
        for (ids, segments, cause) in [
            (vec![1, 2, 9, 2], vec![0, 0, 1, 1], "changes the tokens"),
            (vec![1, 7, 2], vec![0, 0, 0], "second text after the first"),
            (vec![1, 9, 2, 7, 2], vec![0, 0, 0, 0, 0], "second text after the first"),
            (vec![1, 7, 2, 9, 2], vec![0, 1, 1, 0, 0], "segments"),
            (vec![1, 7, 2, 9, 2], vec![0, 0, 0, 1, 0], "segments"),
            (vec![1, 7, 2, 9, 2], vec![0, 0, 0, 2, 2], "segments"),
        ] {
            let error = Frame::derive(&[7], &[9], &ids, &segments).unwrap_err();
            assert!(error.contains(cause), "{error}");
        }
        // A normaliser that drops every text leaves nothing to find.
        assert!(Frame::derive(&[], &[], &[1, 2], &[0, 0]).is_err());
    }
}
