//! The process: its standard streams and its signals.
//!
//! The standard library opens `/dev/null` in place of a closed standard stream before `main` runs. Results would disappear there. So
//! the state of the streams is recorded before that.

pub use streams::{input_was_closed, output_was_closed};

/// Ignores the signal of a write beyond the limit on the size of files (`ulimit -f`). The write then fails, and what was saved is kept.
pub fn report_file_size_limit() {
    #[cfg(unix)]
    signals::ignore(libc::SIGXFSZ);
}

/// Ends the process with exit code 2 and an error when the system cannot read a page of a mapped file. That happens if the weights of
/// a model are cut off or replaced in place while they are used.
pub fn report_changed_weights() {
    #[cfg(unix)]
    signals::report_bus_error();
}

/// Calls `handler` on SIGINT (Ctrl-C), SIGTERM and SIGHUP. A signal that the parent process ignores stays ignored: `nohup` ignores
/// SIGHUP, and a shell ignores SIGINT for background jobs of scripts.
pub fn on_interrupt(handler: impl FnMut() + Send + 'static) {
    #[cfg(unix)]
    let ignored = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP].map(|signal| (signal, signals::is_ignored(signal)));
    // Only a second handler would fail. Without a handler, a signal ends the process, and a run can be resumed after any kill.
    let _ = ctrlc::set_handler(handler);
    #[cfg(unix)]
    ignored.into_iter().filter(|(_, is_ignored)| *is_ignored).for_each(|(signal, _)| signals::ignore(signal));
}

/// Which standard streams were open before the standard library replaced closed ones.
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod streams {
    use std::sync::atomic::{AtomicBool, Ordering};

    static INPUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);
    static OUTPUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

    /// Called by the loader before `main`, and so before the standard library starts.
    #[expect(unsafe_code, reason = "only a function in this section runs early enough")]
    #[used]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
    static RECORD: extern "C" fn() = record;

    extern "C" fn record() {
        INPUT_WAS_CLOSED.store(is_closed(libc::STDIN_FILENO), Ordering::Relaxed);
        OUTPUT_WAS_CLOSED.store(is_closed(libc::STDOUT_FILENO), Ordering::Relaxed);
    }

    #[expect(unsafe_code, reason = "a system call on a number, which touches no memory")]
    fn is_closed(descriptor: libc::c_int) -> bool {
        // It fails only if the descriptor is not open.
        unsafe { libc::fcntl(descriptor, libc::F_GETFD) == -1 }
    }

    pub fn input_was_closed() -> bool {
        INPUT_WAS_CLOSED.load(Ordering::Relaxed)
    }

    pub fn output_was_closed() -> bool {
        OUTPUT_WAS_CLOSED.load(Ordering::Relaxed)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod streams {
    pub fn input_was_closed() -> bool {
        false
    }

    pub fn output_was_closed() -> bool {
        false
    }
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "the disposition of signals; the only handler here prints and ends the process")]
mod signals {
    /// Returns whether the process ignores a signal.
    pub fn is_ignored(signal: libc::c_int) -> bool {
        // Safety: the structure is plain data, for which zeros are valid. A null pointer asks without a change.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
        }
    }

    /// What is printed at a bus error.
    const CHANGED: &str = "error: cannot read the model's weights: their file was changed while it was used\n\
                           hint: write a new model into another folder, and run the command again, with `--resume` if it has that option\n";

    /// Prints an error at a bus error, and ends the process.
    pub fn report_bus_error() {
        // Safety: the handler calls only functions that are allowed in one, on memory that never changes.
        unsafe { libc::signal(libc::SIGBUS, bus_error as *const () as libc::sighandler_t) };
    }

    extern "C" fn bus_error(_: libc::c_int) {
        // Safety: the pointer and the length are those of a text in the binary.
        unsafe {
            libc::write(libc::STDERR_FILENO, CHANGED.as_ptr().cast(), CHANGED.len());
            libc::_exit(2);
        }
    }

    /// Ignores a signal from now on.
    pub fn ignore(signal: libc::c_int) {
        // Safety: SIG_IGN calls no code.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}
