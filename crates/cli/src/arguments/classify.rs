//! The arguments of `newsdesk classify`.

use super::shared::{
    ComputeOptions, FormatName, OpenArguments, OverwriteOption, TableOptions, TargetColumns, TextColumns, Thresholds,
    help,
};
use clap::{Args, ValueEnum};
use newsdesk_data::Language;
use newsdesk_model::{DtypeChoice, ZeroShot};
use newsdesk_run::RejectLimit;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Classify {
    /// Files, folders or globs of .jsonl, .json, .csv, .tsv, .xlsx, .txt, .html, .arrow (also .gz, .zst, .bz2, .xz) or .parquet [default: `-`, standard input]
    #[arg(value_name = "FILES")]
    pub inputs: Vec<String>,
    /// Label this text instead of files; repeatable
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with_all = ["inputs", "format", "text_field", "title_field", "encoding", "target_field"]
    )]
    pub text: Vec<String>,
    #[arg(long, value_name = "MODEL", help = help::MODEL)]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub opening: OpenArguments,
    #[command(flatten)]
    pub zero_shot: ZeroShotOptions,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,

    /// Format of the input, if its name does not show it
    #[arg(long, value_enum, value_name = "FORMAT", visible_alias = "from", help_heading = "Input")]
    pub format: Option<FormatName>,
    #[command(flatten, next_help_heading = "Input")]
    pub columns: TextColumns,
    #[command(flatten, next_help_heading = "Input")]
    pub target: TargetColumns,
    /// Label only the first N rows, rejected ones included; with `--sample`, the first N of the sample
    #[arg(long, value_name = "N", help_heading = "Input")]
    pub limit: Option<u64>,
    /// Label only a share of the rows, such as 1% or 0.01; a repeated run takes the same rows
    #[arg(long, value_name = "P", value_parser = share, help_heading = "Input")]
    pub sample: Option<f64>,
    /// Find near-duplicate articles and add the column `duplicate_group`: articles with the same number form a group
    ///
    /// The number is that of the row of the group's first article. Two articles are near-duplicates if the Jaccard similarity of their 4-word shingles is about 0.8 or more. Rows are
    /// counted from 1 over all inputs of the run, including rejected rows, without rows outside `--sample`. Each article is compared with the first rows of the last 250,000 to 500,000 groups.
    #[arg(long, help_heading = "Input")]
    pub near_duplicates: bool,
    /// Label only articles in these languages, given by codes such as en,de; the others are set aside in the rejects file
    ///
    /// The language is detected from the first 1,000 characters. Articles whose language is unsure are labelled. Articles that are set aside count as rejected, but neither change the exit code nor count towards `--max-rejects`.
    #[arg(long, value_name = "CODE", value_delimiter = ',', help_heading = "Input")]
    pub only_language: Vec<Language>,

    /// Output file; its extension sets the format (.jsonl, .csv, .tsv, .arrows, also .gz, .zst, or .parquet) [default: standard output]
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Format of the output [default: from the output's name; else a table on a terminal and jsonl in a pipe]
    #[arg(long, value_enum, value_name = "FORMAT", visible_alias = "to", help_heading = "Output")]
    pub output_format: Option<OutputFormat>,
    /// Print JSON Lines, even on a terminal
    #[arg(long, conflicts_with = "output_format", help_heading = "Output")]
    pub json: bool,
    /// Add the score of every label
    #[arg(long, help_heading = "Output")]
    pub scores: bool,
    /// Add the K most probable labels of each head, with their scores
    #[arg(long, value_name = "K", conflicts_with = "scores", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Output")]
    pub top_k: Option<u16>,
    /// Add the column `language`: the code of the article's language (ISO 639), or nothing if it is unsure
    #[arg(long, help_heading = "Output")]
    pub language: bool,
    #[command(flatten, next_help_heading = "Output")]
    pub thresholds: Thresholds,
    /// Prefix of the names of added columns
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = "Output")]
    pub prefix: String,
    /// Input columns to write, in this order, separated by commas; '' writes only the added columns [default: all]
    ///
    /// The names must be exact, with upper and lower case. A row that lacks a column gets null, or an empty field.
    /// `newsdesk verify` needs the columns that the model reads.
    #[arg(long = "columns", value_name = "NAMES", help_heading = "Output")]
    pub select: Option<String>,
    /// Replace input columns that have the name of an added column
    ///
    /// By default they are kept, and the columns of that head are called HEAD_predicted, HEAD_predicted_score and so on.
    #[arg(long, help_heading = "Output")]
    pub overwrite_columns: bool,
    #[command(flatten, next_help_heading = "Output")]
    pub table: TableOptions,
    /// Write counts of labels, rejected rows and duplicates, and the speed, to this file as JSON
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub summary: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = format!("{} [default: OUTPUT.rejects.jsonl, if there are any]", help::REJECTS), help_heading = "Output")]
    pub rejects: Option<PathBuf>,
    /// Stop if more rows are rejected than this: a number, or a share such as 0.5%
    #[arg(long, value_name = "N|P%", help_heading = "Output")]
    pub max_rejects: Option<RejectLimit>,
    /// Resume an interrupted run that wrote to the same output with the same options
    #[arg(long, conflicts_with = "overwrite", help_heading = "Output")]
    pub resume: bool,
    #[command(flatten, next_help_heading = "Output")]
    pub overwrite: OverwriteOption,
    /// Minimum seconds between two checkpoints, from which `--resume` continues. Compressed, Arrow and Parquet outputs have checkpoints only after every 512 rows.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, alias = "save-every", help_heading = "Output")]
    pub checkpoint_interval: u64,

    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), alias = "windows", help = help::MAX_WINDOWS, help_heading = "Computation")]
    pub max_windows: Option<u32>,
    #[arg(long, default_value_t, value_name = "NAME", value_parser = dtype, alias = "precision", help = help::DTYPE, help_heading = "Computation")]
    pub dtype: DtypeChoice,
    #[command(flatten, next_help_heading = "Computation")]
    pub compute: ComputeOptions,
}

/// Labels that the model was not trained for.
#[derive(Debug, Args)]
pub struct ZeroShotOptions {
    /// Labels to choose from, separated by commas, for a model of natural language inference (NLI); needs `--model`
    ///
    /// Each label makes a hypothesis. The label of the most strongly entailed hypothesis is predicted. The model reads each article
    /// once per label.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        requires = "model",
        alias = "candidate-labels",
        help_heading = "Zero-shot classification"
    )]
    pub labels: Vec<String>,
    /// Hypothesis, with {} in place of the label
    #[arg(
        long,
        value_name = "TEXT",
        default_value = ZeroShot::HYPOTHESIS,
        requires = "labels",
        alias = "hypothesis-template",
        help_heading = "Zero-shot classification"
    )]
    pub hypothesis: String,
    /// Any number of the labels can be correct
    #[arg(long, requires = "labels", help_heading = "Zero-shot classification")]
    pub multi_label: bool,
}

impl ZeroShotOptions {
    /// Returns the labels, if there are any.
    pub fn zero_shot(&self) -> Option<ZeroShot> {
        let labels: Vec<String> = self.labels.iter().map(|label| label.trim().to_string()).collect();
        let (hypothesis, multi_label) = (self.hypothesis.clone(), self.multi_label);
        (!labels.is_empty()).then_some(ZeroShot { labels, hypothesis, multi_label })
    }
}

/// Format of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Table,
    Jsonl,
    Csv,
    Tsv,
    Arrow,
    Parquet,
}

/// Parses the value of `--dtype`. A number is most likely meant as a minimum precision.
fn dtype(text: &str) -> Result<DtypeChoice, String> {
    text.parse().map_err(|cause: String| match text.parse::<f64>() {
        Ok(_) => format!("{cause}; for a minimum precision, use `--min-precision {text}`"),
        Err(_) => cause,
    })
}

/// Parses a share: a number above 0 and at most 1, or a percentage.
fn share(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let share = match text.strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => number(text),
    };
    share
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "use a share above 0 and at most 1, such as 1% or 0.01".into())
}
