//! The arguments of `newsdesk agree`.

use super::shared::{ComputeOptions, OpenArguments, OverwriteOption, TargetColumns, TextColumns, help};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Agree {
    #[arg(value_name = "MODEL", required = true, num_args = 2.., help = format!("{}; at least two", help::MODELS))]
    pub models: Vec<String>,
    #[command(flatten)]
    pub opening: OpenArguments,
    /// Files, folders or globs of articles; labels are not needed
    #[arg(long, value_name = "FILES", required = true, num_args = 1..)]
    pub data: Vec<String>,
    /// Head (classification task) to compare; MODEL=NAME sets it for one model; repeatable [default: heads with the same name]
    ///
    /// MODEL is the model as you typed it, or its name. Heads that are named for two models are compared with each other.
    #[arg(long, value_name = "[MODEL=]NAME", value_parser = NonEmptyStringValueParser::new())]
    pub head: Vec<String>,
    /// TOML file that says which labels of one model agree with which labels of another
    ///
    /// A line such as `World = ["politics", "conflict, war and peace"]` lets `World` agree with both. It does not matter which
    /// of the models has which label. Labels with the same name always agree.
    #[arg(long, value_name = "FILE")]
    pub label_map: Option<PathBuf>,
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
    pub overwrite: OverwriteOption,
    #[command(flatten)]
    pub compute: ComputeOptions,
    #[arg(long, help = help::JSON)]
    pub json: bool,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}
