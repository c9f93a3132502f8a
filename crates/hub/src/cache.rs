//! The cache on disk: finds, lists and removes models.

use crate::error::{HubError, Result};
use crate::name::{ModelName, is_commit};
use hf_hub::{Repo, RepoType};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Maximum size of a file in `refs` in bytes.
const MAX_REF: u64 = 1024;
/// Maximum depth of folders in which files are found. Models of the hub have few.
const MAX_DEPTH: usize = 16;
/// Digits that the beginning of a commit must have.
const MIN_COMMIT: usize = 7;

/// A folder in which tools of Hugging Face keep models.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// A model in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder with the files of the model.
    pub folder: PathBuf,
    /// The commit that these files are of.
    pub commit: String,
}

/// One commit of a model in the cache, as [`Cache::models`] lists it.
#[derive(Debug, Clone)]
pub struct CachedModel {
    /// `ORG/NAME`.
    pub repository: String,
    /// The files.
    pub snapshot: Snapshot,
    /// The names of the files, with `/` between folders.
    pub files: Vec<String>,
    /// Branches and tags that are this commit.
    pub revisions: Vec<String>,
    /// Bytes on disk. Files that several commits share count for each.
    pub size: u64,
    /// When one of the files was last read, as far as the file system records it.
    pub last_used: Option<SystemTime>,
}

impl Cache {
    /// Returns the cache in this folder, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns the folder of the cache.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder of a repository.
    pub fn repository(&self, name: &ModelName) -> PathBuf {
        self.root.join(Self::folder_name(name))
    }

    /// Returns the name of a repository's folder.
    pub(crate) fn folder_name(name: &ModelName) -> String {
        Repo::new(name.repository.clone(), RepoType::Model).folder_name()
    }

    /// Returns the commit of a model's revision, if the cache knows it: a branch, a tag, a commit or the beginning of one.
    pub fn commit(&self, name: &ModelName) -> Option<String> {
        if name.is_fixed() {
            return Some(name.revision.clone());
        }
        let of_beginning = || {
            let is_beginning =
                name.revision.len() >= MIN_COMMIT && name.revision.bytes().all(|b| b.is_ascii_hexdigit());
            let commits = if is_beginning { self.commit_names(name) } else { vec![] };
            let mut found = commits.into_iter().filter(|commit| commit.starts_with(&name.revision));
            found.next().filter(|_| found.next().is_none())
        };
        self.reference(name, &name.revision).or_else(of_beginning)
    }

    /// Finds the folder of a model's revision.
    pub fn find(&self, name: &ModelName) -> Option<Snapshot> {
        let commit = self.commit(name)?;
        let folder = self.snapshot(name, &commit);
        folder.is_dir().then_some(Snapshot { folder, commit })
    }

    /// Returns the folder of a commit, which need not exist.
    pub(crate) fn snapshot(&self, name: &ModelName, commit: &str) -> PathBuf {
        self.repository(name).join("snapshots").join(commit)
    }

    /// Returns the commit that a file in `refs` holds.
    pub(crate) fn reference(&self, name: &ModelName, revision: &str) -> Option<String> {
        commit_of(&self.repository(name).join("refs").join(revision))
    }

    /// Returns the names of revisions with their commits.
    pub(crate) fn references(&self, name: &ModelName) -> Vec<(String, String)> {
        let mut references = vec![];
        walk(&self.repository(name).join("refs"), "", MAX_DEPTH + 1, &mut |name, path| {
            if let Some(commit) = commit_of(path) {
                references.push((name.to_owned(), commit));
            }
        });
        references.sort();
        references
    }

    /// Lists all commits of all models, by name.
    ///
    /// # Errors
    /// If the folder of the cache exists and cannot be read. Whatever else is in it is ignored.
    pub fn models(&self) -> Result<Vec<CachedModel>> {
        let folders = match fs::read_dir(&self.root) {
            Ok(folders) => folders,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(HubError::io("read", &self.root)(error)),
        };
        let names = folders.flatten().filter_map(|folder| name_of_folder(folder.file_name().to_str()?));
        let mut models: Vec<CachedModel> = names.flat_map(|name| self.commits(&name)).collect();
        models.sort_by(|a, b| (&a.repository, &a.snapshot.commit).cmp(&(&b.repository, &b.snapshot.commit)));
        Ok(models)
    }

    /// Lists the commits of a model.
    pub fn commits(&self, name: &ModelName) -> Vec<CachedModel> {
        let references = self.references(name);
        let commits = self.commit_names(name).into_iter();
        let model = |commit: String| {
            let folder = self.snapshot(name, &commit);
            let files = files_of(&folder);
            let metadata: Vec<_> = files.iter().filter_map(|file| fs::metadata(folder.join(file)).ok()).collect();
            let revisions = references.iter().filter(|(_, of)| *of == commit).map(|(name, _)| name.clone()).collect();
            CachedModel {
                repository: name.repository.clone(),
                files,
                revisions,
                size: metadata.iter().map(fs::Metadata::len).sum(),
                last_used: metadata.iter().filter_map(|file| file.accessed().ok()).max(),
                snapshot: Snapshot { folder, commit },
            }
        };
        commits.map(model).collect()
    }

    /// Returns the commits whose files are here.
    fn commit_names(&self, name: &ModelName) -> Vec<String> {
        let folders = fs::read_dir(self.repository(name).join("snapshots")).into_iter().flatten().flatten();
        folders.filter_map(|folder| folder.file_name().into_string().ok()).filter(|name| is_commit(name)).collect()
    }

    /// Removes all commits of a model. Returns the number of bytes that this frees.
    ///
    /// # Errors
    /// If there is no such model in the cache, or a file cannot be removed.
    pub fn remove_all(&self, name: &ModelName) -> Result<u64> {
        let repository = self.repository(name);
        if !repository.is_dir() {
            return Err(self.nothing(name));
        }
        let _locks = self.lock_all(name)?;
        let size = size_of_folder(&repository);
        remove_folder(&repository)?;
        Ok(size)
    }

    /// Removes the commit of a model's revision. Files that other commits share stay. Returns the number of bytes that this
    /// frees.
    ///
    /// # Errors
    /// If there is no such commit in the cache, or a file cannot be removed.
    pub fn remove(&self, name: &ModelName) -> Result<u64> {
        let snapshot = self.find(name).ok_or_else(|| self.nothing(name))?;
        let others: Vec<Snapshot> =
            self.commits(name).into_iter().map(|model| model.snapshot).filter(|other| *other != snapshot).collect();
        if others.is_empty() {
            return self.remove_all(name);
        }
        let _locks = self.lock_all(name)?;
        let repository = self.repository(name);
        let before = size_of_folder(&repository);
        let kept: Vec<PathBuf> = others.iter().flat_map(|other| self.blobs(name, other)).collect();
        let removed = self.blobs(name, &snapshot);
        remove_folder(&snapshot.folder)?;
        for blob in removed.iter().filter(|blob| !kept.contains(blob) && blob.exists()) {
            fs::remove_file(blob).map_err(HubError::io("remove", blob))?;
        }
        for (revision, _) in self.references(name).iter().filter(|(_, commit)| *commit == snapshot.commit) {
            let path = repository.join("refs").join(revision);
            fs::remove_file(&path).map_err(HubError::io("remove", &path))?;
        }
        Ok(before - size_of_folder(&repository).min(before))
    }

    /// Returns the blobs to which the files of a commit link. Only the name of a link's target counts, so that no link leads out
    /// of the cache.
    fn blobs(&self, name: &ModelName, snapshot: &Snapshot) -> Vec<PathBuf> {
        let blobs = self.repository(name).join("blobs");
        let targets =
            files_of(&snapshot.folder).into_iter().filter_map(|file| fs::read_link(snapshot.folder.join(file)).ok());
        targets.filter_map(|target| Some(blobs.join(target.file_name()?))).collect()
    }

    /// Takes the locks of all files that were ever downloaded, so that no other process downloads one meanwhile. The files of the
    /// locks stay, because another process may be waiting for one.
    fn lock_all(&self, name: &ModelName) -> Result<Vec<fs::File>> {
        let paths = fs::read_dir(self.locks(name)).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut locks = vec![];
        for path in paths.filter(|path| path.extension().is_some_and(|end| end == "lock")) {
            let file = fs::File::options().read(true).write(true).open(&path).map_err(HubError::io("open", &path))?;
            if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
                return Err(HubError::Busy { name: name.to_string() });
            }
            locks.push(file);
        }
        Ok(locks)
    }

    /// Returns the folder with the locks of a repository.
    pub(crate) fn locks(&self, name: &ModelName) -> PathBuf {
        self.root.join(".locks").join(Self::folder_name(name))
    }

    fn nothing(&self, name: &ModelName) -> HubError {
        HubError::NothingToRemove { name: name.to_string(), cache: self.root.clone() }
    }
}

/// Returns the names of all files of a folder, with `/` between folders, sorted.
pub(crate) fn files_of(folder: &Path) -> Vec<String> {
    let mut files = vec![];
    walk(folder, "", MAX_DEPTH, &mut |name, path| {
        if path.is_file() {
            files.push(name.to_owned());
        }
    });
    files.sort();
    files
}

/// Calls a function for everything in a folder that is no folder. Unreadable folders count as empty.
fn walk(folder: &Path, prefix: &str, depth: usize, of: &mut dyn FnMut(&str, &Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let (name, path) = (format!("{prefix}{name}"), entry.path());
        // A link to a folder is not followed: it may be a circle.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 1 => walk(&path, &format!("{name}/"), depth - 1, of),
            _ => of(&name, &path),
        }
    }
}

/// Returns the commit that a file holds.
fn commit_of(path: &Path) -> Option<String> {
    let is_small = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= MAX_REF);
    let text = is_small.then(|| fs::read_to_string(path).ok()).flatten()?;
    Some(text.trim().to_owned()).filter(|commit| is_commit(commit))
}

/// Returns the name of the model in a folder such as `models--acme--news`.
fn name_of_folder(folder: &str) -> Option<ModelName> {
    // Two dashes may be part of either word, but no word of the hub has them.
    ModelName::parse(&folder.strip_prefix("models--")?.replacen("--", "/", 1))
}

fn remove_folder(path: &Path) -> Result<()> {
    fs::remove_dir_all(path).map_err(HubError::io("remove", path))
}

/// Returns the bytes of the files in a folder, without following links.
fn size_of_folder(folder: &Path) -> u64 {
    let mut size = 0;
    walk(folder, "", MAX_DEPTH + 2, &mut |_, path| size += fs::symlink_metadata(path).map_or(0, |file| file.len()));
    size
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FIRST: &str = "1111111111111111111111111111111111111111";
    const SECOND: &str = "2222222222222222222222222222222222222222";

    /// A cache with a model of two commits, which share `config.json`.
    fn cache() -> (tempfile::TempDir, Cache, ModelName) {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("models--acme--news");
        let write = |path: &str, text: &str| {
            let path = model.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("blobs/c", "{}");
        for (commit, weights) in [(FIRST, "w1"), (SECOND, "w22")] {
            write(&format!("blobs/{weights}"), weights);
            let snapshot = model.join("snapshots").join(commit);
            fs::create_dir_all(&snapshot).unwrap();
            link("../../blobs/c", &snapshot.join("config.json"));
            link(&format!("../../blobs/{weights}"), &snapshot.join("model.safetensors"));
        }
        write("refs/main", SECOND);
        write("refs/refs/pr/4", FIRST);
        write("refs/broken", "../../../etc");
        let cache = Cache::new(folder.path());
        (folder, cache, ModelName::parse("acme/news").unwrap())
    }

    fn link(target: &str, path: &Path) {
        #[cfg(unix)]
        std::os::unix::fs::symlink(target, path).unwrap();
        #[cfg(not(unix))]
        fs::copy(path.parent().unwrap().join(target), path).unwrap();
    }

    #[test]
    fn revisions_are_found_by_branch_pull_request_and_commit() {
        let (_folder, cache, name) = cache();
        let commit = |revision: &str| cache.find(&name.at(revision)).map(|found| found.commit);
        assert_eq!(commit("main").unwrap(), SECOND);
        assert_eq!(commit("refs/pr/4").unwrap(), FIRST);
        assert_eq!(commit(FIRST).unwrap(), FIRST);
        for unknown in ["broken", "other", "3333333333333333333333333333333333333333"] {
            assert_eq!(commit(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn models_are_listed_with_their_revisions_and_sizes() {
        let (folder, cache, _) = cache();
        fs::create_dir(folder.path().join("datasets--acme--set")).unwrap();
        fs::write(folder.path().join("version.txt"), "1").unwrap();
        let models = cache.models().unwrap();
        let found: Vec<_> = models
            .iter()
            .map(|m| (m.repository.as_str(), m.snapshot.commit.as_str(), &m.revisions[..], m.size))
            .collect();
        let (pr, main) = (["refs/pr/4".to_string()], ["main".to_string()]);
        assert_eq!(found, [("acme/news", FIRST, &pr[..], 4), ("acme/news", SECOND, &main[..], 5)]);
        assert!(Cache::new(folder.path().join("none")).models().unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_commit_is_removed_without_the_files_that_others_share() {
        let (folder, cache, name) = cache();
        let blobs = folder.path().join("models--acme--news").join("blobs");
        assert!(cache.remove(&name.at(FIRST)).unwrap() >= 2);
        assert!(blobs.join("c").exists() && blobs.join("w22").exists() && !blobs.join("w1").exists());
        assert_eq!((cache.find(&name.at("refs/pr/4")), cache.models().unwrap().len()), (None, 1));
        cache.remove(&name).unwrap();
        assert!(cache.models().unwrap().is_empty());
        assert!(matches!(cache.remove(&name), Err(HubError::NothingToRemove { .. })));
        assert!(matches!(cache.remove_all(&name), Err(HubError::NothingToRemove { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_out_of_the_cache_remove_nothing_there() {
        let (folder, cache, name) = cache();
        let outside = folder.path().join("precious");
        fs::write(&outside, "text").unwrap();
        link(outside.to_str().unwrap(), &cache.snapshot(&name, FIRST).join("tokenizer.json"));
        cache.remove(&name.at(FIRST)).unwrap();
        cache.remove_all(&name).unwrap();
        assert!(outside.exists());
    }
}
