//! Files that a reader meets whole or not at all, also after a crash of the machine.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes a file beside its place, as [`partial`] names it, waits until it is on disk, and then moves it there.
///
/// # Errors
/// If it cannot be written; what was in its place is then still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = partial(path);
    let write = || {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        std::fs::rename(&partial, path)
    };
    write().inspect_err(|_| {
        // On a full disk half a file is in the way.
        let _ = std::fs::remove_file(&partial);
    })?;
    // A name is on disk when its folder is. Not every system can be asked for that.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Where a file is written before it is whole.
pub fn partial(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    partial.into()
}
