//! Models of the Hugging Face hub: names, the cache on disk, and downloads.
//!
//! The cache is the one that Python's `huggingface_hub` uses, so both share downloads:
//!
//! ```text
//! models--ORG--NAME/refs/REVISION            the commit of a branch or tag
//! models--ORG--NAME/blobs/ETAG               the contents of a file
//! models--ORG--NAME/blobs/ETAG.incomplete    the beginning of one
//! models--ORG--NAME/snapshots/COMMIT/FILE    a link to a blob
//! .locks/models--ORG--NAME/ETAG.lock         held by the process that downloads the blob
//! ```
//!
//! - [`ModelName`] is `ORG/NAME` or `ORG/NAME@REVISION`.
//! - [`Settings`] come from the environment variables of Hugging Face's own tools.
//! - [`Cache`] finds, lists and removes models on disk.
//! - `Hub`, with the feature `download`, asks the hub and downloads what is missing.

mod cache;
#[cfg(feature = "download")]
mod download;
mod error;
mod name;
mod settings;
mod wanted;

pub use cache::{Cache, CachedModel, Snapshot};
#[cfg(feature = "download")]
pub use download::{Event, Hub, PullRequest, RemoteFile, Repository};
pub use error::{HubError, Refusal, Result};
pub use name::{ModelName, is_commit};
pub use settings::{Settings, Token};
pub use wanted::{Fetched, Files, Wanted};
