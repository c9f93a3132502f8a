//! Cuts the tokens of a text into overlapping windows that together contain every token.

use std::ops::Range;

/// How texts are cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windowing {
    /// Maximum number of text tokens in a window, without special tokens; at least 1.
    pub length: usize,
    /// Step from the start of one window to the start of the next, in tokens; at least 1, at most `length`.
    pub stride: usize,
    /// Maximum number of windows of a text, from its beginning; `None` for no limit.
    pub max_windows: Option<usize>,
}

impl Windowing {
    /// Returns the windows of a text of `tokens` tokens, in order.
    ///
    /// Without a limit, the windows cover the whole text. The last window ends with the text and starts early enough to
    /// be as long as the others. A text without tokens has one empty window.
    pub fn cut(&self, tokens: usize) -> Vec<Range<usize>> {
        let max_windows = self.max_windows.unwrap_or(usize::MAX).max(1);
        let mut windows = Vec::new();
        let mut start = 0;
        while windows.len() < max_windows {
            let end = (start + self.length).min(tokens);
            windows.push(end.saturating_sub(self.length)..end);
            if end == tokens {
                break;
            }
            start += self.stride;
        }
        windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_window_ends_with_the_text() {
        let windowing = Windowing { length: 10, stride: 8, max_windows: None };
        assert_eq!(windowing.cut(0), vec![0..0]);
        assert_eq!(windowing.cut(10), vec![0..10]);
        assert_eq!(windowing.cut(11), vec![0..10, 1..11]);
        assert_eq!(windowing.cut(27), vec![0..10, 8..18, 16..26, 17..27]);
    }

    #[test]
    fn max_windows_keeps_the_first_windows() {
        let windowing = Windowing { length: 10, stride: 8, max_windows: Some(2) };
        assert_eq!(windowing.cut(1000), vec![0..10, 8..18]);
        assert_eq!(windowing.cut(5), vec![0..5]);
    }

    proptest! {
        #[test]
        fn every_token_is_in_a_window(tokens in 0usize..3000, length in 1usize..300, part in 0.01f64..1.0) {
            let stride = ((length as f64 * part) as usize).max(1);
            let windows = Windowing { length, stride, max_windows: None }.cut(tokens);
            let mut covered = 0;
            for window in &windows {
                prop_assert!(window.start <= covered && window.len() <= length);
                prop_assert!(window.end > covered || tokens == 0);
                covered = window.end;
            }
            prop_assert_eq!(covered, tokens);
            prop_assert!(tokens < length || windows.iter().all(|w| w.len() == length));
        }
    }
}
