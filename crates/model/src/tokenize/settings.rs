//! What `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` say.

use super::TokenId;
use super::files::{ADDED_TOKENS, CONFIG, Failure, SPECIAL_TOKENS, TokenizerFiles, failed};
use serde::Serialize;
use serde_json::{Map, Value};

/// Maximum lengths above this mean that there is none: transformers writes 1e30.
const NO_LENGTH: f64 = 1e6;

/// A token that is found in a text before the vocabulary is used, in the form of a `tokenizer.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct AddedToken {
    pub(super) id: TokenId,
    pub(super) content: String,
    pub(super) single_word: bool,
    pub(super) lstrip: bool,
    pub(super) rstrip: bool,
    /// Whether it is looked for in the normalised text.
    pub(super) normalized: bool,
    pub(super) special: bool,
}

impl AddedToken {
    /// A special token that is found as it is written. Its id is not known yet.
    pub(super) fn special(content: &str) -> Self {
        Self {
            id: 0,
            content: content.into(),
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: true,
        }
    }
}

/// The settings of a tokenizer.
#[derive(Debug)]
pub(super) struct Settings {
    config: Map<String, Value>,
    /// Special tokens of `special_tokens_map.json`, which override those of the configuration.
    special: Map<String, Value>,
    /// Added tokens with the ids that the files give them, in the order of ids.
    pub(super) declared: Vec<AddedToken>,
    /// The file that declares them.
    pub(super) declared_in: &'static str,
}

impl Settings {
    /// Reads the settings. Files that do not exist leave everything at its default.
    ///
    /// # Errors
    /// If a file has another form.
    pub(super) fn read(files: &TokenizerFiles) -> Result<Self, Failure> {
        let config = object(files.config.as_deref(), CONFIG)?;
        let mut settings = Self { config, special: Map::new(), declared: vec![], declared_in: CONFIG };
        match settings.config.remove("added_tokens_decoder") {
            // Since transformers 4.34 this member and its neighbours hold what the two older files held.
            Some(Value::Object(tokens)) => settings.declare_by_id(&tokens)?,
            None | Some(Value::Null) => {
                settings.special = object(files.special_tokens.as_deref(), SPECIAL_TOKENS)?;
                settings.declared_in = ADDED_TOKENS;
                let tokens = object(files.added_tokens.as_deref(), ADDED_TOKENS)?;
                settings.declare_by_content(&tokens)?;
            }
            Some(_) => return Err(failed(CONFIG)("`added_tokens_decoder` is not an object".into())),
        }
        settings.declared.sort_by_key(|token| token.id);
        Ok(settings)
    }

    fn declare_by_id(&mut self, tokens: &Map<String, Value>) -> Result<(), Failure> {
        for (key, value) in tokens {
            let id = key.parse();
            let id = id.map_err(|_| failed(CONFIG)(format!("`{key}` in `added_tokens_decoder` is not a token id")))?;
            let token = token(value, &format!("added_tokens_decoder.{key}"), false).map_err(failed(CONFIG))?;
            self.declared.push(AddedToken { id, ..token });
        }
        Ok(())
    }

    fn declare_by_content(&mut self, tokens: &Map<String, Value>) -> Result<(), Failure> {
        let mut special = vec![];
        for name in NAMES {
            special.extend(self.named(name)?.map(|token| token.content));
        }
        special.extend(self.extra()?.into_iter().map(|token| token.content));
        for (content, id) in tokens {
            let number = id.as_u64().and_then(|id| TokenId::try_from(id).ok());
            let id = number.ok_or_else(|| failed(ADDED_TOKENS)(format!("the id of `{content}` is {id}")))?;
            let special = special.contains(content);
            self.declared.push(AddedToken { id, special, normalized: !special, ..AddedToken::special(content) });
        }
        Ok(())
    }

    /// Returns the special token of a key such as `cls_token`, if there is one.
    ///
    /// # Errors
    /// If the value of the key is neither a string nor an object with a string.
    pub(super) fn named(&self, name: &str) -> Result<Option<AddedToken>, Failure> {
        let (map, file) = match self.special.get(name) {
            None | Some(Value::Null) => (&self.config, CONFIG),
            Some(_) => (&self.special, SPECIAL_TOKENS),
        };
        let value = map.get(name).filter(|value| !value.is_null());
        let token = value.map(|value| token(value, name, file == SPECIAL_TOKENS)).transpose().map_err(failed(file))?;
        Ok(token.map(|token| AddedToken { special: true, ..token }))
    }

    /// Returns the special tokens without a role.
    ///
    /// # Errors
    /// If they are no list of tokens.
    pub(super) fn extra(&self) -> Result<Vec<AddedToken>, Failure> {
        const MEMBERS: [&str; 2] = ["additional_special_tokens", "extra_special_tokens"];
        let mut extra = vec![];
        for (map, file) in [(&self.special, SPECIAL_TOKENS), (&self.config, CONFIG)] {
            for name in MEMBERS {
                let tokens: Vec<&Value> = match map.get(name) {
                    None | Some(Value::Null) => continue,
                    Some(Value::Array(tokens)) => tokens.iter().collect(),
                    Some(Value::Object(tokens)) => tokens.values().collect(),
                    Some(_) => return Err(failed(file)(format!("`{name}` is not a list"))),
                };
                for value in tokens {
                    let token = token(value, name, true).map_err(failed(file))?;
                    extra.push(AddedToken { special: true, ..token });
                }
            }
        }
        Ok(extra)
    }

    /// Returns the value of a switch, or `default` if it is not given.
    ///
    /// # Errors
    /// If it is neither true nor false.
    pub(super) fn switch(&self, name: &str, default: bool) -> Result<bool, Failure> {
        Ok(self.optional_switch(name)?.unwrap_or(default))
    }

    /// Returns the value of a switch, if it is given.
    ///
    /// # Errors
    /// If it is neither true nor false.
    pub(super) fn optional_switch(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.config.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(failed(CONFIG)(format!("`{name}` is {other}, neither true nor false"))),
        }
    }

    /// Returns the name of the tokenizer's class in transformers.
    pub(super) fn class(&self) -> Option<&str> {
        self.config.get("tokenizer_class").and_then(Value::as_str)
    }
}

/// Returns the largest number of tokens in a window, with special tokens, if there is a limit.
///
/// # Errors
/// If it is not a positive integer.
pub(super) fn max_length(files: &TokenizerFiles) -> Result<Option<usize>, Failure> {
    let config = object(files.config.as_deref(), CONFIG)?;
    let member = ["model_max_length", "max_len"].into_iter().find_map(|name| Some((name, config.get(name)?)));
    let Some((name, value)) = member.filter(|(_, value)| !value.is_null()) else { return Ok(None) };
    match value.as_f64() {
        Some(length) if length > NO_LENGTH => Ok(None),
        Some(length) if length >= 1.0 && length.fract() == 0.0 => Ok(Some(length as usize)),
        _ => Err(failed(CONFIG)(format!("`{name}` is {value}, not a positive integer"))),
    }
}

/// Members that give special tokens, in the order in which transformers adds them.
pub(super) const NAMES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

fn object(file: Option<&[u8]>, name: &'static str) -> Result<Map<String, Value>, Failure> {
    let Some(json) = file else { return Ok(Map::new()) };
    match serde_json::from_slice(json) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(failed(name)("it is not an object".into())),
        Err(error) => Err(failed(name)(error.to_string())),
    }
}

/// Reads a token: its content, or an object that holds it with switches. `name` names it in errors; `special` is the
/// default of the switch with that name.
fn token(value: &Value, name: &str, special: bool) -> Result<AddedToken, String> {
    let content = value.as_str().or_else(|| value.get("content")?.as_str());
    let content = content.filter(|content| !content.is_empty());
    let content = content.ok_or_else(|| format!("`{name}` is neither a text nor an object with `content`"))?;
    if value.is_string() {
        return Ok(AddedToken::special(content));
    }
    let switch = |key: &str, default| match value.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => Err(format!("`{key}` of `{name}` is {other}, neither true nor false")),
    };
    let special = switch("special", special)?;
    Ok(AddedToken {
        id: 0,
        content: content.into(),
        single_word: switch("single_word", false)?,
        lstrip: switch("lstrip", false)?,
        rstrip: switch("rstrip", false)?,
        normalized: switch("normalized", !special)?,
        special,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(config: Value, special: Option<Value>, added: Option<Value>) -> Result<Settings, Failure> {
        let bytes = |value: Value| Some(value.to_string().into_bytes());
        Settings::read(&TokenizerFiles {
            config: bytes(config),
            special_tokens: special.and_then(bytes),
            added_tokens: added.and_then(bytes),
            ..TokenizerFiles::default()
        })
    }

    fn content(settings: &Settings, name: &str) -> Option<String> {
        settings.named(name).ok().flatten().map(|token| token.content)
    }

    #[test]
    fn special_tokens_are_texts_or_objects() -> Result<(), Failure> {
        let config = json!({"cls_token": "<c>", "mask_token": {"content": "<m>", "lstrip": true}, "sep_token": null});
        let found = settings(config.clone(), None, None)?;
        let mask = AddedToken { lstrip: true, normalized: true, ..AddedToken::special("<m>") };
        assert_eq!((content(&found, "cls_token"), content(&found, "sep_token")), (Some("<c>".into()), None));
        assert_eq!(found.named("mask_token")?, Some(mask));
        // The map overrides the configuration, unless that declares tokens itself. Its tokens are special by default.
        let map = json!({"cls_token": {"content": "<map>"}});
        assert_eq!(content(&settings(config, Some(map.clone()), None)?, "cls_token"), Some("<map>".into()));
        let config = json!({"cls_token": "<c>", "added_tokens_decoder": {}});
        assert_eq!(content(&settings(config, Some(map), None)?, "cls_token"), Some("<c>".into()));
        Ok(())
    }

    #[test]
    fn added_tokens_are_declared_by_id_or_by_content() -> Result<(), Failure> {
        let config = json!({"added_tokens_decoder": {"9": {"content": "b"}, "2": {"content": "a", "special": true}}});
        let found = settings(config, None, Some(json!({"not": 1})))?;
        let plain = AddedToken { special: false, normalized: true, ..AddedToken::special("b") };
        assert_eq!(
            found.declared,
            [AddedToken { id: 2, ..AddedToken::special("a") }, AddedToken { id: 9, ..plain.clone() }]
        );
        let found = settings(json!({}), Some(json!({"pad_token": "p"})), Some(json!({"p": 7, "b": 3})))?;
        assert_eq!(found.declared, [AddedToken { id: 3, ..plain }, AddedToken { id: 7, ..AddedToken::special("p") }]);
        Ok(())
    }

    #[test]
    fn the_maximum_length_is_a_positive_integer_or_huge() {
        let read =
            |json: String| max_length(&TokenizerFiles { config: Some(json.into()), ..TokenizerFiles::default() });
        let length = |value: Value| read(json!({"model_max_length": value}).to_string());
        assert_eq!(length(json!(512)), Ok(Some(512)));
        assert_eq!(length(json!(512.0)), Ok(Some(512)));
        assert_eq!(length(json!(1_000_000)), Ok(Some(1_000_000)));
        for none in [json!(1e30), json!(1_000_001), Value::Null] {
            assert_eq!(length(none), Ok(None));
        }
        for bad in [json!(0), json!(-1), json!(1.5), json!("512"), json!([])] {
            assert!(length(bad).is_err_and(|e| e.file == CONFIG && e.cause.contains("positive integer")));
        }
        assert_eq!(read(r#"{"model_max_length": 1000000000000000019884624838656}"#.into()), Ok(None));
        assert_eq!(read(json!({"max_len": 128}).to_string()), Ok(Some(128)));
    }

    #[test]
    fn files_of_another_form_are_named() {
        let cause = |result: Result<Settings, Failure>| result.map(|_| ()).unwrap_err();
        assert_eq!(cause(settings(json!([]), None, None)), failed(CONFIG)("it is not an object".into()));
        assert_eq!(cause(settings(json!({}), Some(json!(1)), None)).file, SPECIAL_TOKENS);
        assert_eq!(
            cause(settings(json!({}), None, Some(json!({"a": -1})))),
            failed(ADDED_TOKENS)("the id of `a` is -1".into())
        );
        let decoder = |value: Value| cause(settings(json!({"added_tokens_decoder": value}), None, None)).cause;
        assert!(decoder(json!([])).contains("not an object"));
        assert!(decoder(json!({"x": "a"})).contains("`x` in"));
        assert!(decoder(json!({"1": {"content": 5}})).contains("added_tokens_decoder.1"));
        assert!(decoder(json!({"1": {"content": "a", "lstrip": 1}})).contains("`lstrip` of"));
        // Members that no recipe needs are not read.
        let config =
            json!({"do_lower_case": "yes", "cls_token": 5, "extra_special_tokens": 1, "added_tokens_decoder": {}});
        let found = settings(config, None, None).expect("an object");
        assert!(found.switch("do_lower_case", true).is_err() && found.named("cls_token").is_err());
        assert!(found.extra().is_err());
        assert_eq!(found.switch("keep_accents", false), Ok(false));
    }
}
