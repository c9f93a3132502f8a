//! Compressions of whole files.

use std::fmt;
use std::path::Path;

/// A compression of a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// gzip, with any number of members.
    Gzip,
    /// Zstandard, with any number of frames.
    Zstd,
    /// bzip2, with any number of streams. It can only be read.
    Bzip2,
    /// xz, with any number of streams. It can only be read.
    Xz,
}

impl Compression {
    /// All compressions.
    pub const ALL: [Compression; 4] = [Compression::Gzip, Compression::Zstd, Compression::Bzip2, Compression::Xz];

    /// The number of bytes after which each compression is recognised.
    pub(crate) const LONGEST_MAGIC: usize = 10;

    /// Returns the suffix of file names, in lower case and without a dot.
    pub fn suffix(self) -> &'static str {
        match self {
            Compression::Gzip => "gz",
            Compression::Zstd => "zst",
            Compression::Bzip2 => "bz2",
            Compression::Xz => "xz",
        }
    }

    /// Returns whether outputs can be compressed this way.
    pub fn can_be_written(self) -> bool {
        matches!(self, Compression::Gzip | Compression::Zstd)
    }

    /// Returns the compression that belongs to the suffix of a file.
    pub fn of_path(path: &Path) -> Option<Compression> {
        let suffix = path.extension()?.to_str()?;
        Compression::ALL.into_iter().find(|compression| compression.suffix().eq_ignore_ascii_case(suffix))
    }

    /// Returns the compression of a stream that starts with these bytes.
    pub(crate) fn of_magic(start: &[u8]) -> Option<Compression> {
        match start {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
            // A skippable frame, which parallel compressors write first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            // The magic number of a block (the digits of pi), or of the end of an empty stream.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Some(Compression::Bzip2),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Compression::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => Some(Compression::Xz),
            _ => None,
        }
    }

    /// Returns whether more bytes could tell the compression of a stream that starts with these bytes.
    pub(crate) fn needs_more(start: &[u8]) -> bool {
        let may_start = matches!(start.first(), None | Some(0x1f | 0x28 | 0x50..=0x5f | b'B' | 0xfd));
        start.len() < Compression::LONGEST_MAGIC && may_start && Compression::of_magic(start).is_none()
            // Text may start with these letters, and a terminal may pause after any of them.
            && !(start.len() > 1 && start[0] == b'B' && start[1] != b'Z')
            && !(start.len() > 1 && matches!(start[0], 0x50..=0x5f) && start[1] != 0x2a)
            && !(start.len() > 1 && start[0] == 0x28 && start[1] != 0xb5)
    }

    /// Returns the first byte of each member, frame or stream.
    pub(crate) fn first_byte(self) -> u8 {
        match self {
            Compression::Gzip => 0x1f,
            Compression::Zstd => 0x28,
            Compression::Bzip2 => b'B',
            Compression::Xz => 0xfd,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_magic_bytes() {
        for text in ["BZh is a name", "BZh91AY&S", "P*M", "(text)", "", "Zoo"] {
            assert_eq!(Compression::of_magic(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Compression::of_magic(b"BZh91AY&SY..."), Some(Compression::Bzip2));
        assert!(
            Compression::needs_more(b"BZh91AY") && !Compression::needs_more(b"Be") && !Compression::needs_more(b"{")
        );
        assert_eq!(Compression::of_path(Path::new("a.csv.BZ2")), Some(Compression::Bzip2));
    }
}
