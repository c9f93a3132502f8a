//! Finds models of the Hugging Face hub in the local cache, which `hf download` and transformers fill. Downloads nothing.
//!
//! In the cache, `models--ORG--NAME/refs/REVISION` is a file with a commit hash, and `models--ORG--NAME/snapshots/COMMIT`
//! is a folder with the model.

use crate::failure::Usage;
use anyhow::Result;
use newsdesk_files::read::regular_text;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Maximum size of a file in `refs` in bytes.
const MAX_REF: u64 = 1024;

/// Revision of a name without one.
const MAIN: &str = "main";

/// Returns the folder of a model: the given path, or the folder in the cache for `ORG/NAME` or `ORG/NAME@REVISION`.
///
/// # Errors
/// If it is a name of the hub that is neither a folder nor in the cache.
pub fn folder(given: &Path) -> Result<Cow<'_, Path>> {
    let Some(Name { repository, revision }) = given.to_str().filter(|_| !given.exists()).and_then(Name::parse) else {
        return Ok(Cow::Borrowed(given));
    };
    let name = given.display();
    let Some(cache) = cache() else { return Ok(Cow::Borrowed(given)) };
    let model = cache.join(format!("models--{}", repository.replace('/', "--")));
    if !model.is_dir() {
        let message = format!(
            "cannot open the model `{name}`: there is no such folder, and it is not in the cache `{}`",
            cache.display()
        );
        let option = if revision == MAIN { String::new() } else { format!(" --revision {revision}") };
        let hint = format!("download it with `hf download {repository}{option}`; Newsdesk downloads nothing itself");
        return Err(Usage::new(message, hint).into());
    }
    // A revision without a file in `refs` is a commit hash.
    let commit = regular_text(&model.join("refs").join(revision), MAX_REF).unwrap_or_else(|_| revision.to_owned());
    let snapshot = model.join("snapshots").join(commit.trim());
    if !snapshot.is_dir() {
        let message =
            format!("cannot open the model `{name}`: `{}` does not have revision `{revision}`", model.display());
        let hint = format!(
            "download it with `hf download {repository} --revision {revision}`; Newsdesk downloads nothing itself"
        );
        return Err(Usage::new(message, hint).into());
    }
    Ok(Cow::Owned(snapshot))
}

/// Name of a model on the hub.
#[derive(Debug, PartialEq)]
struct Name<'a> {
    repository: &'a str,
    revision: &'a str,
}

impl<'a> Name<'a> {
    /// Parses `ORG/NAME` or `ORG/NAME@REVISION`; `None` for anything else.
    fn parse(text: &'a str) -> Option<Self> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, MAIN));
        let (organisation, name) = repository.split_once('/')?;
        let is_word = |word: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(is_plain)
        };
        let is_revision = !revision.is_empty() && !revision.contains("..") && !revision.starts_with('/');
        (is_word(organisation) && is_word(name) && is_revision).then_some(Self { repository, revision })
    }
}

/// Returns the folder of the cache, from the same environment variables that Hugging Face's own tools use.
fn cache() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").or_else(|| variable("USERPROFILE"));
    variable("HF_HUB_CACHE")
        .or_else(|| variable("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("huggingface").join("hub")))
        .or_else(|| home().map(|home| home.join(".cache").join("huggingface").join("hub")))
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn hub_names_are_distinguished_from_paths() {
        let name = |text| Name::parse(text).map(|name| (name.repository, name.revision));
        assert_eq!(name("acme/news-model"), Some(("acme/news-model", "main")));
        assert_eq!(name("acme/news@v1.0"), Some(("acme/news", "v1.0")));
        for path in
            ["model", "./acme/news", "../news", "/acme/news", "a/b/c", "acme/", "acme/news@", "acme/news@../x", "C:\\x"]
        {
            assert_eq!(name(path), None, "{path}");
        }
    }
}
