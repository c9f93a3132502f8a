//! Locks the folder of a run, since two runs would mix their logs and checkpoints.

use crate::error::{Result, TrainError};
use crate::files::file_error;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The file that is locked. It is removed when the run ends. If a killed run leaves it behind, it is no longer locked.
const NAME: &str = "training.lock";

/// A locked folder. It is unlocked when this is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    path: PathBuf,
    _file: File,
}

impl FolderLock {
    /// Locks a folder, and creates it if it is missing. Where the file system has no locks, this always succeeds.
    ///
    /// # Errors
    /// [`TrainError::Busy`] if another run has locked it, [`TrainError::File`] if it is not writable.
    pub(crate) fn acquire(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(file_error("write", folder))?;
        let path = folder.join(NAME);
        let opened = File::options().write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(file_error("write", &path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TrainError::Busy { folder: folder.into() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { path, _file: file }),
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_has_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let first = FolderLock::acquire(&run).unwrap();
        assert!(matches!(FolderLock::acquire(&run), Err(TrainError::Busy { .. })));
        drop(first);
        assert_eq!(std::fs::read_dir(&run).unwrap().count(), 0);
        // A killed run leaves the file, without a lock.
        std::fs::write(run.join(NAME), "").unwrap();
        FolderLock::acquire(&run).unwrap();
    }
}
