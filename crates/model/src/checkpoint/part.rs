//! One file of a checkpoint, and a tensor in it.

use super::bytes::Bytes;
use super::stored::Stored;

/// A file with tensors.
pub(crate) struct Part {
    /// The plain name in the folder.
    pub(super) name: String,
    /// Names the file in errors.
    pub(super) file: String,
    pub(super) bytes: Bytes,
}

/// A tensor of a file. A tensor of integers or truth values, such as the position ids of old checkpoints, is no weight
/// and has no values. Integers with scales are one tensor.
pub(super) struct NamedTensor {
    pub(super) name: String,
    pub(super) values: Option<Stored>,
}

impl Part {
    /// Creates a part of its plain name, its name in errors, and its contents.
    pub(crate) fn new(name: &str, file: String, bytes: Bytes) -> Self {
        Self { name: name.into(), file, bytes }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }
}
