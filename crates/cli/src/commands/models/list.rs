//! `newsdesk models list`: the models in the cache.

use super::checkpoint::in_units;
use crate::console;
use crate::exit_code::ExitCode;
use crate::hub;
use crate::output::table::table;
use crate::output::terminal;
use anyhow::Result;
use newsdesk_hub::CachedModel;
use newsdesk_model::folder::{architecture_of, is_complete};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

/// Digits of a commit that a table shows.
const SHORT: usize = 12;

/// A model, as `--json` prints it.
#[derive(Serialize)]
struct Listed {
    name: String,
    /// Branches and tags.
    revisions: Vec<String>,
    commit: String,
    /// `None` if it is not supported.
    architecture: Option<String>,
    /// Whether its weights are there.
    complete: bool,
    bytes: u64,
    /// When a file was last read, as RFC 3339, as far as the file system records it.
    last_used: Option<String>,
    folder: PathBuf,
}

pub fn run(json: bool) -> Result<ExitCode> {
    let models: Vec<Listed> = hub::cache()?.models()?.into_iter().map(listed).collect();
    if json {
        console::print_json(&models)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut printed = table(&["model", "revisions", "commit", "architecture", "size", "last used"], &[4]);
    for model in &models {
        let architecture = match (&model.architecture, model.complete) {
            (None, _) => "not supported".into(),
            (Some(name), true) => name.clone(),
            (Some(name), false) => format!("{name}, no weights"),
        };
        let day = model.last_used.as_deref().map_or("", |time| &time[..10]);
        let (revisions, size) = (model.revisions.join(", "), in_units(model.bytes));
        printed.add_row([&model.name, &revisions, &model.commit[..SHORT], &architecture, &size, day]);
    }
    match models.is_empty() {
        true => writeln!(terminal::stdout(), "no models in `{}`", hub::cache()?.root().display())?,
        false => writeln!(terminal::stdout(), "{}", printed.trim_fmt())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(model: CachedModel) -> Listed {
    let folder = model.snapshot.folder;
    let time = |time: SystemTime| humantime::format_rfc3339_seconds(time).to_string();
    Listed {
        name: model.repository,
        // References of our own are no names that a user could give.
        revisions: model.revisions.into_iter().filter(|revision| !revision.starts_with("newsdesk/")).collect(),
        commit: model.snapshot.commit,
        architecture: architecture_of(&folder).ok().map(|name| name.unwrap_or("linear").to_owned()),
        complete: is_complete(&folder, true),
        bytes: model.size,
        // Earlier times cannot be printed.
        last_used: model.last_used.filter(|time| *time >= SystemTime::UNIX_EPOCH).map(time),
        folder,
    }
}
