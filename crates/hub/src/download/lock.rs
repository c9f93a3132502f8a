//! The lock that keeps two processes from downloading the same file at once. Python's `huggingface_hub` takes the same one.

use crate::error::{HubError, Result};
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How long to wait between two tries.
const WAIT: Duration = Duration::from_millis(100);

/// A lock. Dropping it releases it, and so does the end of the process.
pub struct Lock {
    _file: File,
    /// Whether the file system has locks that exclude others. Some network file systems have none, or grant each to everyone.
    pub excludes: bool,
}

/// Takes the lock, and waits while another process has it. `waiting` is called once if it has to wait.
///
/// # Errors
/// If the file cannot be created.
pub fn lock(path: &Path, waiting: &mut dyn FnMut()) -> Result<Lock> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(HubError::io("create", folder))?;
    }
    let open = || File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = open().map_err(HubError::io("open", path))?;
    let mut waited = false;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut waited, true) {
                    waiting();
                }
                sleep(WAIT);
            }
            Err(TryLockError::Error(_)) => return Ok(Lock { _file: file, excludes: false }),
            Ok(()) => {
                // A second lock must fail while the first is held.
                let second = open().map_err(HubError::io("open", path))?;
                let excludes = matches!(second.try_lock(), Err(TryLockError::WouldBlock));
                return Ok(Lock { _file: file, excludes });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_lock_excludes_others_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks").join("x.lock");
        let first = lock(&path, &mut || unreachable!()).unwrap();
        assert!(first.excludes);
        let second = std::thread::spawn(move || {
            let mut waited = 0;
            lock(&path, &mut || waited += 1).unwrap();
            waited
        });
        sleep(WAIT * 3);
        drop(first);
        assert_eq!(second.join().unwrap(), 1);
    }
}
