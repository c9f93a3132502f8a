//! Turns panics of other libraries into errors.
//!
//! Some libraries panic on damaged files. Neither a message about a panic nor the end of the process helps the user of such a
//! file. The panic hook of the process stays the same for all other panics.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether the panics of this thread are caught, so that nothing is printed about them.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Returns the result of `work`, or the message of its panic, which is not printed.
///
/// # Errors
/// The message, if `work` panics.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CAUGHT.get() {
                before(info);
            }
        }));
    });
    let outer = CAUGHT.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(outer);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it is damaged".into())
    })
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught(|| 7), Ok(7));
        assert_eq!(caught(|| panic!("no {}", "luck")), Err::<(), _>("no luck".into()));
        assert_eq!(caught(|| caught(|| panic!("inner")).is_err()), Ok(true));
    }
}
