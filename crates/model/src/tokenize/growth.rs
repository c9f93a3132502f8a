//! Bounds how much longer a tokenizer makes a text before it looks for tokens.
//!
//! Each step may replace every character of what the step before has made, so a few dozen steps could fill any memory.

use super::charsmap::longest_replacement;
use serde_json::Value;

/// The largest factor by which normalizer and pre-tokenizer may lengthen a text.
const MAX_GROWTH: usize = 4096;

/// Checks that a tokenizer does not make much more text of a text.
///
/// # Errors
/// The cause.
pub(super) fn check(inner: &tokenizers::Tokenizer) -> Result<(), String> {
    let steps = [serde_json::to_value(inner.get_normalizer()), serde_json::to_value(inner.get_pre_tokenizer())];
    let mut factor = 1usize;
    for step in steps {
        factor = factor.saturating_mul(growth(&step.map_err(|e| e.to_string())?));
    }
    match factor {
        ..=MAX_GROWTH => Ok(()),
        _ => Err(format!("its normalizer makes texts up to {factor} times as long, more than {MAX_GROWTH}")),
    }
}

/// Returns a bound of the factor by which a step lengthens a text.
fn growth(step: &Value) -> usize {
    let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
    let own = match step.get("type").and_then(Value::as_str) {
        Some("Replace") => match step["pattern"].get("String").and_then(Value::as_str) {
            Some(pattern) if !pattern.is_empty() => text("content").len().div_ceil(pattern.len()).max(1),
            // A pattern may match between any two characters.
            _ => text("content").len() + 1,
        },
        Some("Prepend") => text("prepend").len() + 1,
        Some("Precompiled") => longest_replacement(text("precompiled_charsmap")).max(1),
        // A byte that is not ASCII becomes two.
        Some("ByteLevel") => 2,
        _ => 1,
    };
    let inner = ["normalizers", "pretokenizers"].into_iter().filter_map(|key| step.get(key)?.as_array()).flatten();
    inner.map(growth).fold(own, usize::saturating_mul)
}

#[cfg(test)]
mod tests {
    use super::super::charsmap::encode;
    use super::*;
    use serde_json::json;

    #[test]
    fn growth_is_the_product_of_all_steps() {
        let replace =
            |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
        let double = replace(json!({"String": "a"}), "aa");
        let sequence = |count: usize| json!({"type": "Sequence", "normalizers": vec![double.clone(); count]});
        assert_eq!((growth(&double), growth(&sequence(12)), growth(&sequence(100))), (2, 4096, usize::MAX));
        assert_eq!(growth(&replace(json!({"String": "``"}), "\"")), 1);
        assert_eq!(growth(&replace(json!({"Regex": " {2,}"}), " ")), 2);
        assert_eq!(growth(&json!({"type": "BertNormalizer"})), 1);
        let twice = json!({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "ByteLevel"}]});
        assert_eq!(growth(&twice), 4);
    }

    #[test]
    fn a_charsmap_lengthens_by_its_longest_replacement() {
        let charsmap = |replacements: &[u8]| {
            let bytes = [b"\x04\0\0\0root", replacements].concat();
            json!({"type": "Precompiled", "precompiled_charsmap": encode(&bytes)})
        };
        assert_eq!((growth(&charsmap(b"\0fi\0...\0")), growth(&charsmap(b"\0"))), (3, 1));
        assert_eq!(growth(&charsmap(&[b'a'; 5000])), 5000);
    }
}
