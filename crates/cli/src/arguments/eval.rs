//! The arguments of `newsdesk eval`.

use super::shared::{ComputeOptions, DataSetOptions, OpenArguments, OverwriteOption, Thresholds, help};
use clap::Args;
use newsdesk_model::DtypeChoice;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Eval {
    #[arg(value_name = "MODEL", help = help::MODEL)]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub opening: OpenArguments,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,

    #[arg(long, value_name = "DATASET", required = true, num_args = 1.., help = help::DATA, help_heading = "Data")]
    pub data: Vec<String>,
    #[arg(long, value_name = "NAME", help = format!("{} [default: test]", help::SPLIT), help_heading = "Data")]
    pub split: Option<String>,
    #[command(flatten, next_help_heading = "Data")]
    pub data_set: DataSetOptions,

    /// Add metrics for each value of a column, such as the language or the source; `length` groups by word count; repeatable
    #[arg(long, value_name = "COLUMN", help_heading = "Output")]
    pub by: Vec<String>,
    /// Write the rows with wrong predictions here, the most confident first (.jsonl, .csv, .tsv, .arrows, .parquet)
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub errors: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = help::REPORT, help_heading = "Output")]
    pub report: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Output")]
    pub overwrite: OverwriteOption,
    /// Print JSON instead of tables: an array with one object per data set
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    #[command(flatten, next_help_heading = "Output")]
    pub thresholds: Thresholds,

    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), alias = "windows", help = help::MAX_WINDOWS, help_heading = "Computation")]
    pub max_windows: Option<u32>,
    #[arg(long, default_value_t, value_name = "NAME", alias = "precision", help = help::DTYPE, help_heading = "Computation")]
    pub dtype: DtypeChoice,
    #[command(flatten, next_help_heading = "Computation")]
    pub compute: ComputeOptions,
}
