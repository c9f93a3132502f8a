//! The exit code of the program.

/// The exit code of the program. Unlike that of the standard library, its number can be read, which a caller in the same process needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// The command did all that was asked.
    pub const SUCCESS: Self = Self(0);

    /// Returns the number.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl From<u8> for ExitCode {
    fn from(number: u8) -> Self {
        Self(number)
    }
}
