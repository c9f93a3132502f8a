//! `newsdesk models pull`: downloads models into the cache.

use crate::exit_code::ExitCode;
use crate::failure::Usage;
use crate::hub;
use anyhow::Result;
use newsdesk_hub::ModelName;

/// Returns the name of a model on the hub.
///
/// # Errors
/// If it is none.
pub fn hub_name(given: &str) -> Result<ModelName> {
    hub::parse(given).ok_or_else(|| {
        let hint = "use ORG/NAME or ORG/NAME@REVISION, as in `ProsusAI/finbert`";
        Usage::new(format!("cannot find `{given}` on the hub: it is not a model name"), hint).into()
    })
}

#[cfg(feature = "hub")]
pub fn run(models: &[String], allow_pickle: bool) -> Result<ExitCode> {
    use super::checkpoint::in_units;
    use crate::failure::{report, say};
    use newsdesk_hub::Hub;

    let names = models.iter().map(|name| hub_name(name)).collect::<Result<Vec<_>>>()?;
    let hub = Hub::new(hub::settings(false))?;
    let pull = |name: &ModelName| -> Result<()> {
        let fetched = hub::with_progress(name, |events| hub.pull(name, &hub::wanted(allow_pickle), events));
        let fetched = fetched.map_err(|error| hub::failed(&format!("cannot download the model `{name}`"), error))?;
        let commits = hub.cache().commits(name).into_iter();
        let size = commits.filter(|model| model.snapshot == fetched.snapshot).map(|model| model.size).sum();
        say(&format!("{} is in the cache: {}", name.at(&fetched.snapshot.commit), in_units(size)));
        Ok(())
    };
    // The other models are downloaded even if one fails.
    let failed: Vec<_> = names.iter().filter_map(|name| pull(name).err()).collect();
    failed.iter().for_each(report);
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

#[cfg(not(feature = "hub"))]
pub fn run(models: &[String], _: bool) -> Result<ExitCode> {
    let name = hub_name(&models[0])?;
    let hint = format!("use `hf download {name}`, or build with the feature `hub`");
    Err(Usage::new(format!("cannot download the model `{name}`: this build downloads nothing"), hint).into())
}
