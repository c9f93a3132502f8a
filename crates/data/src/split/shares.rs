//! The splits of a data set, and their sizes.

use std::fmt;

use crate::error::DataError;

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// For training.
    Train,
    /// For the choice of models and settings.
    Validation,
    /// For the final evaluation.
    Test,
}

impl Split {
    /// All splits.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// Returns the index of the split in [`Split::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Split {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        })
    }
}

/// The shares of a data set that are held out. The rest is for training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    validation: f64,
    test: f64,
}

impl Shares {
    /// Ten percent for validation, and no test split.
    pub(super) const TENTH: Shares = Shares { validation: 0.1, test: 0.0 };

    /// Returns the shares of the validation split and the test split, as fractions of 1.
    ///
    /// # Errors
    /// If a share is negative, or their sum is not between 0 and 1 (both excluded).
    pub fn new(validation: f64, test: f64) -> Result<Shares, DataError> {
        let held_out = validation + test;
        match validation >= 0.0 && test >= 0.0 && held_out > 0.0 && held_out < 1.0 {
            true => Ok(Shares { validation, test }),
            false => Err(DataError::Shares { validation, test }),
        }
    }

    /// Returns the share of a split.
    pub fn of(&self, split: Split) -> f64 {
        match split {
            Split::Train => 1.0 - self.validation - self.test,
            Split::Validation => self.validation,
            Split::Test => self.test,
        }
    }
}
