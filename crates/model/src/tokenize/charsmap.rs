//! Checks the `precompiled_charsmap` of a tokenizer: a table of SentencePiece that replaces characters.
//!
//! It begins with the length in bytes of an index, as four bytes in little-endian order. The index follows, then the
//! replacements, each ended by a zero byte. The tokenizers crate allocates the index before it looks whether there is
//! one, and a replacement may be as long as the file.

use serde_json::Value;

/// Checks every charsmap of a `tokenizer.json`.
///
/// # Errors
/// The cause.
pub(super) fn check(json: &[u8]) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Parts {
        #[serde(default)]
        normalizer: Value,
    }
    const TYPE: &[u8] = b"Precompiled";
    // Most tokenizers have none, and need not be parsed twice.
    if !json.windows(TYPE.len()).any(|window| window == TYPE) {
        return Ok(());
    }
    let parts: Parts = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    find(&parts.normalizer).into_iter().try_for_each(check_length)
}

fn find(normalizer: &Value) -> Vec<&str> {
    let own = normalizer.get("precompiled_charsmap").and_then(Value::as_str);
    let steps = normalizer.get("normalizers").and_then(Value::as_array).into_iter().flatten();
    own.into_iter().chain(steps.flat_map(find)).collect()
}

fn check_length(base64: &str) -> Result<(), String> {
    let charsmap = decode(base64);
    match index_length(&charsmap) {
        Some(length) if length > charsmap.len() => {
            Err(format!("its `precompiled_charsmap` claims to hold {length} bytes, more than it has"))
        }
        _ => Ok(()),
    }
}

/// Returns the length in bytes that the index of a charsmap claims to have. Returns `None` if the charsmap ends before.
fn index_length(charsmap: &[u8]) -> Option<usize> {
    charsmap.first_chunk().map(|length| u32::from_le_bytes(*length) as usize)
}

/// Returns the length in bytes of the longest replacement of a charsmap in base64.
pub(super) fn longest_replacement(base64: &str) -> usize {
    let charsmap = decode(base64);
    let start = index_length(&charsmap).map_or(0, |length| length.saturating_add(4));
    let replacements = charsmap.get(start..).unwrap_or_default();
    replacements.split(|&byte| byte == 0).map(<[u8]>::len).max().unwrap_or(0)
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Decodes base64 up to the first character that is none of its digits.
fn decode(base64: &str) -> Vec<u8> {
    let mut values = [None; 256];
    for (value, &digit) in DIGITS.iter().enumerate() {
        values[usize::from(digit)] = Some(value as u32);
    }
    let mut bytes = Vec::with_capacity(base64.len() / 4 * 3);
    let (mut bits, mut waiting) = (0u32, 0);
    for value in base64.bytes().map_while(|digit| values[usize::from(digit)]) {
        (bits, waiting) = (bits << 6 | value, waiting + 6);
        if waiting >= 8 {
            waiting -= 8;
            bytes.push((bits >> waiting) as u8);
        }
    }
    bytes
}

/// Encodes bytes in base64, as a `tokenizer.json` holds a charsmap.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut base64 = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, i| bits << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            base64.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    base64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_charsmap_cannot_claim_more_bytes_than_it_has() {
        // A length of 4, and an index of 4 bytes.
        assert_eq!(check_length("BAAAAAAAAAA="), Ok(()));
        assert!(check_length("/////w==").unwrap_err().contains("4294967295 bytes"));
        assert!(check_length("AAAAAf8=").unwrap_err().contains("16777216 bytes"));
        assert_eq!((check_length("!"), check_length("")), (Ok(()), Ok(())));
    }

    #[test]
    fn the_longest_replacement_is_found() {
        let charsmap = |index: &[u8], replacements: &[u8]| {
            encode(&[&(index.len() as u32).to_le_bytes(), index, replacements].concat())
        };
        assert_eq!(longest_replacement(&charsmap(b"an index", b"\0fi\0...\0a\0")), 3);
        assert_eq!(longest_replacement(&charsmap(b"an index", b"")), 0);
        assert_eq!((longest_replacement(""), longest_replacement("/////w==")), (0, 0));
    }

    #[test]
    fn base64_is_as_everyone_writes_it() {
        for (bytes, base64) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(bytes.as_bytes()), base64);
        }
        assert_eq!(decode("Zm9!v"), b"fo");
    }

    proptest! {
        #[test]
        fn base64_keeps_every_byte(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), bytes);
        }
    }
}
