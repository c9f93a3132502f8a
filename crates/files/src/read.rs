//! Reads small files, such as configurations, whose path a user or another program has given.
//!
//! A path may lead to anything: a file of many gigabytes, a device without an end, a pipe without a writer. So every read has a
//! limit, and [`regular`] reads nothing but regular files.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The limit for files that people write: recipes, label maps, options.
pub const MAX_HAND_WRITTEN: u64 = 16 << 20;

/// Reads a file that may also be a pipe, as `<(...)` of a shell gives it.
///
/// # Errors
/// If it cannot be read, or has more than `limit` bytes ([`ErrorKind::FileTooLarge`]).
pub fn bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

/// Reads a text as [`bounded`] does.
///
/// # Errors
/// As [`bounded`], or if it is not UTF-8.
pub fn bounded_text(path: &Path, limit: u64) -> io::Result<String> {
    text(bounded(path, limit)?)
}

/// Reads a regular file, or one that a link leads to.
///
/// # Errors
/// If it cannot be read, is no regular file ([`ErrorKind::InvalidInput`]), or has more than `limit` bytes
/// ([`ErrorKind::FileTooLarge`]).
pub fn regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    check_regular(path, limit)?;
    // The file may grow or be replaced after the check.
    bounded(path, limit)
}

/// Reads a text as [`regular`] does.
///
/// # Errors
/// As [`regular`], or if it is not UTF-8.
pub fn regular_text(path: &Path, limit: u64) -> io::Result<String> {
    text(regular(path, limit)?)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Checks that a path leads to a regular file of at most `limit` bytes, and returns its length in bytes. Does not open it,
/// because opening a pipe waits for a writer.
///
/// # Errors
/// As [`regular`].
pub fn check_regular(path: &Path, limit: u64) -> io::Result<u64> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "it is a folder" } else { "it is not a regular file" };
        return Err(io::Error::new(ErrorKind::InvalidInput, what));
    }
    if metadata.len() > limit { Err(too_large(limit)) } else { Ok(metadata.len()) }
}

fn too_large(limit: u64) -> io::Error {
    let limit = match limit {
        0..1024 => format!("{limit} bytes"),
        1024..0x10_0000 => format!("{} KiB", limit >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", limit >> 20),
        _ => format!("{} GiB", limit >> 30),
    };
    io::Error::new(ErrorKind::FileTooLarge, format!("it is larger than {limit}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_up_to_the_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345678").unwrap();
        for read in [bounded, regular] {
            assert_eq!(read(&path, 8).unwrap(), b"12345678");
            let error = read(&path, 7).unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string()),
                (ErrorKind::FileTooLarge, "it is larger than 7 bytes".into())
            );
            assert_eq!(read(&folder.path().join("b"), 8).unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert_eq!(bounded_text(&path, 8).unwrap(), "12345678");
        assert_eq!(check_regular(&path, 8).unwrap(), 8);
        std::fs::write(&path, [0xff]).unwrap();
        assert_eq!(bounded_text(&path, 8).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(too_large(16 << 20).to_string(), "it is larger than 16 MiB");
    }

    #[test]
    fn folders_are_not_regular_files() {
        let folder = tempfile::tempdir().unwrap();
        let error = regular(folder.path(), 8).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::InvalidInput, "it is a folder".into()));
    }

    #[cfg(unix)]
    #[test]
    fn devices_have_no_end_and_are_refused() {
        let device = Path::new("/dev/zero");
        assert_eq!(bounded(device, 1 << 20).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(regular(device, 1 << 20).unwrap_err().to_string(), "it is not a regular file");
    }
}
