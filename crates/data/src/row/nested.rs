//! Values nested in JSON, by path.
//!
//! `article.body` is the member `body` of the object `article`. If `article` is a list, the value is the list of the `body`
//! members of its elements. A name may contain a dot itself, so every way to split a path is tried.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// The maximum number of nested names that a message lists.
pub(super) const MAX_NAMES: usize = 40;
/// The maximum depth of the nested names that a message lists.
pub(super) const MAX_DEPTH: usize = 4;
/// The maximum depth at which values are found. Each level takes space on the stack.
pub(super) const MAX_LEVELS: usize = 64;

/// Returns the ways to split a name at a dot, the longest first part first.
pub(crate) fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    name.rmatch_indices('.').map(|(dot, _)| (&name[..dot], &name[dot + 1..]))
}

/// Adds the names of the values nested in a JSON value.
pub(super) fn add_json_names(json: &str, prefix: &str, depth: usize, names: &mut Vec<String>) {
    match json.as_bytes().first() {
        Some(b'{') if depth > 0 => {
            let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
            for (member, value) in members {
                if names.len() == MAX_NAMES {
                    return;
                }
                let name = format!("{prefix}.{member}");
                names.push(name.clone());
                add_json_names(&value.to_string(), &name, depth - 1, names);
            }
        }
        Some(b'[') if depth > 0 => {
            // The first element stands for all.
            let elements: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            elements.first().into_iter().for_each(|first| add_json_names(first.get(), prefix, depth - 1, names));
        }
        _ => {}
    }
}

/// Returns the value with this path in a JSON value. In a list, it is the list of the values of its elements.
pub(super) fn nested_json(json: &str, path: &str, levels: usize) -> Option<String> {
    let levels = levels.checked_sub(1)?;
    match json.as_bytes().first()? {
        b'{' => {
            let members: HashMap<String, &RawValue> = serde_json::from_str(json).ok()?;
            if let Some(value) = members.get(path) {
                return Some(value.get().to_owned());
            }
            splits(path).find_map(|(member, rest)| nested_json(members.get(member)?.get(), rest, levels))
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            let found = elements.iter().filter_map(|element| nested_json(element.get(), path, levels));
            let found: Vec<String> = found.collect();
            (!found.is_empty()).then(|| format!("[{}]", found.join(",")))
        }
        _ => None,
    }
}

/// Returns the text of a JSON value. The texts of a list are joined by line breaks. A null is an empty text.
///
/// # Errors
/// If the value is not text. The error is what it is, to follow "is".
pub(super) fn joined_json(json: &str, levels: usize) -> Result<String, &'static str> {
    let Some(levels) = levels.checked_sub(1) else { return Err("nested too deeply") };
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map_err(|_| "not valid Unicode"),
        Some(b'n') => Ok(String::new()),
        Some(b't' | b'f') => Err("a boolean, not a string"),
        Some(b'{') => Err("an object, not a string"),
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| "not valid JSON")?;
            let texts = elements.iter().map(|element| joined_json(element.get(), levels));
            let texts: Result<Vec<String>, _> = texts.collect();
            let texts = texts.map_err(|_| "a list of values that are not strings")?;
            Ok(texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"))
        }
        _ => Err("a number, not a string"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(text: &str, path: &str) -> Option<String> {
        nested_json(text, path, MAX_LEVELS)
    }

    #[test]
    fn paths_lead_through_objects_and_lists() {
        let text = r#"{"a": {"b": {"c": 1, "d.e": "x"}}, "list": [{"t": "one"}, {"u": 2}, {"t": "two"}], "a.b": [3]}"#;
        assert_eq!(nested(text, "a.b").as_deref(), Some("[3]"));
        assert_eq!(nested(text, "a.b.c").as_deref(), Some("1"));
        assert_eq!(nested(text, "a.b.d.e").as_deref(), Some("\"x\""));
        assert_eq!(nested(text, "list.t").as_deref(), Some("[\"one\",\"two\"]"));
        for path in ["a.c", "list.v", "a.b.c.d", "b", "", "a.", "."] {
            assert_eq!(nested(text, path), None, "{path}");
        }
    }

    #[test]
    fn texts_of_lists_are_joined() {
        let text = |json: &str| joined_json(json, MAX_LEVELS);
        assert_eq!(text(r#"["One", null, ["two", ""]]"#).as_deref(), Ok("One\ntwo"));
        assert_eq!(text(r#""One\n""#).as_deref(), Ok("One\n"));
        assert_eq!(text("null").as_deref(), Ok(""));
        assert_eq!(text("[1]"), Err("a list of values that are not strings"));
        assert_eq!(text("{}"), Err("an object, not a string"));
        assert_eq!(text(r#""\ud800""#), Err("not valid Unicode"));
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(text(&deep).is_err() && nested(&deep, "a").is_none());
    }

    #[test]
    fn names_are_listed_up_to_a_limit() {
        let mut names = vec![];
        add_json_names(r#"{"b": {"c": 1}, "l": [{"t": 1}]}"#, "a", MAX_DEPTH, &mut names);
        assert_eq!(names, ["a.b", "a.b.c", "a.l", "a.l.t"]);
        let many: Vec<String> = (0..1000).map(|number| format!("\"{number}\": 0")).collect();
        add_json_names(&format!("{{{}}}", many.join(",")), "m", MAX_DEPTH, &mut names);
        assert_eq!(names.len(), MAX_NAMES);
    }
}
