//! Looks at the beginning of a stream: is it text, and in which encoding?

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{UTF_16BE, UTF_16LE};

use super::encoding::Encoding;

/// The number of bytes that are looked at.
pub(super) const SAMPLE: usize = 1024 * 1024;
/// The number of bytes in which control characters are counted.
const BINARY_SAMPLE: usize = 64 * 1024;
/// Fewer invalid lines than this are single damaged rows.
const MIN_INVALID: usize = 3;
/// From this number of invalid lines on, the share of the lines does not matter.
const MANY_INVALID: usize = 20;

/// What the beginning of a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// UTF-8, apart from single rows.
    Text,
    /// UTF-16 without a byte order mark.
    Utf16(Encoding),
    /// Text in another encoding, with the most likely one.
    Encoded {
        /// The most likely encoding.
        likely: Encoding,
        /// The number of lines that are not UTF-8.
        invalid: usize,
        /// The number of lines.
        lines: usize,
    },
    /// Not text. The kind of file, if it is known.
    Binary(Option<&'static str>),
}

impl Content {
    /// Returns what the beginning of a stream is. `is_whole` says whether the stream ends after `sample`.
    pub fn of(sample: &[u8], is_whole: bool) -> Content {
        if let Some(encoding) = utf_16(sample) {
            return Content::Utf16(encoding);
        }
        if is_binary(&sample[..sample.len().min(BINARY_SAMPLE)]) {
            return Content::Binary(file_kind(sample));
        }
        if std::str::from_utf8(sample).is_ok() {
            return Content::Text;
        }
        // The last line may be cut off within a character.
        let end = match is_whole {
            true => sample.len(),
            false => sample.iter().rposition(|byte| *byte == b'\n').unwrap_or_default(),
        };
        let (mut lines, mut invalid, mut valid_non_ascii) = (0, 0, 0);
        for line in sample[..end].split(|byte| *byte == b'\n') {
            lines += 1;
            match std::str::from_utf8(line) {
                Err(_) => invalid += 1,
                Ok(line) => valid_non_ascii += usize::from(!line.is_ascii()),
            }
        }
        let is_many = invalid >= MANY_INVALID || invalid * 10 > lines;
        // Valid characters beyond ASCII show that the file is UTF-8, and that its invalid rows are damaged.
        match invalid >= MIN_INVALID && invalid > valid_non_ascii && is_many {
            true => Content::Encoded { likely: likely_encoding(sample, is_whole), invalid, lines },
            false => Content::Text,
        }
    }
}

/// Returns the most likely encoding of bytes that are not UTF-8, as a browser guesses it.
pub(crate) fn likely_encoding(bytes: &[u8], is_whole: bool) -> Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, is_whole);
    Encoding(detector.guess(None, Utf8Detection::Deny))
}

/// Returns the byte order if the bytes are UTF-16 without a byte order mark.
///
/// In Latin text, every other byte is zero. UTF-16 in other scripts is not detected.
fn utf_16(sample: &[u8]) -> Option<Encoding> {
    let sample = &sample[..sample.len().min(BINARY_SAMPLE) / 2 * 2];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (first, second, units) = (zeros(0), zeros(1), sample.len() / 2);
    let encoding = match units >= 2 && (first == 0 || second == 0) && (first + second) * 10 > units * 7 {
        true if first == 0 => UTF_16LE,
        true => UTF_16BE,
        false => return None,
    };
    // A sample may end within a character.
    let text = encoding.decode_without_bom_handling(&sample[..sample.len() - if units > 4 { 2 } else { 0 }]);
    let is_text = !text.1 && !text.0.chars().any(|letter| letter.is_control() && !letter.is_whitespace());
    is_text.then_some(Encoding(encoding))
}

/// Returns whether the bytes are not text. Text may have single control characters, even zeros.
fn is_binary(sample: &[u8]) -> bool {
    let is_control = |byte: &&u8| matches!(byte, 0..=8 | 14..=26 | 28..=31);
    let controls = sample.iter().filter(is_control).count();
    let zeros = sample.iter().filter(|byte| **byte == 0).count();
    // The sample may end within a character.
    let is_utf_8 = std::str::from_utf8(sample).map_or_else(|error| error.error_len().is_none(), |_| true);
    match is_utf_8 {
        true => zeros * 10 > sample.len() * 3 || file_kind(sample).is_some(),
        false => (zeros > 0 && controls * 200 > sample.len()) || file_kind(sample).is_some(),
    }
}

/// Returns the kind of a file by its magic bytes.
fn file_kind(sample: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 9] = [
        (b"%PDF-", "a PDF file"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a file of an old Office program, or one with a password"),
        (b"\x89PNG\r\n", "an image"),
        (b"\xff\xd8\xff", "an image"),
        (b"GIF8", "an image"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"SQLite format 3\0", "a SQLite database"),
    ];
    kinds.iter().find(|(magic, _)| sample.starts_with(magic)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    fn of(bytes: &[u8]) -> Content {
        Content::of(bytes, true)
    }

    #[test]
    fn encoding_is_guessed_if_many_lines_are_not_utf_8() {
        let plain = "1,The council met on Monday\n";
        let accents = "2,Le café de la gare fut rénové à l’été\n";
        let latin = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        let Content::Encoded { likely, invalid, lines } = of(&latin(&(plain.repeat(9) + &accents.repeat(6)))) else {
            panic!("not recognised");
        };
        assert_eq!((likely.to_string().as_str(), invalid, lines), ("windows-1252", 6, 16));
        let russian = encoding_rs::WINDOWS_1251.encode("Сегодня в городе открылась новая выставка картин\n").0;
        let Content::Encoded { likely, .. } = of(&russian.repeat(4)) else { panic!("not recognised") };
        assert_eq!(likely.to_string(), "windows-1251");
        // Twenty rows in a long file.
        assert_ne!(of(&latin(&(plain.repeat(900) + &accents.repeat(20)))), Content::Text);
        // Single damaged rows, and many damaged rows in a file that is UTF-8.
        assert_eq!(of(&latin(&(plain.repeat(900) + &accents.repeat(19)))), Content::Text);
        assert_eq!(of(&latin(&(plain.to_owned() + &accents.repeat(2)))), Content::Text);
        let mixed = [accents.repeat(30).into_bytes(), latin(&accents.repeat(25))].concat();
        assert_eq!(of(&mixed), Content::Text);
        // A character that is cut off at the end of the sample.
        assert_eq!(Content::of(&accents.as_bytes()[..8], false), Content::Text);
    }

    #[test]
    fn utf_16_without_a_byte_order_mark_is_recognised() {
        let text = "id,text\n1,Zürich: 30 °C 🏆\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(of(&little), Content::Utf16(Encoding(UTF_16LE)));
        assert_eq!(of(&big), Content::Utf16(Encoding(UTF_16BE)));
        assert_eq!(of(b"a\0b"), Content::Binary(None));
    }

    #[test]
    fn binary_files_are_recognised() {
        assert_eq!(of(&[0; 4096]), Content::Binary(None));
        assert_eq!(of(b"PK\x03\x04\x14\0\0\0"), Content::Binary(Some("a ZIP archive")));
        assert_eq!(of(b"%PDF-1.7\nno zeros"), Content::Binary(Some("a PDF file")));
        let random: Vec<u8> = (0..9999u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(of(&random), Content::Binary(None));
        // A single stray zero in a table.
        assert_eq!(
            of(&[b"id,text\n1,a\0b\n".to_vec(), b"2,Oil prices fall again\n".repeat(50)].concat()),
            Content::Text
        );
        assert_eq!(of(b""), Content::Text);
    }
}
