//! Values of untyped inputs: which type a column of them gets, and how they are converted to the type of a column.

use std::collections::HashMap;

use arrow_schema::{DataType, Field};

use crate::row::{Cell, is_text};

/// The metadata that marks a text column whose values are written as JSON.
const JSON_MARK: (&str, &str) = ("newsdesk.values", "json");
/// The largest magnitude up to which all whole numbers are exact as 64-bit floats.
const MAX_EXACT: u64 = 1 << 53;

/// A value of an untyped input.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Text(String),
    Boolean(bool),
    Integer(i64),
    Float(f64),
}

/// The type of the values of an untyped column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Boolean,
    Integer,
    /// Whole numbers, some of which are not exact as floats.
    LargeInteger,
    Float,
    /// Other JSON values, or values of several types.
    Json,
}

impl Kind {
    /// Returns the type of a value, or `None` for null.
    pub fn of(cell: &Cell) -> Option<Kind> {
        let written = match cell {
            _ if cell.is_null() => return None,
            Cell::Text(_) => return Some(Kind::Text),
            cell => cell.raw_text(),
        };
        Some(match written.as_bytes().first() {
            Some(b'"') => Kind::Text,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'{' | b'[') | None => Kind::Json,
            Some(_) => match written.parse::<i64>() {
                Ok(number) if number.unsigned_abs() <= MAX_EXACT => Kind::Integer,
                Ok(_) => Kind::LargeInteger,
                Err(_) if is_float(&written) => Kind::Float,
                // A number that neither 64-bit integers nor 64-bit floats can represent.
                Err(_) => Kind::Json,
            },
        })
    }

    /// Returns the type that holds values of both types.
    pub fn common(a: Option<Kind>, b: Option<Kind>) -> Option<Kind> {
        let (Some(one), Some(other)) = (a, b) else { return a.or(b) };
        Some(match (one, other) {
            _ if one == other => one,
            (Kind::Integer, Kind::LargeInteger) | (Kind::LargeInteger, Kind::Integer) => Kind::LargeInteger,
            (Kind::Integer, Kind::Float) | (Kind::Float, Kind::Integer) => Kind::Float,
            _ => Kind::Json,
        })
    }

    /// Returns the field of a column with this type.
    pub fn field(self, name: &str) -> Field {
        let kind = match self {
            Kind::Text | Kind::Json => DataType::Utf8,
            Kind::Boolean => DataType::Boolean,
            Kind::Integer | Kind::LargeInteger => DataType::Int64,
            Kind::Float => DataType::Float64,
        };
        let field = Field::new(name, kind, true);
        match self {
            Kind::Json => field.with_metadata(HashMap::from([(JSON_MARK.0.to_owned(), JSON_MARK.1.to_owned())])),
            _ => field,
        }
    }
}

/// Returns whether an output column of one type can hold all values of an input column of another type unchanged.
pub(super) fn can_hold(output: &DataType, input: &DataType) -> bool {
    match (output, input) {
        _ if output == input || *input == DataType::Null || is_text(output) && is_text(input) => true,
        (DataType::Dictionary(_, output), DataType::Dictionary(_, input)) => output == input,
        (DataType::Float64, DataType::Float32) => true,
        _ if output.is_integer() && input.is_integer() => {
            input.primitive_width() < output.primitive_width()
                && (input.is_unsigned_integer() || output.is_signed_integer())
        }
        _ => false,
    }
}

/// Returns whether a whole number is in the range of a type.
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

/// Converts a value to the type of a column.
///
/// # Errors
/// If the value does not have that type. The error is a message that follows the name of the column.
pub(super) fn to_scalar(cell: &Cell, field: &Field) -> Result<Scalar, String> {
    if cell.is_null() {
        return Ok(Scalar::Null);
    }
    let kind = field.data_type();
    let written = cell.raw_text();
    if is_text(kind) {
        let is_json = field.metadata().get(JSON_MARK.0).is_some_and(|value| value == JSON_MARK.1);
        return Ok(Scalar::Text(match (is_json, cell) {
            (true, Cell::Text(text)) => serde_json::to_string(text).map_err(|error| error.to_string())?,
            (true, _) => written.into_owned(),
            (false, cell) => cell.as_text().unwrap_or(written).into_owned(),
        }));
    }
    let number = written.trim();
    let value = match kind {
        _ if number.is_empty() => Some(Scalar::Null),
        DataType::Boolean => number.parse().ok().map(Scalar::Boolean),
        DataType::Int64 => number.parse().ok().map(Scalar::Integer),
        kind if kind.is_integer() => number.parse().ok().filter(|number| is_within(*number, kind)).map(Scalar::Integer),
        DataType::Float32 => {
            number.parse::<f32>().ok().filter(|number| number.is_finite()).map(|number| Scalar::Float(number.into()))
        }
        DataType::Float64 => match number.parse::<i64>() {
            Ok(whole) => (whole.unsigned_abs() <= MAX_EXACT).then_some(Scalar::Float(whole as f64)),
            Err(_) => number.parse::<f64>().ok().filter(|number| number.is_finite()).map(Scalar::Float),
        },
        _ => None,
    };
    value.ok_or_else(|| {
        let shown: String = number.chars().take(40).collect();
        format!("contains `{shown}`, but its type in the output is {kind}")
    })
}
