//! todo
use anyhow::Result;
pub fn run(_: crate::arguments::Eval) -> Result<std::process::ExitCode> { anyhow::bail!("later") }
