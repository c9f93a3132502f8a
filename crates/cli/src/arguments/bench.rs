//! The arguments of `newsdesk bench`.

use super::shared::{DataSetFiles, OpenArguments, OverwriteOption, help};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use newsdesk_model::{DeviceChoice, DtypeChoice};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Bench {
    #[arg(value_name = "MODEL", required = true, help = help::MODELS)]
    pub models: Vec<String>,
    #[command(flatten)]
    pub opening: OpenArguments,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,

    #[arg(long, value_name = "DATASET", required = true, num_args = 1.., help = help::DATA, help_heading = "Data")]
    pub data: Vec<String>,
    #[arg(long, value_name = "NAME", default_value = "test", help = help::SPLIT, help_heading = "Data")]
    pub split: String,
    /// Head (classification task) that the labels of your own files belong to; MODEL=NAME sets it for one model; repeatable
    ///
    /// MODEL is the model as you typed it, or its name. Without MODEL=, the head holds for all models with several heads. A model
    /// with only one head uses that head by default.
    #[arg(long, value_name = "[MODEL=]NAME", value_parser = NonEmptyStringValueParser::new(), help_heading = "Data")]
    pub head: Vec<String>,
    #[arg(long, value_name = "[MODEL=]FILE", help = format!("{}; MODEL=FILE sets it for one model; repeatable", help::LABEL_MAP), long_help = format!("{}; MODEL=FILE sets it for one model; repeatable\n\n{}", help::LABEL_MAP, help::LABEL_MAP_DETAILS), value_parser = NonEmptyStringValueParser::new(), help_heading = "Data")]
    pub label_map: Vec<String>,
    #[command(flatten, next_help_heading = "Data")]
    pub files: DataSetFiles,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help = format!("{} of each data set", help::LIMIT), help_heading = "Data")]
    pub limit: Option<u64>,

    /// Data types (dtypes) on the CPU, separated by commas; linear models always use f32
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "auto",
        alias = "precisions",
        help_heading = "Computation"
    )]
    pub dtypes: Vec<DtypeChoice>,
    /// Numbers of threads to measure, separated by commas [default: one per CPU]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..), help_heading = "Computation")]
    pub threads: Vec<u16>,
    #[arg(long, default_value_t, value_name = "DEVICE", help = help::DEVICE, help_heading = "Computation")]
    pub device: DeviceChoice,
    /// Number of rounds; each round measures every model once
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Computation")]
    pub rounds: u16,
    /// Articles per round that are labelled one at a time to measure latency; use at least 20 over all rounds
    #[arg(long, value_name = "N", default_value_t = 100, alias = "singles", help_heading = "Computation")]
    pub latency_articles: usize,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), alias = "windows", help = help::MAX_WINDOWS, help_heading = "Computation")]
    pub max_windows: Option<u32>,

    /// Write the results here, as JSON; the file is written after each measurement, so an interrupted run keeps its results
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Results of an earlier run to compare with; the exit code is 1 if anything is slower, larger or less accurate
    ///
    /// Speed, latency and memory count as changed if they differ by more than the tolerance and the ranges of the rounds do not overlap.
    /// Accuracy counts as changed if it is outside its earlier confidence interval. Models are matched by their names.
    #[arg(long, value_name = "FILE", alias = "against", help_heading = "Output")]
    pub baseline: Option<PathBuf>,
    /// Smallest change in speed, latency or memory that counts against the baseline, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, help_heading = "Output")]
    pub tolerance: f64,
    #[arg(long, value_name = "FILE", help = help::REPORT, help_heading = "Output")]
    pub report: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Output")]
    pub overwrite: OverwriteOption,
    #[arg(long, help = help::JSON, help_heading = "Output")]
    pub json: bool,
}
