//! The lock that keeps two processes from downloading the same file at once. Python's `huggingface_hub` takes the same one.

use crate::error::{HubError, Result};
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How long to wait between two tries.
const WAIT: Duration = Duration::from_millis(100);

/// Takes the lock, and waits while another process has it. `waiting` is called once if it has to wait. Dropping the file
/// releases the lock, and so does the end of the process.
///
/// # Errors
/// If the file cannot be created.
pub fn lock(path: &Path, waiting: &mut dyn FnMut()) -> Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(HubError::io("create", folder))?;
    }
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(HubError::io("open", path))?;
    let mut waited = false;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut waited, true) {
                    waiting();
                }
                sleep(WAIT);
            }
            // Some network file systems have no locks. If two processes then write the same partial file, its hash is
            // wrong, and it is downloaded again.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}
