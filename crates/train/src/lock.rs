//! One run at a time in a folder: two would mix their logs and checkpoints.

use crate::error::{Result, TrainError};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The file that is locked; it is gone when the run is over. What a killed run leaves of it locks nothing.
const NAME: &str = "training.lock";

/// The right to write into the folder of a run, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder, which is made if it is missing.
    ///
    /// # Errors
    /// If another run has it, or the folder cannot be written to. Where files cannot be locked, nobody is kept out.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| TrainError::File { verb: "write", path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let path = folder.join(NAME);
        let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(failed(&path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TrainError::Busy { folder: folder.into() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { path, _file: file }),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let first = Lock::take(&run).unwrap();
        assert!(matches!(Lock::take(&run), Err(TrainError::Busy { .. })));
        drop(first);
        assert_eq!(std::fs::read_dir(&run).unwrap().count(), 0);
        // What a killed run leaves.
        std::fs::write(run.join(NAME), "").unwrap();
        Lock::take(&run).unwrap();
    }
}
