//! Byte-level BPE from `vocab.json` and `merges.txt`: RoBERTa.

use super::files::{Failure, MERGES, VOCAB_JSON, failed};
use super::parts::{Model, Parts};
use super::settings::Settings;
use super::vocabulary::{MAX_TOKENS, Vocabulary, lines};
use serde_json::json;

/// Makes the parts of a tokenizer.
///
/// # Errors
/// If the vocabulary, the merges or a setting are damaged.
pub(super) fn parts<'a>(vocab: &'a [u8], merges: &'a [u8], settings: &Settings) -> Result<Parts<'a>, Failure> {
    let vocabulary = Vocabulary::from_json(vocab).map_err(failed(VOCAB_JSON))?;
    let merges = read_merges(merges, &vocabulary).map_err(failed(MERGES))?;
    let byte_level = |prefix: bool| {
        let mut step = json!({"type": "ByteLevel", "trim_offsets": true, "use_regex": true});
        step["add_prefix_space"] = prefix.into();
        step
    };
    Ok(Parts {
        file: VOCAB_JSON,
        vocabulary,
        model: Model::BytePair { merges },
        normalizer: json!(null),
        pre_tokenizer: byte_level(settings.switch("add_prefix_space", false)?),
        decoder: byte_level(true),
        special: vec![],
        warning: None,
    })
}

/// Reads merges: two tokens in each line, which the vocabulary must hold alone and joined.
fn read_merges<'a>(file: &'a [u8], vocabulary: &Vocabulary) -> Result<Vec<(&'a str, &'a str)>, String> {
    let mut merges = vec![];
    let mut joined = String::new();
    for (index, line) in lines(file)?.enumerate() {
        if line.is_empty() || line.starts_with("#version") {
            continue;
        }
        let number = index + 1;
        let pair = line.split_once(' ').filter(|(first, second)| !first.is_empty() && !second.contains(' '));
        let (first, second) = pair.ok_or_else(|| format!("line {number} is not two tokens with a space between"))?;
        joined.clear();
        joined.extend([first, second]);
        if let Some(token) = [first, second, &joined].into_iter().find(|token| vocabulary.id(token).is_none()) {
            return Err(format!(
                "line {number} joins `{first}` and `{second}`, but `{token}` is not in `{VOCAB_JSON}`"
            ));
        }
        if merges.len() == MAX_TOKENS {
            return Err(format!("it has more than {MAX_TOKENS} merges"));
        }
        merges.push((first, second));
    }
    Ok(merges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_are_pairs_of_known_tokens() -> Result<(), String> {
        let vocabulary = Vocabulary::from_json(br###"{"a": 0, "b": 1, "ab": 2, "#": 3, "##": 4}"###)?;
        let read = |file: &'static str| read_merges(file.as_bytes(), &vocabulary);
        assert_eq!(read("#version: 0.2\na b\n# #\n\n"), Ok(vec![("a", "b"), ("#", "#")]));
        assert_eq!(read("#version: 0.2\r\na b\r\n"), Ok(vec![("a", "b")]));
        assert_eq!(read(""), Ok(vec![]));
        for (file, cause) in [
            ("a b\na c\n", "line 2 joins `a` and `c`, but `c` is not in `vocab.json`"),
            ("b a", "line 1 joins `b` and `a`, but `ba` is not in `vocab.json`"),
            ("ab", "line 1 is not two tokens with a space between"),
            ("a b ab", "line 1 is not two tokens with a space between"),
            ("a ", "line 1 joins `a` and ``, but `` is not in `vocab.json`"),
            (" a", "line 1 is not two tokens with a space between"),
        ] {
            assert_eq!(read(file), Err(cause.into()));
        }
        Ok(())
    }
}
