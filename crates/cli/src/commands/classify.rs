//! todo
use anyhow::Result;
pub fn run(_: crate::arguments::Classify) -> Result<std::process::ExitCode> { anyhow::bail!("later") }
