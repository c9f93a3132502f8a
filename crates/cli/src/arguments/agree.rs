//! The arguments of `newsdesk agree`.

use super::shared::{ComputeOptions, TargetColumns, TextColumns, help};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Agree {
    #[arg(value_name = "MODEL", required = true, num_args = 2.., help = format!("{}; at least two", help::MODELS))]
    pub models: Vec<String>,
    /// Files, folders or globs of articles; labels are not needed
    #[arg(long, value_name = "FILES", required = true, num_args = 1..)]
    pub data: Vec<String>,
    #[command(flatten)]
    pub columns: TextColumns,
    #[command(flatten)]
    pub target: TargetColumns,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help = help::LIMIT)]
    pub limit: Option<u64>,
    /// Write the rows on which the models differ here, with the predictions of each model
    #[arg(long, value_name = "FILE", alias = "rows")]
    pub disagreements: Option<PathBuf>,
    #[command(flatten)]
    pub compute: ComputeOptions,
    #[arg(long, help = help::JSON)]
    pub json: bool,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}
