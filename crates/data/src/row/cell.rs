//! One value of an input column.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::nested::{MAX_DEPTH, MAX_LEVELS, add_json_names, joined_json, nested_json};
use super::typed::{TypedCell, add_typed_names};

/// One value of an input column, exactly as it was read.
#[derive(Debug, Clone)]
pub enum Cell {
    /// A field of a CSV or TSV file, or the contents of a text file.
    Text(String),
    /// The bytes of a JSON value. They are not normalised: `1.0` stays `1.0` and `"\u00e9"` stays `"\u00e9"`.
    Json(Box<RawValue>),
    /// A value of a typed column.
    Typed(TypedCell),
}

impl Cell {
    /// Returns the string in the cell: a text field as it is, or a JSON string decoded.
    ///
    /// Returns `None` for other values, and for a JSON string with an unpaired surrogate, which is not valid Unicode.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Cell::Text(text) => Some(Cow::Borrowed(text)),
            Cell::Typed(typed) => typed.as_text(),
            Cell::Json(raw) if !raw.get().starts_with('"') => None,
            Cell::Json(raw) => serde_json::from_str(raw.get()).ok().map(Cow::Owned),
        }
    }

    /// Returns the value as text: a text field as it is, any other value as JSON.
    pub fn raw_text(&self) -> Cow<'_, str> {
        match self {
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Json(raw) => Cow::Borrowed(raw.get()),
            Cell::Typed(typed) => Cow::Owned(typed.to_json()),
        }
    }

    /// Returns whether the value is missing: a JSON `null`, or a null of a typed column.
    pub fn is_null(&self) -> bool {
        match self {
            Cell::Text(_) => false,
            Cell::Json(raw) => raw.get() == "null",
            Cell::Typed(typed) => typed.is_null(),
        }
    }

    /// Returns the value with this path in the cell, as JSON. Returns `None` if there is none.
    pub(crate) fn nested(&self, path: &str) -> Option<Cell> {
        let json = match self {
            // A nested value of another format becomes JSON in a table of texts.
            Cell::Text(text) => nested_json(text.trim_start(), path, MAX_LEVELS)?,
            Cell::Json(raw) => nested_json(raw.get(), path, MAX_LEVELS)?,
            Cell::Typed(typed) => typed.nested(path)?,
        };
        RawValue::from_string(json).ok().map(Cell::Json)
    }

    /// Returns the text in the cell. The texts of a list are joined by line breaks. A null is an empty text.
    ///
    /// # Errors
    /// If the value is not text. The error is what it is, to follow "is".
    pub(crate) fn joined_text(&self) -> Result<Cow<'_, str>, &'static str> {
        match self {
            Cell::Text(text) => Ok(Cow::Borrowed(text)),
            Cell::Json(raw) => joined_json(raw.get(), MAX_LEVELS).map(Cow::Owned),
            Cell::Typed(typed) => match typed.as_text() {
                Some(text) => Ok(text),
                None => joined_json(&typed.to_json(), MAX_LEVELS).map(Cow::Owned),
            },
        }
    }

    /// Adds the names of the values nested in the cell.
    pub(super) fn add_nested_names(&self, prefix: &str, names: &mut Vec<String>) {
        match self {
            Cell::Text(_) => {}
            Cell::Json(raw) => add_json_names(raw.get(), prefix, MAX_DEPTH, names),
            Cell::Typed(typed) => add_typed_names(typed.data_type(), prefix, names),
        }
    }

    /// Returns an estimate of the memory that the value uses, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Cell::Text(text) => text.len(),
            Cell::Json(raw) => raw.get().len(),
            Cell::Typed(typed) => typed.as_text().map_or(size_of::<TypedCell>(), |text| text.len()),
        }
    }
}
