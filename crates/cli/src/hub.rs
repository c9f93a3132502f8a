//! Models of the Hugging Face hub: found in the cache, or downloaded.

use crate::arguments::OpenArguments;
use crate::failure::{Usage, say};
use crate::remedies;
use anyhow::{Error, Result};
use newsdesk_hub::{Cache, Fetched, Files, HubError, ModelName, Refusal, Settings, Wanted};
#[cfg(feature = "hub")]
use newsdesk_hub::{Event, Hub};
use newsdesk_model::folder::{NeededFiles, architecture_of, is_complete, needed_files};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A model that the command line names: its folder, and where that comes from.
#[derive(Debug, Clone)]
pub struct Found {
    pub folder: PathBuf,
    /// `None` for a folder of the user.
    pub origin: Option<Origin>,
}

/// The model on the hub that a folder is a copy of.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The name that was asked for.
    pub name: ModelName,
    /// The commit that was found.
    pub commit: String,
}

impl Origin {
    /// Returns the name with the commit: `ORG/NAME@COMMIT`. It always names the same files.
    pub fn source(&self) -> String {
        self.name.at(&self.commit).to_string()
    }
}

/// Returns the name of a model on the hub, if the argument is not the path of a folder.
pub fn name(given: &Path) -> Option<ModelName> {
    given.to_str().filter(|_| !given.exists()).and_then(parse)
}

/// Parses the name of a model on the hub, or the address of its page.
pub fn parse(text: &str) -> Option<ModelName> {
    let stem = ["https://huggingface.co/", "hf://"].into_iter().find_map(|start| text.strip_prefix(start));
    ModelName::parse(stem.unwrap_or(text))
}

/// Finds a model: the given path, or for `ORG/NAME[@REVISION]` a folder of the cache. Downloads missing files. Each name is looked
/// up once per process.
///
/// # Errors
/// If it is a name of the hub, and the model can be neither found nor downloaded.
pub fn find(given: &Path, opening: OpenArguments) -> Result<Found> {
    static KNOWN: Mutex<BTreeMap<(PathBuf, bool), Found>> = Mutex::new(BTreeMap::new());
    let Some(name) = name(given) else { return Ok(Found { folder: given.into(), origin: None }) };
    // Not held while a model is downloaded: in the Python package, other threads open models meanwhile.
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (given.to_path_buf(), opening.allow_pickle);
    if let Some(found) = known().get(&key).cloned() {
        return Ok(found);
    }
    let fetched = fetch(&name, opening)
        .map_err(|error| failed(&format!("cannot open the model `{name}`, which is no folder"), error))?;
    let found =
        Found { folder: fetched.snapshot.folder, origin: Some(Origin { name, commit: fetched.snapshot.commit }) };
    known().insert(key, found.clone());
    Ok(found)
}

/// Returns the error to report: `what` failed because of `error`, with its hint. If the model was refused, the error says why.
pub fn failed(what: &str, error: HubError) -> Error {
    match error {
        HubError::Refused { cause, .. } => Error::from_boxed(cause),
        error @ HubError::Io { .. } => Error::from(error).context(what.to_owned()),
        error => Usage { message: format!("{what}: {error}"), hint: remedies::hub::hint(&error) }.into(),
    }
}

/// Returns the settings of the environment and the options.
pub fn settings(offline: bool) -> Settings {
    let settings = Settings::from_environment();
    Settings { offline: offline || settings.offline, ..settings }
}

/// Returns the cache.
///
/// # Errors
/// If the environment names no folder for it.
pub fn cache() -> Result<Cache> {
    Ok(Cache::new(settings(true).cache.ok_or(HubError::NoCache)?))
}

/// Returns which files of a model are needed.
pub fn wanted(allow_pickle: bool) -> Wanted<'static> {
    fn choose(names: &[String], pickle: bool) -> Option<Files> {
        needed_files(names, pickle).map(|NeededFiles { others, weights }| Files { others, weights })
    }
    fn check(folder: &Path) -> Result<(), Refusal> {
        architecture_of(folder)?;
        Ok(())
    }
    Wanted { choose: &choose, check: &check, is_complete: &is_complete, allow_pickle }
}

#[cfg(feature = "hub")]
fn fetch(name: &ModelName, opening: OpenArguments) -> Result<Fetched, HubError> {
    let hub = Hub::new(settings(opening.offline))?;
    with_progress(name, |events| hub.fetch(name, &wanted(opening.allow_pickle), events))
}

/// Gets a model and shows the progress. Reports the pull request that its weights come from, if there is one.
///
/// # Errors
/// That of `get`.
#[cfg(feature = "hub")]
pub fn with_progress(
    name: &ModelName,
    get: impl FnOnce(&mut dyn FnMut(Event)) -> Result<Fetched, HubError>,
) -> Result<Fetched, HubError> {
    let mut progress = crate::output::download::Progress::new(name);
    let fetched = get(&mut |event: Event| progress.show(event));
    progress.finish();
    fetched.inspect(|fetched| report_pull_request(name, fetched))
}

#[cfg(not(feature = "hub"))]
fn fetch(name: &ModelName, opening: OpenArguments) -> Result<Fetched, HubError> {
    let root = settings(true).cache.ok_or(HubError::NoCache)?;
    let fetched = Cache::new(&root).fetched(name, &wanted(opening.allow_pickle));
    let fetched = fetched.ok_or_else(|| HubError::NotCached { name: name.to_string(), cache: root })?;
    report_pull_request(name, &fetched);
    Ok(fetched)
}

/// Says where the weights come from, if they are not those of the revision itself.
fn report_pull_request(name: &ModelName, fetched: &Fetched) {
    if let Some(number) = fetched.pull_request {
        say(&format!(
            "note: `{name}` has its weights as a pickle only; those used are the safetensors of its pull request {number}, which \
             the hub's own bot opened"
        ));
    }
}
