//! Text for a terminal: control characters are escaped, so that names and labels from outside cannot act on it.
//!
//! Everything for people goes through here: standard error, and tables on standard output. Data keeps its bytes.

use std::borrow::Cow;
use std::io::{self, Write};

/// Returns a text with its control characters escaped, as in `\u{1b}`. Line breaks and tabs stay.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts_on_terminal) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if acts_on_terminal(c) { c.escape_unicode().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Returns whether a terminal acts on a character instead of showing it: control characters, and those that reverse the direction of
/// the text around them.
fn acts_on_terminal(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns standard output for text that people read.
pub fn stdout() -> Escaping<io::Stdout> {
    Escaping(io::stdout())
}

/// A writer that escapes control characters. Each write must be whole characters, as those of `write!` are.
pub struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.0.write_all(escaped(text).as_bytes())?,
            Err(_) => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_characters_that_a_terminal_acts_on_are_escaped() {
        let text = "a\tb\nÄ 中 العربية\n";
        assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text));
        assert_eq!(escaped("\u{1b}[31mred\r\u{7f}\u{9b}2J\u{202e}"), r"\u{1b}[31mred\u{d}\u{7f}\u{9b}2J\u{202e}");
        let mut written = Vec::new();
        let bell = "x\u{7}";
        write!(Escaping(&mut written), "{bell}: 1").unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), r"x\u{7}: 1");
    }
}
