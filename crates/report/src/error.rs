//! The error of all drawings.

use std::error::Error;
use std::fmt;

/// A chart cannot be drawn. Holds the message of the drawing library.
#[derive(Debug)]
pub struct DrawError(String);

impl DrawError {
    /// Keeps only the message, since errors of the drawing library borrow the drawing.
    pub(crate) fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for DrawError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "cannot draw a chart: {}", self.0)
    }
}

impl Error for DrawError {}
