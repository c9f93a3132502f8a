//! `newsdesk models rm`: removes models from the cache.

use super::checkpoint::in_units;
use super::pull::hub_name;
use crate::exit_code::ExitCode;
use crate::failure::say;
use crate::hub;
use anyhow::Result;

pub fn run(models: &[String]) -> Result<ExitCode> {
    let names = models.iter().map(|given| Ok((given, hub_name(given)?))).collect::<Result<Vec<_>>>()?;
    let cache = hub::cache()?;
    for (given, name) in names {
        // `@main` names one commit, and a name without a revision all of them.
        let freed = if given.contains('@') { cache.remove(&name) } else { cache.remove_all(&name) };
        let freed = freed.map_err(|error| hub::failed(&format!("cannot remove the model `{given}`"), error))?;
        say(&format!("removed {given}: {}", in_units(freed)));
    }
    Ok(ExitCode::SUCCESS)
}
