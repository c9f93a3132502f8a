//! A request to stop a run, such as Ctrl-C, which the run follows where it can keep its work.

use std::sync::atomic::{AtomicBool, Ordering};

/// A request to stop a run. Another thread makes it, and the run follows it after its current step.
#[derive(Debug, Default)]
pub struct Stop {
    requested: AtomicBool,
    followed: AtomicBool,
}

impl Stop {
    /// Asks the run to stop. Returns whether it will do so by itself.
    ///
    /// It will not where there is nothing to keep, such as before the first step, or if it was asked before. The caller may
    /// then end the program.
    pub fn request(&self) -> bool {
        !self.requested.swap(true, Ordering::SeqCst) && self.followed.load(Ordering::SeqCst)
    }

    /// Returns whether the run was asked to stop.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Says whether the run now follows requests.
    pub(crate) fn follow(&self, follows: bool) {
        self.followed.store(follows, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_request_is_followed_and_only_while_a_run_follows_requests() {
        assert!(!Stop::default().request());
        let stop = Stop::default();
        stop.follow(true);
        assert_eq!(
            (stop.is_requested(), stop.request(), stop.is_requested(), stop.request()),
            (false, true, true, false)
        );
        let stop = Stop::default();
        stop.follow(true);
        stop.follow(false);
        assert!(!stop.request());
    }
}
