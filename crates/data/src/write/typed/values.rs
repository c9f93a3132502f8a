//! Values that were texts, or JSON: which type a column of them gets, and what a column of a type takes.

use std::collections::HashMap;

use arrow_schema::{DataType, Field};

use crate::article::Cell;
use crate::typed::is_text;

/// The mark of a column of texts in which other values than texts stand as JSON.
const MARK: (&str, &str) = ("newsdesk.values", "json");
/// Whole numbers beyond this are not all exact as floats.
const EXACT: u64 = 1 << 53;

/// A value that was a text, or JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    Null,
    Text(String),
    Boolean(bool),
    Integer(i64),
    Float(f64),
}

/// What a column of JSON values, or of texts, holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Boolean,
    Integer,
    /// Whole numbers of which some are not exact as floats.
    Wide,
    Float,
    /// Anything else.
    Json,
}

impl Kind {
    /// What one value is; nothing where there is none.
    pub fn of(cell: &Cell) -> Option<Kind> {
        let written = match cell {
            _ if cell.is_null() => return None,
            Cell::Text(_) => return Some(Kind::Text),
            cell => cell.written(),
        };
        Some(match written.as_bytes().first() {
            Some(b'"') => Kind::Text,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'{' | b'[') | None => Kind::Json,
            Some(_) => match written.parse::<i64>() {
                Ok(number) if number.unsigned_abs() <= EXACT => Kind::Integer,
                Ok(_) => Kind::Wide,
                Err(_) if is_float(&written) => Kind::Float,
                // More digits, or more of them before the point, than any number that we can write.
                Err(_) => Kind::Json,
            },
        })
    }

    pub fn both(a: Option<Kind>, b: Option<Kind>) -> Option<Kind> {
        let (Some(one), Some(other)) = (a, b) else { return a.or(b) };
        Some(match (one, other) {
            _ if one == other => one,
            (Kind::Integer, Kind::Wide) | (Kind::Wide, Kind::Integer) => Kind::Wide,
            (Kind::Integer, Kind::Float) | (Kind::Float, Kind::Integer) => Kind::Float,
            _ => Kind::Json,
        })
    }

    pub fn field(self, name: &str) -> Field {
        let kind = match self {
            Kind::Text | Kind::Json => DataType::Utf8,
            Kind::Boolean => DataType::Boolean,
            Kind::Integer | Kind::Wide => DataType::Int64,
            Kind::Float => DataType::Float64,
        };
        let field = Field::new(name, kind, true);
        match self {
            Kind::Json => field.with_metadata(HashMap::from([(MARK.0.to_owned(), MARK.1.to_owned())])),
            _ => field,
        }
    }
}

/// Whether a column of our type takes all values of theirs as they are.
pub(super) fn holds(ours: &DataType, theirs: &DataType) -> bool {
    match (ours, theirs) {
        _ if ours == theirs || *theirs == DataType::Null || is_text(ours) && is_text(theirs) => true,
        (DataType::Dictionary(_, ours), DataType::Dictionary(_, theirs)) => ours == theirs,
        (DataType::Float64, DataType::Float32) => true,
        _ if ours.is_integer() && theirs.is_integer() => {
            theirs.primitive_width() < ours.primitive_width()
                && (theirs.is_unsigned_integer() || ours.is_signed_integer())
        }
        _ => false,
    }
}

/// Whether a whole number is one of this type.
fn is_within(number: i64, kind: &DataType) -> bool {
    match kind {
        DataType::Int8 => i8::try_from(number).is_ok(),
        DataType::Int16 => i16::try_from(number).is_ok(),
        DataType::Int32 => i32::try_from(number).is_ok(),
        DataType::UInt8 => u8::try_from(number).is_ok(),
        DataType::UInt16 => u16::try_from(number).is_ok(),
        DataType::UInt32 => u32::try_from(number).is_ok(),
        DataType::UInt64 => number >= 0,
        _ => true,
    }
}

fn is_float(written: &str) -> bool {
    written.contains(['.', 'e', 'E']) && written.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A value as a column takes it. The error is a cause, to follow the column's name.
pub(super) fn plain(cell: &Cell, field: &Field) -> Result<Plain, String> {
    if cell.is_null() {
        return Ok(Plain::Null);
    }
    let kind = field.data_type();
    let written = cell.written();
    if is_text(kind) {
        let is_json = field.metadata().get(MARK.0).is_some_and(|value| value == MARK.1);
        return Ok(Plain::Text(match (is_json, cell) {
            (true, Cell::Text(text)) => serde_json::to_string(text).map_err(|error| error.to_string())?,
            (true, _) => written.into_owned(),
            (false, cell) => cell.as_text().unwrap_or(written).into_owned(),
        }));
    }
    let number = written.trim();
    let value = match kind {
        _ if number.is_empty() => Some(Plain::Null),
        DataType::Boolean => number.parse().ok().map(Plain::Boolean),
        DataType::Int64 => number.parse().ok().map(Plain::Integer),
        kind if kind.is_integer() => number.parse().ok().filter(|number| is_within(*number, kind)).map(Plain::Integer),
        DataType::Float32 => {
            number.parse::<f32>().ok().filter(|number| number.is_finite()).map(|number| Plain::Float(number.into()))
        }
        DataType::Float64 => match number.parse::<i64>() {
            Ok(whole) => (whole.unsigned_abs() <= EXACT).then_some(Plain::Float(whole as f64)),
            Err(_) => number.parse::<f64>().ok().filter(|number| number.is_finite()).map(Plain::Float),
        },
        _ => None,
    };
    value.ok_or_else(|| {
        let shown: String = number.chars().take(40).collect();
        format!("is `{shown}`, and {kind} in the output")
    })
}
