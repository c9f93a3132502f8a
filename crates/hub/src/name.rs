//! Names of models on the hub.

use std::fmt::{self, Display, Formatter};

/// The revision of a name without one.
const MAIN: &str = "main";

/// The name of a model on the hub: `ORG/NAME` or `ORG/NAME@REVISION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// `ORG/NAME`.
    pub repository: String,
    /// A branch, a tag, a pull request (`refs/pr/N`) or a commit.
    pub revision: String,
}

impl ModelName {
    /// Parses a name; `None` for anything else, such as a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, MAIN));
        let (organisation, name) = repository.split_once('/')?;
        let is_word = |word: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(is_plain) && word.len() <= 96
        };
        (is_word(organisation) && is_word(name) && is_revision(revision))
            .then(|| Self { repository: repository.into(), revision: revision.into() })
    }

    /// Returns the same model at another revision.
    pub fn at(&self, revision: impl Into<String>) -> Self {
        Self { repository: self.repository.clone(), revision: revision.into() }
    }

    /// Returns whether the revision is a commit, whose files never change.
    pub fn is_fixed(&self) -> bool {
        is_commit(&self.revision)
    }
}

/// `ORG/NAME`, with `@REVISION` unless it is `main`.
impl Display for ModelName {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.revision.as_str() {
            MAIN => f.write_str(&self.repository),
            revision => write!(f, "{}@{revision}", self.repository),
        }
    }
}

/// Returns whether this is the hash of a commit: 40 hexadecimal digits.
pub fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Returns whether git allows this name, and it can be a path of the cache.
fn is_revision(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./+".contains(c);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.');
    text.len() <= 200 && text.chars().all(is_plain) && text.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_the_hub_are_distinguished_from_paths() {
        let name = |text| ModelName::parse(text).map(|name| (name.repository, name.revision));
        let pair = |repository: &str, revision: &str| Some((repository.to_owned(), revision.to_owned()));
        assert_eq!(name("acme/news-model"), pair("acme/news-model", "main"));
        assert_eq!(name("acme/news@v1.0"), pair("acme/news", "v1.0"));
        assert_eq!(name("acme/news@refs/pr/4"), pair("acme/news", "refs/pr/4"));
        for path in [
            "model",
            "./acme/news",
            "../news",
            "/acme/news",
            "a/b/c",
            "acme/",
            "acme/news@",
            "acme/news@../x",
            "acme/news@a//b",
            "acme/news@/a",
            "acme/news@a b",
            "C:\\x",
        ] {
            assert_eq!(name(path), None, "{path}");
        }
    }

    #[test]
    fn names_are_written_as_they_are_read() {
        for text in ["acme/news", "acme/news@v1.0"] {
            assert_eq!(ModelName::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(ModelName::parse("acme/news@main").unwrap().to_string(), "acme/news");
    }

    #[test]
    fn commits_are_fixed() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert!(ModelName::parse("a/b").unwrap().at(commit).is_fixed());
        for other in ["main", "0123", &commit.to_uppercase()] {
            assert!(!is_commit(other), "{other}");
        }
    }
}
