//! How many rejects a run bears.

use crate::error::RunError;
use crate::state::Counts;
use std::fmt;
use std::str::FromStr;

/// Rows after which a share of rejects says something.
const ROWS_OF_A_SHARE: u64 = 1000;

/// Most rows that may be rejected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MostRejects {
    /// So many.
    Rows(u64),
    /// So many of a hundred, looked at after the first thousand rows and at the end.
    Percent(f64),
}

impl MostRejects {
    /// Checks what was counted, at the end of the run or before.
    ///
    /// # Errors
    /// [`RunError::TooManyRejects`].
    pub fn check(&self, counts: &Counts, at_end: bool) -> Result<(), RunError> {
        let (rejected, rows) = (counts.rejected, counts.rows());
        let too_many = match *self {
            Self::Rows(most) => rejected > most,
            Self::Percent(most) => (at_end || rows >= ROWS_OF_A_SHARE) && rejected as f64 > most / 100.0 * rows as f64,
        };
        if too_many { Err(RunError::TooManyRejects { rejected, rows, most: self.to_string() }) } else { Ok(()) }
    }
}

impl fmt::Display for MostRejects {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for MostRejects {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a number of rows, such as 100, nor a share of them, such as 0.5%");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Rows).map_err(|_| wrong()),
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(wrong()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_and_shares() {
        let counts = |articles, rejected| Counts { articles, rejected, ..Counts::default() };
        let most: MostRejects = "2".parse().unwrap();
        assert!(most.check(&counts(0, 2), false).is_ok() && most.check(&counts(9, 3), false).is_err());
        let most: MostRejects = "0.5%".parse().unwrap();
        // A share of few rows says nothing before the end.
        assert!(most.check(&counts(10, 1), false).is_ok() && most.check(&counts(10, 1), true).is_err());
        assert!(most.check(&counts(1990, 10), false).is_ok() && most.check(&counts(1989, 11), false).is_err());
        assert_eq!(most.to_string(), "0.5%");
        for wrong in ["", "-1", "101%", "x%", "1.5"] {
            assert!(wrong.parse::<MostRejects>().is_err(), "{wrong}");
        }
    }
}
