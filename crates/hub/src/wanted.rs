//! Which files of a model are needed, and a model that has them.

use crate::cache::{Cache, Snapshot};
use crate::error::Refusal;
use crate::name::ModelName;
use std::path::Path;

/// The files that a model needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Configuration and tokenizer: small.
    pub others: Vec<String>,
    /// The weights. They are downloaded after the others.
    pub weights: Vec<String>,
}

/// Which files of a model are needed.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Chooses from the names of all files. With `true`, weights may be pickles. `None` if there are no weights.
    pub choose: &'a dyn Fn(&[String], bool) -> Option<Files>,
    /// Looks at the folder with [`Files::others`] before the weights are downloaded.
    pub check: &'a dyn Fn(&Path) -> Result<(), Refusal>,
    /// Returns whether a folder holds all files of a model. With `true`, weights may be pickles. Other programs may have downloaded
    /// only some of them.
    pub is_complete: &'a dyn Fn(&Path, bool) -> bool,
    /// Whether weights may be pickles.
    pub allow_pickle: bool,
}

/// A model that is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its files.
    pub snapshot: Snapshot,
    /// The pull request that its weights come from, if they are not those of the revision itself.
    pub pull_request: Option<u64>,
}

impl Cache {
    /// Returns a model if all its files are in the cache.
    pub fn fetched(&self, name: &ModelName, wanted: &Wanted) -> Option<Fetched> {
        let commit = self.commit(name)?;
        let complete = |commit: &str, pickle: bool| {
            let folder = self.snapshot(name, commit);
            (wanted.is_complete)(&folder, pickle).then(|| Snapshot { folder, commit: commit.to_owned() })
        };
        let of_bot = || {
            let commit = self.reference(name, &safetensors_of(&commit))?;
            Some(Fetched { snapshot: complete(&commit, false)?, pull_request: self.pull_request(name, &commit) })
        };
        let own = |pickle: bool| Some(Fetched { snapshot: complete(&commit, pickle)?, pull_request: None });
        own(false).or_else(of_bot).or_else(|| wanted.allow_pickle.then(|| own(true)).flatten())
    }

    /// Returns the number of the pull request that is this commit.
    fn pull_request(&self, name: &ModelName, commit: &str) -> Option<u64> {
        let references = self.references(name).into_iter().filter(|(_, known)| known == commit);
        references.into_iter().find_map(|(revision, _)| revision.strip_prefix("refs/pr/")?.parse().ok())
    }
}

/// Returns the name of the reference from a commit with a pickle to the one of the pull request that adds a safetensors file.
pub(crate) fn safetensors_of(commit: &str) -> String {
    format!("newsdesk/safetensors/{commit}")
}
