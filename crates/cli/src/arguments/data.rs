//! The arguments of `newsdesk data`.

use super::shared::{DataSetOptions, FormatName, OpenArguments, OverwriteOption, TableOptions, TextColumns, help};
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
    /// Check labelled data sets: leaks between splits, conflicting labels, duplicates, empty rows, ...
    ///
    /// Texts count as equal if they differ only in white space and letter case. A finding is an error if it distorts
    /// metrics or loses rows, a note if nothing has to be done, such as for long texts, else a warning. The exit code is 1 if there
    /// are errors or warnings, and 2 if the data sets could not be read. Leaks are found only between the splits that one command names:
    /// `newsdesk data check train.csv --validation validation.csv --test test.csv`.
    Check(Box<Check>),
    /// Count the rows, labels and text lengths of labelled data sets
    Stats(Box<Stats>),
    /// Split labelled files into train, validation and test, by a hash of each text
    ///
    /// The result does not depend on the order of the rows or on the files that they are in. Rows with the same text stay together.
    /// Each split has the label distribution of the whole, as far as whole rows allow.
    Split(Box<Split>),
    /// Convert articles between JSON Lines, CSV, TSV, Arrow and Parquet; JSON arrays, Excel, HTML and text files can be read, too
    ///
    /// All rows are kept, also those without a text. No column has to be a text column.
    Convert(Box<Convert>),
}

/// The data sets to look at.
#[derive(Debug, Args)]
pub struct Sets {
    /// Labelled data sets: your own files (JSON Lines, JSON, CSV, TSV, Excel, Arrow or Parquet; all of them form one split), built-in recipes such as ag-news, or recipe files (.toml)
    #[arg(value_name = "DATASET", required = true)]
    pub data: Vec<String>,
    /// Your own files of the validation split; DATASET is then the training split. Data sets with a recipe have their own splits
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub validation: Vec<String>,
    /// Your own files of the test split; DATASET is then the training split. Data sets with a recipe have their own splits
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub test: Vec<String>,
    #[command(flatten)]
    pub data_set: DataSetOptions,
}

/// How the tokens of texts are counted.
#[derive(Debug, Args)]
pub struct Tokens {
    /// Model folder with the tokenizer that counts tokens [default: the built-in model]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub opening: OpenArguments,
    /// Do not count tokens, which takes most of the time
    #[arg(long, conflicts_with = "model")]
    pub no_tokens: bool,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help = help::THREADS)]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub sets: Sets,
    /// Report texts that are longer than this, in tokens [default: the model's window length]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(3..), conflicts_with = "no_tokens", alias = "window")]
    pub max_length: Option<u32>,
    /// Report texts with fewer words than this, if they also have few characters
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub min_words: u32,
    /// Report labels with fewer rows than this in the training split
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub min_rows: u64,
    /// Examples to print for each finding
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub examples: u16,
    /// Exit with code 0 if all findings are warnings
    #[arg(long)]
    pub allow_warnings: bool,
    #[command(flatten)]
    pub tokens: Tokens,
    #[arg(long, help = help::JSON)]
    pub json: bool,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Stats {
    #[command(flatten)]
    pub sets: Sets,
    #[command(flatten)]
    pub tokens: Tokens,
    #[arg(long, help = help::JSON)]
    pub json: bool,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Split {
    /// Files, folders or globs of .jsonl, .json, .csv, .tsv, .xlsx, .arrow (also .gz, .zst, .bz2, .xz) or .parquet, all of one format
    #[arg(value_name = "FILES", required = true)]
    pub inputs: Vec<String>,
    /// Folder to write train, validation and test to, in the format of the input (JSON as JSON Lines, Excel as CSV)
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    #[command(flatten)]
    pub overwrite: OverwriteOption,
    /// Share of the rows in the validation split, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    pub validation: f64,
    /// Share of the rows in the test split, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    pub test: f64,
    /// Seed; another seed gives another split
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Column with the label [default: label, labels, category, class, topic, section or sentiment]
    #[arg(long, value_name = "NAME")]
    pub label_field: Option<String>,
    /// Separator of several labels in one row
    #[arg(long, value_name = "TEXT")]
    pub label_separator: Option<String>,
    #[command(flatten)]
    pub columns: TextColumns,
    #[arg(long, value_name = "FILE", help = help::REJECTS)]
    pub rejects: Option<PathBuf>,
    #[arg(long, help = help::JSON)]
    pub json: bool,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Convert {
    /// Files, folders or globs of .jsonl, .json, .csv, .tsv, .xlsx, .txt, .html, .arrow (also .gz, .zst, .bz2, .xz) or .parquet; `-` is standard input
    #[arg(value_name = "FILES", required = true)]
    pub inputs: Vec<String>,
    /// Output file; its extension sets the format (.jsonl, .csv, .tsv, .arrows, also .gz, .zst, or .parquet); `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub overwrite: OverwriteOption,
    /// Format of the input, if its name does not show it
    #[arg(long, value_enum, value_name = "FORMAT", visible_alias = "from")]
    pub format: Option<FormatName>,
    /// Format of the output, if its name does not show it
    #[arg(long, value_enum, value_name = "FORMAT", visible_alias = "to")]
    pub output_format: Option<ConvertedFormat>,
    #[command(flatten)]
    pub table: TableOptions,
    #[command(flatten)]
    pub columns: TextColumns,
    #[arg(long, value_name = "FILE", help = help::REJECTS)]
    pub rejects: Option<PathBuf>,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}

/// Format of a converted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConvertedFormat {
    Jsonl,
    Csv,
    Tsv,
    Arrow,
    Parquet,
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
