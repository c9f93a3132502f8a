//! Files that a reader meets whole or not at all.

use crate::failure::Usage;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Writes a file beside its place and then moves it there. What is no file, such as a pipe or a device, is written as it is.
pub fn write(path: &Path, contents: &str) -> Result<()> {
    let written = match target(path) {
        Target::Whole(place) => {
            let partial = partial(&place);
            std::fs::write(&partial, contents).and_then(|()| std::fs::rename(&partial, &place)).inspect_err(|_| {
                let _ = std::fs::remove_file(&partial);
            })
        }
        Target::Device => std::fs::write(path, contents),
    };
    Ok(written.map_err(|error| failed(path, &error))?)
}

/// Finds out whether [`write()`] can write there, before the work whose result it is to write.
pub fn check(path: &Path) -> Result<()> {
    let tried = match target(path) {
        Target::Whole(place) if place.is_dir() => Err(std::io::Error::from(std::io::ErrorKind::IsADirectory)),
        Target::Whole(place) if place == Path::new("-") => {
            Err(std::io::Error::other("`-` is no file here, and standard output has the results"))
        }
        Target::Whole(place) => {
            let partial = partial(&place);
            std::fs::write(&partial, []).and_then(|()| std::fs::remove_file(&partial))
        }
        Target::Device => Ok(()),
    };
    Ok(tried.map_err(|error| failed(path, &error))?)
}

/// Removes a file that was begun and could not be written to its end; devices and pipes stay.
pub fn remove_broken(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
        let _ = std::fs::remove_file(path);
    }
}

enum Target {
    /// A file, or a place for one; where a link leads.
    Whole(PathBuf),
    Device,
}

fn target(path: &Path) -> Target {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => Target::Device,
        Ok(_) => Target::Whole(path.canonicalize().unwrap_or_else(|_| path.into())),
        Err(_) => Target::Whole(path.into()),
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    partial.into()
}

fn failed(path: &Path, error: &std::io::Error) -> Usage {
    let message = format!("Failed to write `{}`: {error}", path.display());
    Usage::new(message, "it must be a file in a folder that is there, and that you may write to, on a disk with room")
}
