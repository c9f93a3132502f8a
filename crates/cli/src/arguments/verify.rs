//! The arguments of `newsdesk verify`.

use super::shared::{ComputeOptions, OpenArguments, help};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Verify {
    /// File that `newsdesk classify -o FILE` wrote; its manifest is read from FILE.manifest.json
    #[arg(value_name = "OUTPUT")]
    pub output: PathBuf,
    #[arg(long, value_name = "MODEL", help = help::MODEL)]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub opening: OpenArguments,
    /// Number of rows to label again
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..), alias = "rows")]
    pub sample_size: u64,
    /// Seed of the sample
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub compute: ComputeOptions,
    #[arg(long, help = help::JSON)]
    pub json: bool,
}
