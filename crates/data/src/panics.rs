//! Turns panics of format libraries into errors, without the message that a panic prints.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught and must not print anything.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// A library panicked.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the contents of the file are inconsistent")]
pub(crate) struct Panicked;

/// Runs a step of reading in a library that panics on some damaged files.
///
/// The panic hook of the process stays the same for all other panics.
///
/// # Errors
/// If the step panics.
pub(crate) fn catch<T>(read: impl FnOnce() -> T) -> Result<T, Panicked> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_CAUGHT.get() {
                hook(info);
            }
        }));
    });
    let before = IS_CAUGHT.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(read));
    IS_CAUGHT.set(before);
    result.map_err(|_| Panicked)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        assert!(catch(|| panic!("must not be printed")).map(|()| 1).is_err());
        assert!(matches!(catch(|| catch(|| 1)), Ok(Ok(1))));
        assert!(!IS_CAUGHT.get());
    }
}
