//! The number of rejects at which a run stops.

use crate::error::RunError;
use crate::state::Counts;
use std::fmt;
use std::str::FromStr;

/// The number of rows after which a percentage is checked. Of fewer rows, a percentage means little.
const MIN_ROWS_FOR_PERCENT: u64 = 1000;

/// The maximum number of rows that may be rejected. Rows that are set aside on purpose do not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RejectLimit {
    /// A number of rows.
    Rows(u64),
    /// A percentage of the rows. It is checked from the thousandth row on, and at the end.
    Percent(f64),
}

impl RejectLimit {
    /// Checks the counts of a run, at its end or before.
    ///
    /// # Errors
    /// [`RunError::TooManyRejects`].
    pub fn check(&self, counts: &Counts, at_end: bool) -> Result<(), RunError> {
        let (rejected, rows) = (counts.unusable(), counts.rows());
        let exceeded = match *self {
            Self::Rows(max) => rejected > max,
            Self::Percent(max) => {
                (at_end || rows >= MIN_ROWS_FOR_PERCENT) && rejected as f64 > max / 100.0 * rows as f64
            }
        };
        if exceeded { Err(RunError::TooManyRejects { rejected, rows, limit: self.to_string() }) } else { Ok(()) }
    }
}

impl fmt::Display for RejectLimit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for RejectLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is neither a number of rows, such as 100, nor a percentage, such as 0.5%");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Rows).map_err(|_| invalid()),
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(invalid()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn limits_are_numbers_or_percentages() {
        let counts = |articles, rejected| Counts { articles, rejected, ..Counts::default() };
        let limit: RejectLimit = "2".parse().unwrap();
        assert!(limit.check(&counts(0, 2), false).is_ok() && limit.check(&counts(9, 3), false).is_err());
        let limit: RejectLimit = "0.5%".parse().unwrap();
        // A percentage of few rows is checked only at the end.
        assert!(limit.check(&counts(10, 1), false).is_ok() && limit.check(&counts(10, 1), true).is_err());
        assert!(limit.check(&counts(1990, 10), false).is_ok() && limit.check(&counts(1989, 11), false).is_err());
        assert_eq!(limit.to_string(), "0.5%");
        for invalid in ["", "-1", "101%", "x%", "1.5"] {
            assert!(invalid.parse::<RejectLimit>().is_err(), "{invalid}");
        }
    }
}
