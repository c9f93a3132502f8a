//! The data type in which a model computes on a CPU.

use std::fmt;
use std::str::FromStr;

pub use newsdesk_kernels::packed::Dtype;

/// A dtype as a user asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DtypeChoice {
    /// The fastest dtype that the model's manifest certifies for this machine.
    #[default]
    Auto,
    /// This dtype.
    Exactly(Dtype),
}

impl FromStr for DtypeChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => {
                text.parse().map(Self::Exactly).map_err(|_| format!("`{text}` is none of auto, f32, int16, bf16, int8"))
            }
        }
    }
}

impl fmt::Display for DtypeChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exactly(dtype) => dtype.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dtype_choices_round_trip_through_text() {
        for name in ["auto", "f32", "int16", "bf16", "int8"] {
            assert_eq!(name.parse::<DtypeChoice>().map(|choice| choice.to_string()), Ok(name.to_string()));
        }
        assert!("fp16".parse::<DtypeChoice>().is_err());
    }
}
