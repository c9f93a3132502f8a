//! Names of models on the Hugging Face hub, looked up in the cache that `hf download` and transformers fill.
//!
//! Nothing is downloaded. The cache's layout: `models--ORG--NAME/refs/REVISION` holds a commit, and
//! `models--ORG--NAME/snapshots/COMMIT` the files.

use crate::failure::Usage;
use anyhow::Result;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A revision that nobody names.
const MAIN: &str = "main";

/// The folder of a model: as it is given, or where the cache has `ORG/NAME` or `ORG/NAME@REVISION`.
///
/// # Errors
/// If it is such a name and neither a folder nor in the cache.
pub fn folder(given: &Path) -> Result<Cow<'_, Path>> {
    let Some(Name { repository, revision }) = given.to_str().filter(|_| !given.exists()).and_then(Name::parse) else {
        return Ok(Cow::Borrowed(given));
    };
    let name = given.display();
    let Some(cache) = cache() else { return Ok(Cow::Borrowed(given)) };
    let model = cache.join(format!("models--{}", repository.replace('/', "--")));
    if !model.is_dir() {
        let message = format!(
            "Failed to open the model `{name}`: there is no such folder, and `{}` does not have it",
            cache.display()
        );
        let option = if revision == MAIN { String::new() } else { format!(" --revision {revision}") };
        let hint = format!("`hf download {repository}{option}` fetches it; Newsdesk downloads nothing");
        return Err(Usage::new(message, hint).into());
    }
    // A revision is a branch or tag, or a commit itself.
    let commit = std::fs::read_to_string(model.join("refs").join(revision)).unwrap_or_else(|_| revision.to_owned());
    let snapshot = model.join("snapshots").join(commit.trim());
    if !snapshot.is_dir() {
        let message =
            format!("Failed to open the model `{name}`: `{}` does not have revision `{revision}`", model.display());
        let hint = format!("`hf download {repository} --revision {revision}` fetches it; Newsdesk downloads nothing");
        return Err(Usage::new(message, hint).into());
    }
    Ok(Cow::Owned(snapshot))
}

/// A model's name on the hub.
#[derive(Debug, PartialEq)]
struct Name<'a> {
    repository: &'a str,
    revision: &'a str,
}

impl<'a> Name<'a> {
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

/// Where the cache is, by the variables that Hugging Face's own tools heed.
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
    fn names_are_told_from_paths() {
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
