//! What a file must hash to. The hub names blobs by their hash.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The hash that an etag of the hub is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256, for large files.
    Sha256(String),
    /// SHA-1 of a git blob: of the size, then the contents.
    GitBlob(String),
    /// None: an etag of a mirror that is no hash. Only the size is checked then.
    Unknown,
}

impl Checksum {
    /// Returns what an etag says about the contents.
    pub fn of_etag(etag: &str) -> Self {
        let is_hash = etag.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match etag.len() {
            64 if is_hash => Self::Sha256(etag.to_owned()),
            40 if is_hash => Self::GitBlob(etag.to_owned()),
            _ => Self::Unknown,
        }
    }

    /// Starts to hash a file of `size` bytes.
    pub fn start(&self, size: u64) -> Hasher {
        match self {
            Self::Sha256(expected) => Hasher::Sha256(Sha256::new(), expected.clone()),
            Self::GitBlob(expected) => {
                Hasher::GitBlob(Sha1::new_with_prefix(format!("blob {size}\0")), expected.clone())
            }
            Self::Unknown => Hasher::Unknown,
        }
    }
}

/// Hashes a file piece by piece.
#[derive(Debug, Clone)]
pub enum Hasher {
    Sha256(Sha256, String),
    GitBlob(Sha1, String),
    Unknown,
}

impl Hasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher, _) => hasher.update(bytes),
            Self::GitBlob(hasher, _) => hasher.update(bytes),
            Self::Unknown => {}
        }
    }

    /// Compares the hash of all bytes with the expected one. Returns what differs, if it does.
    pub fn difference(self) -> Option<String> {
        let (kind, found, expected) = match self {
            Self::Sha256(hasher, expected) => ("SHA-256", format!("{:x}", hasher.finalize()), expected),
            Self::GitBlob(hasher, expected) => ("git hash", format!("{:x}", hasher.finalize()), expected),
            Self::Unknown => return None,
        };
        (found != expected).then(|| format!("its {kind} is {found} instead of {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_sha256sum_and_git() {
        // From `printf 'hello\n' | sha256sum` and `printf 'hello\n' | git hash-object --stdin`.
        for etag in [
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
            "ce013625030ba8dba906f756967f9e9ca394464a",
        ] {
            let checksum = Checksum::of_etag(etag);
            let mut hasher = checksum.start(6);
            hasher.update(b"hel");
            hasher.update(b"lo\n");
            assert_eq!(hasher.difference(), None);
            let mut other = checksum.start(6);
            other.update(b"hallo\n");
            assert!(other.difference().is_some_and(|text| text.ends_with(&format!("instead of {etag}"))));
        }
        assert_eq!(Checksum::of_etag("5f3-6203"), Checksum::Unknown);
    }
}
