//! Why a file cannot be read, before its name is known.

use crate::error::Remedy;

/// A cause, and what the user can do about it.
pub(super) struct Fault {
    pub(super) cause: String,
    pub(super) remedy: Remedy,
}

impl Fault {
    /// The file is not what `torch.save` writes, as after an incomplete download.
    pub(super) fn damaged(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), remedy: Remedy::DownloadWeights }
    }

    /// The file may be valid, but this reader does not read it.
    pub(super) fn unsupported(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), remedy: Remedy::ConvertWeights }
    }

    /// The file may be valid, but has to be saved again as a state dict in the zip layout.
    pub(super) fn other_contents(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), remedy: Remedy::SaveStateDict }
    }
}
