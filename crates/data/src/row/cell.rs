//! One value of an input column.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::typed::TypedCell;

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

    /// Returns an estimate of the memory that the value uses, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Cell::Text(text) => text.len(),
            Cell::Json(raw) => raw.get().len(),
            Cell::Typed(typed) => typed.as_text().map_or(size_of::<TypedCell>(), |text| text.len()),
        }
    }
}
