//! Failures of requests, and when a request is repeated.

use crate::error::{HubError, Result};
use std::time::Duration;

/// Tries in a row without progress.
const TRIES: u32 = 5;

/// Why a request failed.
#[derive(Debug)]
pub enum Failure {
    /// Another try would fail too.
    Final(HubError),
    /// Another try may succeed, after the time for which the hub asks.
    Passing(HubError, Option<Duration>),
}

impl Failure {
    pub fn passing(error: HubError) -> Self {
        Self::Passing(error, None)
    }

    /// Returns the error.
    pub fn error(self) -> HubError {
        match self {
            Self::Final(error) | Self::Passing(error, _) => error,
        }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Self::Final(error)
    }
}

/// Counts tries in a row that failed.
#[derive(Default)]
pub struct Tries(u32);

impl Tries {
    /// Starts to count again, because there was progress.
    pub fn reset(&mut self) {
        self.0 = 0;
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// The failure, if it is final or was the last try.
    pub fn wait(
        &mut self,
        failure: Failure,
        delay: Duration,
        retrying: &mut dyn FnMut(&HubError, Duration),
    ) -> Result<()> {
        let (error, wait) = match failure {
            Failure::Passing(error, wait) if self.0 + 1 < TRIES => (error, wait),
            failure => return Err(failure.error()),
        };
        let wait = wait.unwrap_or(delay * 2u32.pow(self.0));
        self.0 += 1;
        retrying(&error, wait);
        std::thread::sleep(wait);
        Ok(())
    }
}
