//! The contents of a weights file.

use std::sync::Arc;

/// The contents of a weights file: in memory, compiled in, or mapped from disk.
pub(crate) type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;
