//! Errors about models of the hub.

use std::io;
use std::path::PathBuf;

/// A result with [`HubError`].
pub type Result<T, E = HubError> = std::result::Result<T, E>;

/// The error with which a caller refuses a model.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// An error about a model of the hub. Messages name the model, or the file and the address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The environment names no home and no cache.
    #[error("no folder for the cache: neither `HF_HOME` nor `HOME` is set")]
    NoCache,
    /// Files of the model are not in the cache, and the network must not be used.
    #[error("`{name}` is not in the cache `{}` with all its files, and the network is not used", cache.display())]
    NotCached {
        /// The model.
        name: String,
        /// The folder of the cache.
        cache: PathBuf,
    },
    /// A model that is to be removed is not in the cache.
    #[error("`{name}` is not in the cache `{}`", cache.display())]
    NothingToRemove {
        /// The model.
        name: String,
        /// The folder of the cache.
        cache: PathBuf,
    },
    /// Another process downloads files of the model.
    #[error("another process is downloading files of `{name}`")]
    Busy {
        /// The model.
        name: String,
    },
    /// The address of the hub is invalid.
    #[error("`{endpoint}` is not an address of a hub")]
    BadEndpoint {
        /// The invalid address.
        endpoint: String,
    },
    /// The hub was not reached.
    #[error("`{endpoint}` was not reached: {cause}")]
    Unreachable {
        /// Address of the hub.
        endpoint: String,
        /// What failed.
        cause: String,
        /// Whether there was a connection, which then failed.
        connected: bool,
    },
    /// The certificate of the hub is not trusted.
    #[error("no secure connection to `{host}`: {cause}")]
    Tls {
        /// The host that was asked.
        host: String,
        /// What failed.
        cause: String,
    },
    /// The hub answers with an unexpected status, also after several tries.
    #[error("`{url}` answers {status}")]
    Status {
        /// What was asked.
        url: String,
        /// The status with its meaning, such as "503 Service Unavailable", and what the hub says about it.
        status: String,
    },
    /// Too many requests.
    #[error("the hub `{endpoint}` refuses further requests for now (429)")]
    Quota {
        /// Address of the hub.
        endpoint: String,
        /// Seconds to wait, if the hub says so.
        seconds: Option<u64>,
    },
    /// There is no such model, or it is private.
    #[error("the hub `{endpoint}` has no model `{repository}`, or it is private")]
    NoRepository {
        /// Address of the hub.
        endpoint: String,
        /// `ORG/NAME`.
        repository: String,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// The model has no such branch, tag or commit.
    #[error("the model `{repository}` has no revision `{revision}`")]
    NoRevision {
        /// `ORG/NAME`.
        repository: String,
        /// The branch, tag or commit.
        revision: String,
    },
    /// The owner of the model must grant access.
    #[error("the model `{repository}` is gated: its owner must grant access first")]
    Gated {
        /// `ORG/NAME`.
        repository: String,
        /// The page on which to ask for access.
        page: String,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// The token is not accepted.
    #[error("the hub `{endpoint}` does not accept the token")]
    BadToken {
        /// Address of the hub.
        endpoint: String,
    },
    /// The model was disabled by the hub.
    #[error("the hub has disabled the model `{repository}`")]
    Disabled {
        /// `ORG/NAME`.
        repository: String,
    },
    /// The model has no file of this name.
    #[error("the model `{name}` has no file `{file}`")]
    NoFile {
        /// The model.
        name: String,
        /// The file.
        file: String,
    },
    /// The model has weights only as a pickle.
    #[error("the model `{name}` has no safetensors file, and no pull request of the hub's own bot adds one")]
    OnlyPickle {
        /// The model.
        name: String,
    },
    /// The model has no weights that can be read.
    #[error("the model `{name}` has no weights that can be read; its files: {files}")]
    NoWeights {
        /// The model.
        name: String,
        /// Some of its files.
        files: String,
    },
    /// The caller refuses the model after reading its small files.
    #[error("the model `{name}` cannot be used")]
    Refused {
        /// The model.
        name: String,
        /// Why.
        #[source]
        cause: Refusal,
    },
    /// The answer is invalid: the server is no hub, or is hostile.
    #[error("`{url}` answers with {what}")]
    Answer {
        /// What was asked.
        url: String,
        /// What is wrong.
        what: String,
    },
    /// A file differs from what the hub announced.
    #[error("`{url}` differs from what was announced: {what}")]
    Corrupt {
        /// Where the file comes from.
        url: String,
        /// What differs.
        what: String,
    },
    /// A download ended early again and again.
    #[error("the download of `{url}` was cut off after {done} of {size} bytes: {cause}")]
    CutOff {
        /// Where the file comes from.
        url: String,
        /// Bytes that are kept.
        done: u64,
        /// Bytes of the whole file.
        size: u64,
        /// What happened last.
        cause: String,
    },
    /// A file of the cache cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What failed, such as "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

impl HubError {
    /// Returns a function that makes an error of the system into one of the hub.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { action, path, cause }
    }
}
