//! The command line as it is typed: nothing here is checked against files or models yet.

mod bench;
pub mod data;
mod outputs;
mod train;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use newsdesk_data::{Encoding, Format, ReadOptions};
use newsdesk_model::{DeviceChoice, DtypeChoice};
use newsdesk_run::MostRejects;
use std::path::PathBuf;

pub use bench::{Agree, Bench};
pub use outputs::{Diff, Verify};
pub use train::{ArchName, Lengths, PoolingName, ScheduleName, Train};

/// Labels news articles by topic and sentiment, with a trained model inside.
#[derive(Debug, Parser)]
#[command(name = "newsdesk", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Label articles: a table on a terminal, JSON Lines in a pipe
    Classify(Classify),
    /// Check an output of `classify`: label a sample of its rows again, and compare
    ///
    /// Reads the manifest beside it for the settings. The exit code is 1 if a row differs, is missing or cannot be read.
    Verify(Verify),
    /// Compare two outputs of one corpus: which answers changed, by label
    ///
    /// Rows are compared in their order, or by a column that tells which ones belong together. The exit code is 1 if anything
    /// changed.
    Diff(Diff),
    /// Fine-tune a model on labelled sets
    Train(Box<Train>),
    /// Measure a model on a labelled set: accuracy, F1, recall, calibration, figures per label
    Eval(Eval),
    /// Compare models on labelled sets: speed, latency, memory, accuracy, and whether differences are real
    ///
    /// Throughput is that of `newsdesk classify` as a whole, in a process of its own. Models take turns, in several rounds; medians
    /// count. Run it on a quiet machine.
    Bench(Box<Bench>),
    /// Compare models without labels: how often they agree on a corpus, and where they do not
    Agree(Agree),
    /// Find out what a model's scores mean: fit temperatures, and find the scores that reach precisions
    ///
    /// Reads labelled sets, fits one temperature for each head that they have labels for, and finds the lowest scores
    /// from which on 0.80, 0.85, 0.90, 0.95, 0.98 and 0.99 of the answers are right. Heads that give several labels get
    /// the scores from which on each is given, by which F1 is largest. All of it is written into the model's
    /// `newsdesk.toml`. `classify --min-precision` then needs no labelled articles. What the model had before plays no
    /// part.
    Calibrate(Box<Calibrate>),
    /// Look at labelled data and prepare it: check, stats, split, convert
    Data(data::Data),
    /// Look at models, and certify precisions
    Models(Models),
    /// Print a completion script for a shell
    Completions(Completions),
}

/// Where and how a model runs.
#[derive(Debug, Args)]
pub struct Running {
    /// auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value_t, value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// From which score on answers are given.
#[derive(Debug, Args)]
pub struct Least {
    /// Hold back answers with a score below S, from 0 to 1; repeatable, for one head as HEAD=S
    ///
    /// A head that gives one label answers `unsure`, without a code. A head that gives several leaves out the labels with
    /// a lower score. Scores and the labels of `--top-k` stay as they are.
    #[arg(long, value_name = "[HEAD=]S", allow_hyphen_values = true)]
    pub min_score: Vec<String>,
    /// Hold back answers as needed for a share P of the others to be right; repeatable, for one head as HEAD=P
    ///
    /// The scores from which on that holds were measured by `newsdesk calibrate` and stand in the model's
    /// `newsdesk.toml`. They hold for articles like those that it was calibrated on.
    #[arg(long, value_name = "[HEAD=]P", allow_hyphen_values = true)]
    pub min_precision: Vec<String>,
}

/// Where the text of an article stands.
#[derive(Debug, Clone, Args)]
pub struct Columns {
    /// Column of the text [default: text, body, content or article]
    #[arg(long, value_name = "NAME")]
    pub text_field: Option<String>,
    /// Column of the title [default: title or headline]
    #[arg(long, value_name = "NAME")]
    pub title_field: Option<String>,
    /// Encoding of the texts, such as latin1 [default: utf-8, or utf-16 where a byte order mark says so]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<Encoding>,
}

impl Columns {
    /// How whole articles are read from such columns.
    pub fn reading(&self, format: Option<Format>) -> ReadOptions {
        let (text_field, title_field) = (self.text_field.clone(), self.title_field.clone());
        ReadOptions { format, encoding: self.encoding, text_field, title_field, mention: None }
    }
}

/// What is asked about in an article.
#[derive(Debug, Clone, Args)]
pub struct MentionColumns {
    /// Column of the person or thing that is asked about, for models trained with it [default: the model's, else none]
    ///
    /// Its first occurrence in the text is meant, or else in the title; a name that stands in neither is put in front. A row
    /// where it is empty asks about the whole article.
    #[arg(long, value_name = "NAME")]
    pub mention_field: Option<String>,
    /// Column of the place where it begins in the text, in characters from 0
    #[arg(long, value_name = "NAME", requires_all = ["mention_field", "mention_end"])]
    pub mention_start: Option<String>,
    /// Column of the place where it ends, that of the character after it
    #[arg(long, value_name = "NAME", requires_all = ["mention_field", "mention_start"])]
    pub mention_end: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    Text,
    Html,
    Jsonl,
    Csv,
    Tsv,
    Arrow,
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Table,
    Jsonl,
    Csv,
    Tsv,
    Arrow,
    Parquet,
}

#[derive(Debug, Args)]
pub struct Classify {
    /// Files, folders or globs of .jsonl, .csv, .tsv, .txt, .html, .arrow (also .gz, .zst), .parquet [default: `-`, standard input]
    #[arg(value_name = "FILES")]
    pub inputs: Vec<String>,
    /// Write here instead of standard output; the ending says the format (.jsonl, .csv, .tsv, .arrows, also .gz, .zst, or .parquet)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Format of the input, where its name does not say it
    #[arg(long, value_enum, visible_alias = "from")]
    pub format: Option<FormatName>,
    /// Format of the output [default: by the output's name; a table on a terminal, jsonl otherwise]
    #[arg(long, value_enum, visible_alias = "to")]
    pub output_format: Option<OutputFormat>,
    /// JSON Lines, also on a terminal
    #[arg(long, conflicts_with = "output_format")]
    pub json: bool,
    /// Model: a folder, or ORG/NAME(@REVISION) in the Hugging Face cache [default: the model inside]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub columns: Columns,
    #[command(flatten)]
    pub mention: MentionColumns,
    /// Add every label's score
    #[arg(long)]
    pub scores: bool,
    /// Add the K most probable labels of each head with their scores
    #[arg(long, value_name = "K", conflicts_with = "scores", value_parser = clap::value_parser!(u16).range(1..))]
    pub top_k: Option<u16>,
    #[command(flatten)]
    pub least: Least,
    /// Put this before the names of the added columns
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,
    /// Read at most N windows of an article, from its beginning [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub windows: Option<u32>,
    /// Find articles that are nearly the same: adds `duplicate_group`, the number of the row that was the first of its kind
    ///
    /// Two articles are near repeats if about four fifths of their four-word phrases are the same. Rows are counted from 1 over
    /// the whole run, rejected ones among them. An article is looked for among the last 250,000 to 500,000 first ones.
    #[arg(long)]
    pub near_duplicates: bool,
    /// Write rejected rows here, as JSON Lines with place, cause and contents [default: OUTPUT.rejects.jsonl, if there are any]
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Stop when more rows than that are rejected: a number, or a share such as 0.5%
    #[arg(long, value_name = "N|P%")]
    pub max_rejects: Option<MostRejects>,
    /// Go on with an output whose run was interrupted
    #[arg(long)]
    pub resume: bool,
    /// Seconds between two points that an interrupted run can go on from; there are 512 rows between them at least
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub save_every: u64,
    /// Take the first N rows only
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Take a share of the rows only, such as 1% or 0.01; the same rows every time
    #[arg(long, value_name = "P", value_parser = share)]
    pub sample: Option<f64>,
    /// Numbers in which a processor computes: auto (the fastest that the model is certified for), f32, int16, bf16 or int8
    #[arg(long, default_value_t, value_name = "NAME")]
    pub precision: DtypeChoice,
    #[command(flatten)]
    pub running: Running,
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// A share, as a number from 0 to 1 or in percent.
fn share(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let share = match text.strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => number(text),
    };
    share.filter(|share| *share > 0.0 && *share <= 1.0).ok_or_else(|| "it is no share, such as 1% or 0.01".into())
}

/// How labelled files without a recipe are read.
#[derive(Debug, Clone, Args)]
pub struct Labelled {
    /// Folder that holds the public sets, one folder each, for sets given by recipe
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub data_root: PathBuf,
    /// Head that files without a recipe teach or test [default: what --label-field says, else `label`]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub head: Option<String>,
    /// Column of the label in files without a recipe [default: label, category, class, ...]
    #[arg(long, value_name = "NAME")]
    pub label_field: Option<String>,
    /// TOML file that says which labels of the model each label of files without a recipe may mean
    ///
    /// A line for each, as in `World = ["politics", "conflict, war and peace"]`; an empty list leaves rows with that label out.
    /// It is heeded where the files have a label that the model has not. Of rows with several labels, all that they map to
    /// are meant.
    #[arg(long, value_name = "FILE")]
    pub label_map: Option<PathBuf>,
    /// What stands between labels where a row has several; makes the head multi-label
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub label_separator: Option<String>,
    #[command(flatten)]
    pub columns: Columns,
    #[command(flatten)]
    pub mention: MentionColumns,
}

#[derive(Debug, Args)]
pub struct Eval {
    /// Model: a folder, or ORG/NAME(@REVISION) in the Hugging Face cache [default: the model inside]
    #[arg(value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Labelled sets: names of recipes, recipe files, or .csv, .tsv, .jsonl files
    #[arg(long, value_name = "SET", required = true, num_args = 1..)]
    pub data: Vec<String>,
    /// Split of sets given by recipe
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub split: String,
    #[command(flatten)]
    pub labelled: Labelled,
    #[command(flatten)]
    pub least: Least,
    /// Read at most N windows of an article, from its beginning [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub windows: Option<u32>,
    /// Figures for each value of a column, such as the language or the source; `length` counts words; repeatable
    #[arg(long, value_name = "COLUMN")]
    pub by: Vec<String>,
    /// Write the rows with wrong answers here, the most confident ones first (.jsonl, .csv, .tsv, .arrows, .parquet)
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
    /// Write a page with charts here: one HTML file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print JSON instead of tables: an array with an object for each set
    #[arg(long)]
    pub json: bool,
    /// Numbers in which a processor computes: auto (the fastest that the model is certified for), f32, int16, bf16 or int8
    #[arg(long, default_value_t, value_name = "NAME")]
    pub precision: DtypeChoice,
    #[command(flatten)]
    pub running: Running,
    /// Say nothing but errors and results
    #[arg(short, long)]
    pub quiet: bool,
}

/// A model that something is to be found out about, and the sets to do it with.
#[derive(Debug, Args)]
pub struct ModelOnSets {
    /// Model folder
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Labelled sets: names of recipes, recipe files, or .csv, .tsv, .jsonl files
    #[arg(long, value_name = "SET", required = true, num_args = 1..)]
    pub data: Vec<String>,
    /// Split of sets given by recipe; by the test split nothing should be chosen
    #[arg(long, value_name = "NAME", default_value = "validation")]
    pub split: String,
    #[command(flatten)]
    pub labelled: Labelled,
}

#[derive(Debug, Args)]
pub struct Calibrate {
    #[command(flatten)]
    pub on: ModelOnSets,
    /// Numbers in which a processor computes: auto (the fastest that the model is certified for), f32, int16, bf16 or int8
    #[arg(long, default_value_t, value_name = "NAME")]
    pub precision: DtypeChoice,
    #[command(flatten)]
    pub running: Running,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors and results
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Models {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// What a model answers, how it is built, how it was trained and what it reached
    Info {
        /// Model: a folder, or ORG/NAME(@REVISION) in the Hugging Face cache [default: the model inside]
        #[arg(value_name = "MODEL")]
        model: Option<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Find out which precisions are as good as f32, and allow `--precision auto` to use them
    ///
    /// Measures int16, bf16 and int8 against f32 on labelled sets, in the vector instructions of this machine, and writes a
    /// certificate into the model's `newsdesk.toml` for each that loses little enough on every head of every set. The others lose their
    /// certificate if they had one. The exit code says that the measuring is done (0, or 1 if rows were rejected),
    /// whatever came out.
    Certify(Box<Certify>),
    /// Make one model of several that were trained from one base, with the mean of their weights
    ///
    /// Models that differ in their seed, or in a part of their sets, are often better as one than each alone, at the cost
    /// of one. `newsdesk calibrate` and `newsdesk models certify` then find out what its scores mean and how it may run.
    Average(Average),
}

#[derive(Debug, Args)]
pub struct Average {
    /// Model folders, at least two
    #[arg(value_name = "MODEL", required = true, num_args = 2..)]
    pub models: Vec<PathBuf>,
    /// How much each model counts, in their order [default: all the same]
    #[arg(long, value_name = "NUMBER", num_args = 1..)]
    pub shares: Vec<f64>,
    /// Folder to write the model to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Name of the new model [default: the output folder's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Store weights in 4 bytes instead of 2
    #[arg(long)]
    pub full_precision: bool,
}

#[derive(Debug, Args)]
pub struct Certify {
    #[command(flatten)]
    pub on: ModelOnSets,
    /// Most accuracy to lose on any head of any set, in points of a hundred
    #[arg(long, value_name = "POINTS", default_value_t = 0.2, allow_negative_numbers = true)]
    pub max_loss: f64,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors and results
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
