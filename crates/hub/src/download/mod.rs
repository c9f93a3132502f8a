//! Asks the hub about models and downloads them.

mod address;
mod blob;
mod checksum;
mod client;
mod events;
mod failure;
mod lock;
mod partial;
mod repository;

use crate::cache::{Cache, Snapshot};
use crate::error::{HubError, Result};
use crate::name::ModelName;
use crate::settings::Settings;
use crate::wanted::{Fetched, Files, Wanted, safetensors_of};
use address::scheme;
use blob::Announced;
use client::{About, Client, Method};
pub use events::Event;
use events::Events;
pub use repository::{PullRequest, RemoteFile, Repository};
use std::fs;
use std::path::Path;

/// Maximum size of a file of weights in bytes.
const MAX_WEIGHTS: u64 = 64 << 30;
/// Maximum size of other files in bytes: twice that of the largest tokenizers that are read.
const MAX_OTHER: u64 = 128 << 20;
/// Files that an error names at most.
const NAMED_FILES: usize = 8;

/// The hub, with a cache.
pub struct Hub {
    client: Client,
    cache: Cache,
}

impl Hub {
    /// Returns the hub of these settings. Nothing is asked yet.
    ///
    /// # Errors
    /// If the settings name no cache, or the endpoint is no address.
    pub fn new(settings: Settings) -> Result<Self> {
        let cache = Cache::new(settings.cache.clone().ok_or(HubError::NoCache)?);
        if scheme(&settings.endpoint).is_none() {
            return Err(HubError::BadEndpoint { endpoint: settings.endpoint });
        }
        Ok(Self { client: Client::new(settings), cache })
    }

    /// Returns the cache.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Asks the hub about a model.
    ///
    /// # Errors
    /// If the network must not be used, or the hub is not reached or refuses.
    pub fn repository(&self, name: &ModelName) -> Result<Repository> {
        self.refuse_offline(name)?;
        Repository::ask(&self.client, name, true, &mut Events::new(&mut |_| {}))
    }

    /// Reads a small file of a model without keeping it.
    ///
    /// # Errors
    /// If the network must not be used, the hub refuses, or the file has more than `limit` bytes.
    pub fn read(&self, repository: &Repository, file: &str, limit: u64) -> Result<Vec<u8>> {
        self.refuse_offline(&repository.name)?;
        let url = self.client.url(&format!("{}/resolve/{}/{file}", repository.name.repository, repository.commit));
        let about = About { name: &repository.name, file: Some(file) };
        self.client.with_retries(&mut |_, _| {}, || self.client.send(Method::Get, &url, 0, about)?.read(limit))
    }

    /// Returns a model from the cache, after downloading what is missing or has changed. A commit that is complete in the cache
    /// is not asked about. If the hub cannot be asked, the cached copy is used.
    ///
    /// # Errors
    /// If the model is not in the cache and cannot be downloaded.
    pub fn fetch(&self, name: &ModelName, wanted: &Wanted, events: &mut dyn FnMut(Event)) -> Result<Fetched> {
        let Some(cached) = self.cache.fetched(name, wanted) else { return self.pull(name, wanted, events) };
        // The cache may know the commit by its beginning.
        let is_commit = cached.snapshot.commit.starts_with(&name.revision);
        if is_commit || self.client.settings().offline {
            return Ok(cached);
        }
        let updated = self.update(name, wanted, false, &mut Events::new(events));
        Ok(updated.unwrap_or_else(|cause| {
            events(Event::CachedCopy { cause: &cause });
            cached
        }))
    }

    /// Downloads what is missing of a model or has changed. Without a network, the model must be in the cache.
    ///
    /// # Errors
    /// If the hub is not reached or refuses, or the model has no weights that are wanted.
    pub fn pull(&self, name: &ModelName, wanted: &Wanted, events: &mut dyn FnMut(Event)) -> Result<Fetched> {
        if self.client.settings().offline
            && let Some(cached) = self.cache.fetched(name, wanted)
        {
            return Ok(cached);
        }
        self.update(name, wanted, true, &mut Events::new(events))
    }

    fn refuse_offline(&self, name: &ModelName) -> Result<()> {
        match self.client.settings().offline {
            true => Err(HubError::NotCached { name: name.to_string(), cache: self.cache.root().into() }),
            false => Ok(()),
        }
    }

    fn update(&self, name: &ModelName, wanted: &Wanted, patient: bool, events: &mut Events) -> Result<Fetched> {
        self.refuse_offline(name)?;
        let repository = Repository::ask(&self.client, name, patient, events)?;
        let own = |files: &Files, events: &mut Events| -> Result<Fetched> {
            let snapshot = self.download(name, &repository.commit, files, wanted, events)?;
            Ok(Fetched { snapshot, pull_request: None })
        };
        let names = repository.names();
        if let Some(files) = (wanted.choose)(&names, false) {
            return own(&files, events);
        }
        let pickles = (wanted.choose)(&names, true).ok_or_else(|| no_weights(&repository))?;
        if let Some(cached) = self.cache.fetched(&name.at(&repository.commit), wanted) {
            // Found before, so that it is not looked for again.
            self.cache.refer(name, &name.revision, &repository.commit)?;
            return Ok(cached);
        }
        if let Some(PullRequest { number, commit }) = repository.safetensors(&self.client, events)? {
            let pull_request = name.at(format!("refs/pr/{number}"));
            let changed = Repository::ask(&self.client, &name.at(&commit), patient, events)?;
            if let Some(files) = (wanted.choose)(&changed.names(), false) {
                let snapshot = self.download(&pull_request, &commit, &files, wanted, events)?;
                self.cache.refer(name, &safetensors_of(&repository.commit), &commit)?;
                // Python's library expects a folder for each commit that a reference names.
                let own = self.cache.snapshot(name, &repository.commit);
                fs::create_dir_all(&own).map_err(HubError::io("create", &own))?;
                self.cache.refer(name, &name.revision, &repository.commit)?;
                return Ok(Fetched { snapshot, pull_request: Some(number) });
            }
        }
        match wanted.allow_pickle {
            true => own(&pickles, events),
            false => Err(HubError::OnlyPickle { name: name.to_string() }),
        }
    }

    /// Downloads files of a commit. The revision refers to the commit once all are there.
    fn download(
        &self,
        name: &ModelName,
        commit: &str,
        files: &Files,
        wanted: &Wanted,
        events: &mut Events,
    ) -> Result<Snapshot> {
        let folder = self.cache.snapshot(name, commit);
        let missing = |files: &[String]| files.iter().filter(|file| !folder.join(file).exists()).cloned().collect();
        let (others, weights): (Vec<String>, Vec<String>) = (missing(&files.others), missing(&files.weights));
        let mut ask = |files: &[String], max_size: u64| -> Result<Vec<Announced>> {
            files.iter().map(|file| Announced::ask(&self.client, name, commit, file, max_size, events)).collect()
        };
        let (others, weights) = (ask(&others, MAX_OTHER)?, ask(&weights, MAX_WEIGHTS)?);
        events.expect(others.iter().chain(&weights).map(|file| file.size).fold(0, u64::saturating_add));
        self.place(name, &others, &folder, events)?;
        (wanted.check)(&folder).map_err(|cause| HubError::Refused { name: name.to_string(), cause })?;
        self.place(name, &weights, &folder, events)?;
        self.cache.refer(name, &name.revision, commit)?;
        Ok(Snapshot { folder, commit: commit.into() })
    }

    /// Downloads files into the folder of a commit.
    fn place(&self, name: &ModelName, files: &[Announced], folder: &Path, events: &mut Events) -> Result<()> {
        for file in files {
            let blob = file.download(&self.client, &self.cache, name, events)?;
            link(&blob, folder, &file.file)?;
            events.finish(file.size);
        }
        Ok(())
    }
}

/// Returns the error for a model without weights that could be read.
fn no_weights(repository: &Repository) -> HubError {
    let names: Vec<String> = repository.files.iter().map(|file| format!("`{}`", file.name)).take(NAMED_FILES).collect();
    let more = repository.files.len().saturating_sub(NAMED_FILES);
    let files = match (names.is_empty(), more) {
        (true, _) => "none".into(),
        (_, 0) => names.join(", "),
        (_, more) => format!("{} and {more} more", names.join(", ")),
    };
    HubError::NoWeights { name: repository.name.to_string(), files }
}

impl Cache {
    /// Notes which commit a revision is. The name of a commit needs no note.
    fn refer(&self, name: &ModelName, revision: &str, commit: &str) -> Result<()> {
        if revision == commit || self.reference(name, revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.repository(name).join("refs").join(revision);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(HubError::io("create", folder))?;
        }
        // Outside of `refs`, where every file is a reference, and under a name that no other process has.
        let partial = self.repository(name).join(format!("tmp_{}_{}", std::process::id(), commit));
        let written = fs::write(&partial, commit).and_then(|()| newsdesk_files::finish(&partial, &path));
        written.map_err(HubError::io("write", &path))
    }
}

/// Puts a blob into the folder of a commit under the name of the file: as a link, or a copy where there are no links.
fn link(blob: &Path, folder: &Path, file: &str) -> Result<()> {
    let path = folder.join(file);
    if path.exists() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(HubError::io("create", parent))?;
    #[cfg(unix)]
    {
        let up = "../".repeat(file.split('/').count() + 1);
        let etag = blob.file_name().unwrap_or_default();
        let target = Path::new(&up).join("blobs").join(etag);
        // A link to a blob that is gone would be in the way.
        let _ = fs::remove_file(&path);
        match std::os::unix::fs::symlink(target, &path) {
            Ok(()) => return Ok(()),
            // Another process was faster.
            Err(_) if path.exists() => return Ok(()),
            Err(_) => {}
        }
    }
    let partial = newsdesk_files::with_suffix(&path, format!(".{}", std::process::id()));
    let copied = fs::copy(blob, &partial).and_then(|_| newsdesk_files::finish(&partial, &path));
    copied.map_err(HubError::io("write", path))
}
