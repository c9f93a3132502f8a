//! The index of a checkpoint in several parts: `model.safetensors.index.json` or `pytorch_model.bin.index.json`.
//!
//! Its `weight_map` has the name of a part for each tensor. An index is written by others, so a name must be that of a
//! file in the same folder, with the ending of the format.

use crate::error::{ModelError, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The largest number of parts. The largest models that people publish have a few hundred.
const MAX_PARTS: usize = 1000;

/// The parts of a checkpoint by tensor.
#[derive(Debug)]
pub(crate) struct Index {
    /// The part that holds each tensor.
    pub(super) tensors: BTreeMap<String, String>,
}

impl Index {
    /// Parses an index whose parts have names that end in `ending`; `file` names it in errors.
    ///
    /// # Errors
    /// If it is no JSON, has no `weight_map`, or names a part that is no plain file name.
    pub(crate) fn parse(json: &[u8], ending: &str, file: &str) -> Result<Self> {
        let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
        let json: Value =
            serde_json::from_slice(json).map_err(|e| invalid(&format!("line {}", e.line()), e.to_string()))?;
        let Some(Value::Object(map)) = json.get("weight_map") else {
            return Err(invalid("weight_map", "there is no mapping of tensors to files".into()));
        };
        let mut tensors = BTreeMap::new();
        for (tensor, part) in map {
            let part = part.as_str().filter(|part| is_plain(part) && part.ends_with(ending)).ok_or_else(|| {
                invalid("weight_map", format!("{part} is not the name of a `{ending}` file in the same folder"))
            })?;
            tensors.insert(tensor.clone(), part.to_owned());
        }
        let index = Self { tensors };
        match index.parts().len() {
            0 => Err(invalid("weight_map", "it names no files".into())),
            1..=MAX_PARTS => Ok(index),
            count => Err(invalid("weight_map", format!("it names {count} files, more than {MAX_PARTS}"))),
        }
    }

    /// Returns the names of the parts, sorted.
    pub(crate) fn parts(&self) -> BTreeSet<&str> {
        self.tensors.values().map(String::as_str).collect()
    }
}

/// Returns whether a name is that of a file in the folder itself, on every system. A name that begins with a dot is
/// none.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.') && !name.chars().any(|c| c.is_control() || "/\\:".contains(c))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn parse(map: &Value) -> Result<Index> {
        Index::parse(json!({"weight_map": map}).to_string().as_bytes(), ".safetensors", "i.json")
    }

    #[test]
    fn parts_are_sorted_and_named_once() {
        let index = parse(&json!({"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"})).unwrap();
        assert_eq!(index.parts().into_iter().collect::<Vec<_>>(), ["1.safetensors", "2.safetensors"]);
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        for name in [
            "../m.safetensors",
            "/m.safetensors",
            "a/m.safetensors",
            "..\\m.safetensors",
            "C:m.safetensors",
            ".safetensors",
            "m\0.safetensors",
            "m.bin",
            "",
        ] {
            let error = parse(&json!({"a": name})).unwrap_err().to_string();
            assert!(error.starts_with("cannot use `weight_map` in `i.json`: "), "{name}: {error}");
        }
        for map in [json!({"a": 3}), json!({}), json!([]), json!(null)] {
            assert!(parse(&map).is_err(), "{map}");
        }
        let many: Value = (0..1001).map(|i| (i.to_string(), json!(format!("{i}.safetensors")))).collect();
        assert!(parse(&many).unwrap_err().to_string().contains("1001 files"));
    }
}
