//! Hints for errors of the operating system.

use std::io::{Error, ErrorKind};

/// Returns the hint for an error, if there is one.
pub fn hint(error: &Error) -> Option<String> {
    let text = match error.kind() {
        ErrorKind::NotFound => "check the name: a file or a folder of this path does not exist",
        ErrorKind::PermissionDenied => "check who may read and write the file and its folder",
        ErrorKind::ReadOnlyFilesystem => "choose a path on a file system that can be written to",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free space on the disk, then run the command again",
        ErrorKind::FileTooLarge => "raise the limit on the size of files (`ulimit -f`), then run the command again",
        ErrorKind::IsADirectory => "give the name of a file: this is a folder",
        ErrorKind::NotADirectory => "check the path: one of its folders is a file",
        ErrorKind::InvalidFilename => "choose a shorter name",
        ErrorKind::OutOfMemory => "free memory, or use fewer `--threads`",
        _ if is_too_many_files(error) => "raise the limit on open files (`ulimit -n`)",
        _ if is_loop(error) => "replace the symbolic link: it leads back to itself",
        _ => return None,
    };
    Some(text.into())
}

#[cfg(unix)]
fn is_too_many_files(error: &Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

#[cfg(not(unix))]
fn is_too_many_files(_: &Error) -> bool {
    false
}

#[cfg(unix)]
fn is_loop(error: &Error) -> bool {
    error.raw_os_error() == Some(libc::ELOOP)
}

#[cfg(not(unix))]
fn is_loop(_: &Error) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_have_hints() {
        for (code, words) in [
            (libc::ENOENT, "check the name"),
            (libc::ENOSPC, "free space"),
            (libc::EISDIR, "this is a folder"),
            (libc::EMFILE, "ulimit -n"),
            (libc::ELOOP, "symbolic link"),
        ] {
            assert!(hint(&Error::from_raw_os_error(code)).is_some_and(|hint| hint.contains(words)), "{words}");
        }
        assert_eq!(hint(&Error::other("text")), None);
    }
}
