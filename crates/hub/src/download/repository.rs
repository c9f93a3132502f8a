//! What the hub says about a model: its commit, its files, its licence; and the pull request that adds safetensors.

use super::client::{About, Client, Method};
use super::events::Events;
use super::failure::Failure;
use crate::error::{HubError, Result};
use crate::name::{ModelName, is_commit};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Maximum size of an answer in bytes.
const MAX_ANSWER: u64 = 32 << 20;
/// Files of a model that are listed at most.
const MAX_FILES: usize = 100_000;
/// Pull requests of the bot whose commits are asked for. There is one for each commit of `main` at most.
const MAX_REQUESTS: usize = 10;
/// Pages of pull requests that are read.
const MAX_PAGES: usize = 5;

/// Who opens pull requests that add safetensors, and how they are titled.
const BOT: &str = "SFconvertbot";
const TITLE: &str = "Adding `safetensors` variant of this model";

/// A model on the hub.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The name that was asked for.
    pub name: ModelName,
    /// The commit that its revision is now.
    pub commit: String,
    /// Its files.
    pub files: Vec<RemoteFile>,
    /// How its owner grants access, such as `auto` or `manual`; `None` if everyone has it.
    pub gated: Option<String>,
    /// Whether only some accounts see it.
    pub private: bool,
    /// The licence that its card states.
    pub licence: Option<String>,
}

/// A file of a model on the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Name, with `/` between folders.
    pub name: String,
    /// Bytes, if the hub says so.
    pub size: Option<u64>,
}

/// A pull request of the hub's own bot that adds a safetensors file to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// The commit with the file.
    pub commit: String,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
    #[serde(default)]
    gated: Value,
    #[serde(default)]
    private: bool,
    #[serde(default, rename = "cardData")]
    card: Value,
    #[serde(default)]
    tags: Vec<Value>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Discussions {
    #[serde(default)]
    discussions: Vec<Discussion>,
    #[serde(default)]
    count: usize,
    #[serde(default)]
    start: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discussion {
    num: u64,
    #[serde(default)]
    title: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    is_pull_request: bool,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

impl Repository {
    /// Asks the hub about a model. With `patient`, tries again where that may help.
    ///
    /// # Errors
    /// If the hub is not reached, refuses, or answers nonsense.
    pub(super) fn ask(client: &Client, name: &ModelName, patient: bool, events: &mut Events) -> Result<Self> {
        let url = client.url(&format!(
            "api/models/{}/revision/{}?blobs=true",
            name.repository,
            name.revision.replace('/', "%2F")
        ));
        let answer: Answer = client.with_retries(&mut |error, wait| events.retrying(error, wait), || {
            let failed = |failure| match failure {
                // Without a network, the caller is told at once.
                Failure::Passing(error @ HubError::Unreachable { connected: false, .. }, _) => Failure::Final(error),
                Failure::Passing(error, _) if !patient => Failure::Final(error),
                failure => failure,
            };
            json(client, &url, name).map_err(failed)
        })?;
        let wrong = |what: &str| HubError::Answer { url: url.clone(), what: what.into() };
        if !is_commit(&answer.sha) {
            return Err(wrong("no commit"));
        }
        if name.is_fixed() && answer.sha != name.revision {
            return Err(wrong("another commit than was asked for"));
        }
        if answer.siblings.len() > MAX_FILES {
            return Err(wrong("too many files"));
        }
        let of_tag = || answer.tags.iter().find_map(|tag| tag.as_str()?.strip_prefix("license:"));
        let licence = answer.card.get("license").and_then(Value::as_str).or_else(of_tag).map(str::to_owned);
        let gated = match &answer.gated {
            Value::String(kind) => Some(kind.clone()),
            Value::Bool(true) => Some("yes".into()),
            _ => None,
        };
        // Names that cannot be those of files in a folder are left out: they belong to no model.
        let files = answer.siblings.into_iter().filter(|file| is_inside(&file.rfilename));
        let files = files.map(|file| RemoteFile { name: file.rfilename, size: file.size }).collect();
        Ok(Self { name: name.clone(), commit: answer.sha, files, gated, private: answer.private, licence })
    }

    /// Returns the names of all files.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }

    /// Finds the open pull request of the hub's own bot that adds a safetensors file to exactly this commit.
    ///
    /// # Errors
    /// If the hub is not reached, refuses, or answers nonsense.
    pub(super) fn safetensors(&self, client: &Client, events: &mut Events) -> Result<Option<PullRequest>> {
        let repository = &self.name.repository;
        let mut ask = |url: &str| -> Result<Vec<u8>> {
            client.with_retries(&mut |error, wait| events.retrying(error, wait), || bytes(client, url, &self.name))
        };
        let mut compared = 0;
        for page in 0..MAX_PAGES {
            let url =
                client.url(&format!("api/models/{repository}/discussions?p={page}&type=pull_request&status=open"));
            let answer: Discussions = parsed(&ask(&url)?, &url)?;
            for discussion in answer.discussions.iter().filter(|discussion| discussion.is_of_bot()) {
                compared += 1;
                if compared > MAX_REQUESTS {
                    return Ok(None);
                }
                let number = discussion.num;
                let url = client.url(&format!("api/models/{repository}/commits/refs%2Fpr%2F{number}"));
                let commits: Vec<Commit> = parsed(&ask(&url)?, &url)?;
                // One commit on top of this one: nothing else differs.
                if let [commit, parent, ..] = &commits[..]
                    && parent.id == self.commit
                    && is_commit(&commit.id)
                {
                    return Ok(Some(PullRequest { number, commit: commit.id.clone() }));
                }
            }
            if answer.discussions.is_empty() || answer.start.saturating_add(answer.discussions.len()) >= answer.count {
                break;
            }
        }
        Ok(None)
    }
}

impl Discussion {
    fn is_of_bot(&self) -> bool {
        let is_bot = self.author.as_ref().is_some_and(|author| author.name == BOT);
        is_bot && self.is_pull_request && self.status == "open" && self.title == TITLE
    }
}

/// Returns what the hub answers.
fn bytes(client: &Client, url: &str, name: &ModelName) -> Result<Vec<u8>, Failure> {
    client.send(Method::Get, url, 0, About { name, file: None })?.read(MAX_ANSWER)
}

/// Returns what the hub answers, from JSON.
fn json<T: DeserializeOwned>(client: &Client, url: &str, name: &ModelName) -> Result<T, Failure> {
    Ok(parsed(&bytes(client, url, name)?, url)?)
}

fn parsed<T: DeserializeOwned>(bytes: &[u8], url: &str) -> Result<T> {
    let wrong = |error| HubError::Answer { url: url.to_owned(), what: format!("an invalid answer ({error})") };
    serde_json::from_slice(bytes).map_err(wrong)
}

/// Returns whether a name from the server is that of a file inside a folder.
pub fn is_inside(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= 255;
    name.len() <= 1024 && !name.contains(['\\', ':', '\0']) && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_a_folder_are_no_files() {
        for evil in ["../x", "a/../../x", "/etc/passwd", "a//b", "C:x", "a\\b", "", "."] {
            assert!(!is_inside(evil), "{evil:?}");
        }
        assert!(is_inside("1_Pooling/config.json") && is_inside(".gitattributes"));
    }
}
