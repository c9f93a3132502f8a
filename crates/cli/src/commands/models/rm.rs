//! `newsdesk models rm`: removes models from the cache.

use super::checkpoint::in_units;
use super::pull::hub_name;
use crate::failure::say;
use crate::hub;
use anyhow::Result;
use std::process::ExitCode;

pub fn run(models: &[String]) -> Result<ExitCode> {
    let (names, cache) = (models.iter().map(|name| hub_name(name)).collect::<Result<Vec<_>>>()?, hub::cache()?);
    for name in names {
        let freed = cache.remove(&name);
        let freed = freed.map_err(|error| hub::failed(&format!("cannot remove the model `{name}`"), error))?;
        say(&format!("removed {name}: {}", in_units(freed)));
    }
    Ok(ExitCode::SUCCESS)
}
