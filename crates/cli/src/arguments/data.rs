//! The arguments of `newsdesk data`.

use super::{Columns, FormatName, Labelled};
use clap::{Args, Subcommand, ValueEnum};
use newsdesk_data::Format;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Data {
    #[command(subcommand)]
    pub command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Find what is wrong with labelled sets: leaks between splits, contradicting labels, duplicates, empty rows, ...
    ///
    /// Texts count as the same if they differ in white space and in the case of letters alone. Findings are errors, which
    /// make figures wrong or lose rows, or warnings. The exit code is 0 if nothing was found, 1 if something was, and 2 if
    /// the sets could not be read.
    Check(Box<Check>),
    /// Count rows, labels and lengths of labelled sets
    Stats(Box<Stats>),
    /// Split labelled files into train, validation and test, by a hash of each text
    ///
    /// The order of the rows and the file they stand in play no part, rows with the same text stay together, and each label
    /// has its share in each split, as near as whole rows allow.
    Split(Box<Split>),
    /// Convert articles between JSON Lines, CSV, TSV, Arrow and Parquet, or from pages and texts into one of them
    Convert(Box<Convert>),
}

/// The sets to look at.
#[derive(Debug, Args)]
pub struct Sets {
    /// Labelled sets: names of recipes, recipe files, or .csv, .tsv, .jsonl files; files make one set together
    #[arg(value_name = "SET", required = true)]
    pub data: Vec<String>,
    /// Files of the validation split, the others being the training split; recipes have splits of their own
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub validation: Vec<String>,
    /// Files of the test split, the others being the training split; recipes have splits of their own
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub test: Vec<String>,
    #[command(flatten)]
    pub labelled: Labelled,
}

/// How texts are measured in tokens.
#[derive(Debug, Args)]
pub struct Tokens {
    /// Model folder whose tokenizer counts tokens [default: the model inside]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Count no tokens: that takes most of the time
    #[arg(long, conflicts_with = "model")]
    pub no_tokens: bool,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub sets: Sets,
    /// Texts of more tokens are long [default: the model's window]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(3..), conflicts_with = "no_tokens")]
    pub window: Option<u32>,
    /// Texts of fewer words, and of few characters, are short
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub min_words: u32,
    /// Labels with fewer rows in the training split are rare
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub min_rows: u64,
    /// Examples of each finding
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub examples: u16,
    /// Exit with 0 if there are only warnings
    #[arg(long)]
    pub allow_warnings: bool,
    #[command(flatten)]
    pub tokens: Tokens,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors and results
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Stats {
    #[command(flatten)]
    pub sets: Sets,
    #[command(flatten)]
    pub tokens: Tokens,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors and results
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Split {
    /// Files, folders or globs of .jsonl, .csv, .tsv (also .gz, .zst), all of one format
    #[arg(value_name = "FILES", required = true)]
    pub inputs: Vec<String>,
    /// Folder to write train, validation and test to, in the format of the input
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Share of the validation split (0: none)
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    pub validation: f64,
    /// Share of the test split (0: none)
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    pub test: f64,
    /// Which of many such splits
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Column of the label [default: label, category, class, ...]
    #[arg(long, value_name = "NAME")]
    pub label_field: Option<String>,
    /// What stands between labels where a row has several
    #[arg(long, value_name = "TEXT")]
    pub label_separator: Option<String>,
    #[command(flatten)]
    pub columns: Columns,
    /// Write rejected rows here, as JSON Lines with place, cause and contents
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Print the counts as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors and results
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConvertedFormat {
    Jsonl,
    Csv,
    Tsv,
    Arrow,
    Parquet,
}

#[derive(Debug, Args)]
pub struct Convert {
    /// Files, folders or globs of .jsonl, .csv, .tsv, .txt, .html, .arrow (also .gz, .zst), .parquet; `-` is standard input
    #[arg(value_name = "FILES", required = true)]
    pub inputs: Vec<String>,
    /// File to write; its ending says the format (.jsonl, .csv, .tsv, .arrows, also .gz, .zst, or .parquet); `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Format of the input, where its name does not say it
    #[arg(long, value_enum, visible_alias = "from")]
    pub format: Option<FormatName>,
    /// Format of the output, where its name does not say it
    #[arg(long, value_enum, visible_alias = "to")]
    pub output_format: Option<ConvertedFormat>,
    #[command(flatten)]
    pub columns: Columns,
    /// Write rejected rows here, as JSON Lines with place, cause and contents
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Text => Self::Text,
            FormatName::Html => Self::Html,
            FormatName::Jsonl => Self::JsonLines,
            FormatName::Csv => Self::Csv,
            FormatName::Tsv => Self::Tsv,
            FormatName::Arrow => Self::Arrow,
            FormatName::Parquet => Self::Parquet,
        }
    }
}

impl From<ConvertedFormat> for Format {
    fn from(name: ConvertedFormat) -> Self {
        match name {
            ConvertedFormat::Jsonl => Self::JsonLines,
            ConvertedFormat::Csv => Self::Csv,
            ConvertedFormat::Tsv => Self::Tsv,
            ConvertedFormat::Arrow => Self::Arrow,
            ConvertedFormat::Parquet => Self::Parquet,
        }
    }
}
