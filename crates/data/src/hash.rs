//! A hash that is the same on every machine and in every version. The standard library does not promise that.

/// FNV-1a over a sequence of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StableHash(u64);

impl StableHash {
    /// Returns the hash of no bytes.
    #[expect(clippy::new_without_default, reason = "a hash starts empty; a default value has no meaning")]
    pub fn new() -> StableHash {
        StableHash(0xcbf2_9ce4_8422_2325)
    }

    /// Returns the hash of the bytes so far followed by `bytes`.
    pub fn with(self, bytes: &[u8]) -> StableHash {
        StableHash(bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    /// Returns the hash as a number.
    pub fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::StableHash;

    #[test]
    fn hashes_equal_published_values() {
        assert_eq!(StableHash::new().with(b"a").value(), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(StableHash::new().with(b"foo").with(b"bar").value(), 0x8594_4171_f739_67e8);
    }
}
