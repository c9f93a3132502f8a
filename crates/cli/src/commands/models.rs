//! todo
use anyhow::Result;
pub fn run(_: crate::arguments::Models) -> Result<std::process::ExitCode> { anyhow::bail!("later") }
