//! `newsdesk models info` of a model that is on the hub and not in the cache.

use super::checkpoint::in_units;
use crate::console;
use crate::exit_code::ExitCode;
use crate::hub;
use crate::output::terminal;
use anyhow::Result;
use newsdesk_hub::{Hub, HubError, ModelName, Repository};
use newsdesk_model::folder::{architecture_of_config, needed_files};
use serde::Serialize;
use serde_json::Value;
use std::io::Write;

/// Maximum size of a `config.json` in bytes.
const MAX_CONFIG: u64 = 16 << 20;

/// What the hub says about a model.
#[derive(Serialize)]
struct Info {
    name: String,
    commit: String,
    /// `None` if it is not supported.
    architecture: Option<&'static str>,
    /// In the order of the model's outputs.
    labels: Vec<String>,
    licence: Option<String>,
    gated: Option<String>,
    private: bool,
    /// Bytes that `models pull` downloads; `None` if the hub does not say.
    bytes: Option<u64>,
    /// Why the model cannot be used, and what is unusual.
    notes: Vec<String>,
}

/// Shows a model without downloading it.
///
/// # Errors
/// If the hub is not reached or refuses.
pub fn run(name: &ModelName, json: bool) -> Result<ExitCode> {
    let hub = Hub::new(hub::settings(false))?;
    let info = info(&hub, name);
    let info = info.map_err(|error| hub::failed(&format!("cannot ask about the model `{name}`"), error))?;
    match json {
        true => console::print_json(&info)?,
        false => write!(terminal::stdout(), "{}", describe(&info))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn info(hub: &Hub, name: &ModelName) -> Result<Info, HubError> {
    let repository = hub.repository(name)?;
    let mut notes = vec![];
    let config = match hub.read(&repository, "config.json", MAX_CONFIG) {
        Ok(config) => config,
        Err(HubError::NoFile { .. }) => {
            notes.push("not supported: it has no `config.json`".into());
            vec![]
        }
        // The hub describes gated models to everyone.
        Err(error @ HubError::Gated { .. }) => {
            notes.push(error.to_string());
            vec![]
        }
        Err(error) => return Err(error),
    };
    let architecture = match config.is_empty() {
        true => None,
        false => match architecture_of_config(&config, "config.json") {
            Ok(architecture) => Some(architecture),
            Err(error) => {
                notes.push(format!("not supported: {error}"));
                None
            }
        },
    };
    let [safe, any] = [false, true].map(|pickle| needed_files(&repository.names(), pickle));
    if safe.is_none() {
        notes.push(match &any {
            Some(_) => "its weights are a pickle; `--allow-pickle` reads it, unless the hub's bot has opened a pull request with safetensors".into(),
            None => "not supported: it has no weights as safetensors or as a pickle of torch".into(),
        });
    }
    let bytes = safe.or(any).and_then(|files| bytes(&repository, files.others.iter().chain(&files.weights)));
    let Repository { commit, licence, gated, private, .. } = repository;
    let labels = serde_json::from_slice(&config).map(|config| labels(&config)).unwrap_or_default();
    Ok(Info { name: name.to_string(), commit, architecture, labels, licence, gated, private, bytes, notes })
}

/// Returns the bytes of some files, if all are known.
fn bytes<'n>(repository: &Repository, names: impl Iterator<Item = &'n String>) -> Option<u64> {
    let size = |name: &String| repository.files.iter().find(|file| file.name == *name)?.size;
    names.map(size).sum()
}

/// Returns the labels of a `config.json` in the order of their numbers.
fn labels(config: &Value) -> Vec<String> {
    let names = config["id2label"].as_object().into_iter().flatten();
    let mut labels: Vec<(u64, &str)> =
        names.filter_map(|(id, name)| Some((id.parse().ok()?, name.as_str()?))).collect();
    labels.sort();
    labels.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// Describes a model for a terminal.
fn describe(info: &Info) -> String {
    let mut lines = vec![info.name.clone(), String::new(), format!("commit    {}", info.commit)];
    lines.extend(info.architecture.map(|name| format!("encoder   {name}")));
    lines.extend(info.licence.as_ref().map(|licence| format!("licence   {licence}")));
    lines.extend(info.gated.as_ref().map(|_| "access    gated: its owner must grant it".to_owned()));
    lines.extend(info.private.then(|| "access    private".to_owned()));
    lines.extend(info.bytes.map(|bytes| format!("download  {}", in_units(bytes))));
    lines.extend(info.notes.iter().map(|note| format!("note      {note}")));
    if !info.labels.is_empty() {
        lines.push(format!("\n{} labels: {}", info.labels.len(), info.labels.join(", ")));
    }
    lines.push("\nIt is not in the cache. Nothing was downloaded.".into());
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_are_in_the_order_of_their_numbers() {
        let config = json!({ "id2label": { "10": "k", "2": "c", "0": "a" } });
        assert_eq!(labels(&config), ["a", "c", "k"]);
        assert!(labels(&json!({})).is_empty());
    }
}
