//! `newsdesk bench` and `newsdesk agree`, as they are typed.

use super::{Columns, Labelled, MentionColumns};
use clap::Args;
use newsdesk_model::{DeviceChoice, DtypeChoice};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Bench {
    /// Models: folders, ORG/NAME(@REVISION) in the Hugging Face cache, or `default` for the one inside
    #[arg(value_name = "MODEL", required = true)]
    pub models: Vec<String>,
    /// Labelled sets: names of recipes, recipe files, or .csv, .tsv, .jsonl files
    #[arg(long, value_name = "SET", required = true, num_args = 1..)]
    pub data: Vec<String>,
    /// Split of sets given by recipe
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub split: String,
    #[command(flatten)]
    pub labelled: Labelled,
    /// Numbers in which a processor computes, one or more with commas between; linear models have f32 alone
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "auto")]
    pub precisions: Vec<DtypeChoice>,
    /// Threads, one number or more with commas between [default: one per processor]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Vec<u16>,
    /// auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value_t, value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// Rounds: in each, every model takes its turn
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// Articles that are labelled one after the other for their latencies, in each round; fewer than 20 in all tell nothing
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub singles: usize,
    /// Take the first N rows of each set only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Read at most N windows of an article, from its beginning [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub windows: Option<u32>,
    /// Keep the results here, as JSON; written after each measurement, so an interrupted run keeps what it has
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Compare with the results of an earlier run; the exit code is 1 if anything got slower, larger or worse
    ///
    /// Speed, latency and memory count as changed if they are beyond the tolerance and the ranges of the rounds do not overlap, accuracy if
    /// it is outside of the interval that it had. Models are known by their names.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// What counts as slower or larger, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0)]
    pub tolerance: f64,
    /// Write a page with charts here: one HTML file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors and results
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Agree {
    /// Models, two at least: folders, ORG/NAME(@REVISION) in the Hugging Face cache, or `default` for the one inside
    #[arg(value_name = "MODEL", required = true, num_args = 2..)]
    pub models: Vec<String>,
    /// Files, folders or globs of articles; they need no labels
    #[arg(long, value_name = "FILES", required = true, num_args = 1..)]
    pub data: Vec<String>,
    #[command(flatten)]
    pub columns: Columns,
    #[command(flatten)]
    pub mention: MentionColumns,
    /// Write the rows here on which the models differ, with what each of them answers
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,
    /// Take the first N articles only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub running: super::Running,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors and results
    #[arg(short, long)]
    pub quiet: bool,
}
