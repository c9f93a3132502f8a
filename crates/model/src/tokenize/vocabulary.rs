//! The tokens of a vocabulary in the order of their ids, and the files that list them.

use super::TokenId;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The largest number of tokens that a vocabulary may have: twice that of the largest multilingual ones.
pub(super) const MAX_TOKENS: usize = 2_000_000;

/// Tokens without duplicates, whose ids are 0, 1, 2 and so on. Serialised as an object of tokens and ids.
#[derive(Debug)]
pub(super) struct Vocabulary<'a> {
    tokens: Vec<Cow<'a, str>>,
    ids: HashMap<Cow<'a, str>, TokenId>,
}

impl<'a> Vocabulary<'a> {
    /// Makes a vocabulary of tokens in the order of their ids.
    ///
    /// # Errors
    /// If there are none, too many, or one twice.
    pub(super) fn new(tokens: Vec<Cow<'a, str>>) -> Result<Self, String> {
        if tokens.is_empty() {
            return Err("it has no tokens".into());
        }
        if tokens.len() > MAX_TOKENS {
            return Err(format!("it has more than {MAX_TOKENS} tokens"));
        }
        let mut ids = HashMap::with_capacity(tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            match ids.entry(token.clone()) {
                Entry::Vacant(entry) => entry.insert(id as TokenId),
                Entry::Occupied(entry) => {
                    return Err(format!("the token `{token}` occurs twice, with the ids {} and {id}", entry.get()));
                }
            };
        }
        Ok(Self { tokens, ids })
    }

    /// Reads `vocab.txt`: a token in each line.
    ///
    /// # Errors
    /// As [`Vocabulary::new`], or if the file is not UTF-8.
    pub(super) fn from_lines(file: &'a [u8]) -> Result<Self, String> {
        let tokens = lines(file)?.take(MAX_TOKENS + 1).map(Cow::Borrowed).collect();
        Self::new(tokens)
    }

    /// Reads `vocab.json`: an object of tokens and their ids.
    ///
    /// # Errors
    /// As [`Vocabulary::new`], or if the file has another form, or an id that is negative, missing or given twice.
    pub(super) fn from_json(file: &'a [u8]) -> Result<Self, String> {
        let mut json = serde_json::Deserializer::from_slice(file);
        let pairs = json.deserialize_map(Entries).map_err(|e| e.to_string())?;
        json.end().map_err(|e| e.to_string())?;
        let mut tokens: Vec<Option<Cow<str>>> = vec![None; pairs.len()];
        let count = pairs.len();
        for (token, id) in pairs {
            match usize::try_from(id).ok().and_then(|id| tokens.get_mut(id)) {
                None => {
                    let cause = "ids must count from 0 without gaps";
                    return Err(format!("the token `{token}` has the id {id}, but there are {count} tokens: {cause}"));
                }
                Some(Some(other)) if *other == token => return Err(format!("the token `{token}` occurs twice")),
                Some(Some(other)) => return Err(format!("the tokens `{other}` and `{token}` have the same id, {id}")),
                Some(slot) => *slot = Some(token),
            }
        }
        Self::new(tokens.into_iter().flatten().collect())
    }

    /// Returns the id of a token.
    pub(super) fn id(&self, token: &str) -> Option<TokenId> {
        self.ids.get(token).copied()
    }

    /// Returns the number of tokens.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns the tokens in the order of their ids.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(AsRef::as_ref)
    }
}

impl Serialize for Vocabulary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.tokens().enumerate().map(|(id, token)| (token, id)))
    }
}

/// Returns the lines of a text file, of any system.
///
/// # Errors
/// If it is not UTF-8.
pub(super) fn lines(file: &[u8]) -> Result<impl Iterator<Item = &str>, String> {
    let text = std::str::from_utf8(file).map_err(|e| format!("byte {} is not UTF-8", e.valid_up_to()))?;
    Ok(text.lines())
}

/// Collects the keys and values of a JSON object. Duplicate keys are kept, unlike in a map.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(Cow<'de, str>, i64)>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("an object of tokens and ids")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = vec![];
        while let Some((token, id)) = map.next_entry::<String, i64>()? {
            if pairs.len() == MAX_TOKENS {
                return Err(A::Error::custom(format!("it has more than {MAX_TOKENS} tokens")));
            }
            pairs.push((Cow::Owned(token), id));
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_from_lines_of_any_system() -> Result<(), String> {
        for file in ["[PAD]\nthe\n##s", "[PAD]\r\nthe\r\n##s\r\n"] {
            let vocabulary = Vocabulary::from_lines(file.as_bytes())?;
            assert_eq!(vocabulary.tokens().collect::<Vec<_>>(), ["[PAD]", "the", "##s"]);
            assert_eq!((vocabulary.id("##s"), vocabulary.id("s"), vocabulary.len()), (Some(2), None, 3));
        }
        Ok(())
    }

    #[test]
    fn tokens_are_read_from_json_in_the_order_of_ids() -> Result<(), String> {
        let vocabulary = Vocabulary::from_json(br#"{"b": 1, "\u0120c": 2, "a": 0}"#)?;
        assert_eq!(serde_json::to_string(&vocabulary).map_err(|e| e.to_string())?, r#"{"a":0,"b":1,"Ġc":2}"#);
        Ok(())
    }

    #[test]
    fn bad_vocabularies_are_refused() {
        let lines = |file: &[u8]| Vocabulary::from_lines(file).unwrap_err();
        assert_eq!(lines(b""), "it has no tokens");
        assert_eq!(lines(b"a\nb\na\n"), "the token `a` occurs twice, with the ids 0 and 2");
        assert_eq!(lines(b"a\n\xff"), "byte 2 is not UTF-8");
        assert_eq!(lines("\n".repeat(MAX_TOKENS + 5).as_bytes()), "it has more than 2000000 tokens");
        let json = |file: &str| Vocabulary::from_json(file.as_bytes()).unwrap_err();
        assert_eq!(json("{}"), "it has no tokens");
        assert!(json(r#"["a"]"#).contains("an object of tokens and ids"));
        assert_eq!(json(r#"{"a": 0, "a": 1}"#), "the token `a` occurs twice, with the ids 0 and 1");
        assert_eq!(json(r#"{"a": 0, "a": 0}"#), "the token `a` occurs twice");
        assert_eq!(json(r#"{"a": 0, "b": 0}"#), "the tokens `a` and `b` have the same id, 0");
        let gap = "there are 2 tokens: ids must count from 0 without gaps";
        assert_eq!(json(r#"{"a": 0, "b": 2}"#), format!("the token `b` has the id 2, but {gap}"));
        assert_eq!(json(r#"{"a": 0, "b": -1}"#), format!("the token `b` has the id -1, but {gap}"));
        assert!(json(r#"{"a": 0.5}"#).contains("i64"), "{}", json(r#"{"a": 0.5}"#));
        assert!(json(r#"{"a": "#).contains("EOF"));
        assert!(json(r#"{"a": 0} x"#).contains("trailing"));
    }
}
