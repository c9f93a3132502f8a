//! Named steps at which tests make a run fail, or record which files a killed run would leave.
//!
//! In normal builds [`before`] and [`wrap`] do nothing, so a run cannot be made to fail from outside. In this crate's unit
//! tests they call the hook of the current thread, if [`with_hook`] has set one.

#[cfg(not(test))]
use std::fs::File;
#[cfg(not(test))]
use std::io::{Result, Write};

/// A step of writing a run's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// A row is handed to the writer of the output.
    Row,
    /// A reject is handed to the writer of the rejects.
    Reject,
    /// Bytes of the output are written to its file.
    WriteOutput,
    /// Bytes of the rejects are written to their file.
    WriteRejects,
    /// The file of the output is synced.
    SyncOutput,
    /// The file of the rejects is synced.
    SyncRejects,
    /// A line is appended to the journal.
    WriteJournal,
    /// The journal is synced.
    SyncJournal,
    /// The manifest is written.
    WriteManifest,
    /// The rejects get their final name, or those of an earlier run are removed.
    FinishRejects,
    /// The output gets its final name. A Parquet file is made here.
    FinishOutput,
    /// The journal is removed.
    RemoveJournal,
}

/// Does nothing in normal builds.
#[cfg(not(test))]
#[inline]
pub(crate) fn before(_: Step) -> Result<()> {
    Ok(())
}

/// Returns the file itself as a writer in normal builds.
#[cfg(not(test))]
pub(crate) fn wrap(_: Step) -> impl Fn(File) -> Box<dyn Write + Send> {
    |file| Box::new(file)
}

#[cfg(test)]
pub(crate) use hook::{before, with_hook, wrap};

#[cfg(test)]
mod hook {
    use super::Step;
    use std::cell::RefCell;
    use std::fs::File;
    use std::io::{Result, Write};

    type Hook = Box<dyn FnMut(Step) -> Result<()>>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Calls `hook` before each step that `body` takes on this thread. An error of the hook is the error of the step.
    pub(crate) fn with_hook<T>(hook: impl FnMut(Step) -> Result<()> + 'static, body: impl FnOnce() -> T) -> T {
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                HOOK.set(None);
            }
        }
        HOOK.set(Some(Box::new(hook)));
        let _reset = Reset;
        body()
    }

    pub(crate) fn before(step: Step) -> Result<()> {
        HOOK.with_borrow_mut(|hook| hook.as_mut().map_or(Ok(()), |hook| hook(step)))
    }

    /// A file of which a failing write takes only the first half of the bytes, as on a full disk.
    struct FaultyFile {
        file: File,
        step: Step,
    }

    pub(crate) fn wrap(step: Step) -> impl Fn(File) -> Box<dyn Write + Send> {
        move |file| Box::new(FaultyFile { file, step })
    }

    impl Write for FaultyFile {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            match before(self.step) {
                Ok(()) => self.file.write(bytes),
                Err(error) => {
                    self.file.write_all(&bytes[..bytes.len() / 2])?;
                    Err(error)
                }
            }
        }

        fn flush(&mut self) -> Result<()> {
            self.file.flush()
        }
    }
}
