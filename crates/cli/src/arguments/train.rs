//! The arguments of `newsdesk train`.

use super::{Labelled, Running};
use clap::{Args, ValueEnum};
use newsdesk_train::Freeze;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Train {
    /// TOML file of options by their long names; what is given here as well counts as it is given here
    ///
    /// A line is `epochs = 4`, `data = ["ag-news", "bbc-news"]`, `resume = true`, or a table such as `[set-weights]` with
    /// lines such as `bbc-news = 2`. Paths are those of the folder that the command runs in.
    // Read before all others, in `options_file`.
    #[arg(long, value_name = "FILE")]
    pub options: Option<PathBuf>,
    /// Labelled sets to learn from: names of recipes, recipe files, or .csv, .tsv, .jsonl files
    #[arg(long, value_name = "SET", required = true, num_args = 1..)]
    pub data: Vec<String>,
    /// Labelled sets by which the best epoch is chosen [default: the validation splits; a tenth of plain files]
    #[arg(long, value_name = "SET", num_args = 1..)]
    pub validation: Vec<String>,
    /// Labelled sets to measure the finished model on (recipes: their test split); they have no part in any choice
    #[arg(long, value_name = "SET", num_args = 1..)]
    pub test: Vec<String>,
    /// What to train: a transformer, or a linear model of words and characters, which learns in seconds and needs no base
    ///
    /// Of the options below, linear models heed those on sets and labels, --epochs, --learning-rate, --label-smoothing,
    /// --batch-size, --patience, --seed, --threads, and the three that only they have.
    #[arg(long, value_enum, default_value_t = ArchName::Transformer)]
    pub arch: ArchName,
    /// Linear models: the most words of a run that is looked at [default: 2]
    #[arg(long, value_name = "N")]
    pub word_ngrams: Option<u8>,
    /// Linear models: the lengths of runs of characters within words, as in 3-5, or none [default: 5-5]
    #[arg(long, value_name = "MIN-MAX", value_parser = lengths)]
    pub char_ngrams: Option<Lengths>,
    /// Linear models: how many words and runs are told apart, a power of two [default: 262144]
    #[arg(long, value_name = "N")]
    pub buckets: Option<u32>,
    /// Folder to write the model to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Model folder to start from [default: the model inside]
    #[arg(long, value_name = "DIR")]
    pub base: Option<PathBuf>,
    /// Name of the new model [default: the output folder's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub labelled: Labelled,
    /// File with all labels of the head that files without a recipe teach [default: those that the training rows have]
    ///
    /// One a line, or a label set in TOML. So a head can have labels that no training row has and a validation or test row does, and labels
    /// in an order of your own.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// How a window's token vectors become one [default: as the base does]; transformers opens a model of one head with
    /// `pooler`, if the base has one
    #[arg(long, value_enum)]
    pub pooling: Option<PoolingName>,
    /// Times that the rows are gone through [default: 3, for linear models 5]
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Largest learning rate [default: 5e-5, for linear models 0.5]
    #[arg(long)]
    pub learning_rate: Option<f64>,
    /// The heads' learning rate is this many times larger
    #[arg(long, default_value_t = 10.0)]
    pub head_rate_factor: f64,
    /// Share of the steps in which the learning rate rises
    #[arg(long, default_value_t = 0.06)]
    pub warmup: f64,
    /// How the learning rate falls after that
    #[arg(long, value_enum, default_value_t = ScheduleName::Linear)]
    pub schedule: ScheduleName,
    /// Each layer learns this many times as fast as the one after it, down to the embeddings
    #[arg(long, default_value_t = 1.0)]
    pub layer_decay: f64,
    /// Share of the probability that is wanted spread over all labels
    #[arg(long, default_value_t = 0.0)]
    pub label_smoothing: f64,
    /// Power of (1 - probability of what is right) that weights a row's loss: focal loss (0: none)
    #[arg(long, default_value_t = 0.0)]
    pub focal: f64,
    /// Weights of rows by label: auto (every label counts the same), or LABEL=WEIGHT, for several labels
    #[arg(long, value_name = "WEIGHTS", num_args = 1..)]
    pub class_weights: Vec<String>,
    /// Models to learn from besides the labels, as folders; the mean of what they say counts
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub teacher: Vec<PathBuf>,
    /// Share of the loss that comes from the teachers, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "SHARE", requires = "teacher")]
    pub teacher_weight: Option<f64>,
    /// What logits are divided by where teachers are learned from: above 1, unlikely labels count more [default: 2]
    #[arg(long, value_name = "NUMBER", requires = "teacher")]
    pub teacher_temperature: Option<f64>,
    /// Learn from teachers only what a row has labels for; otherwise they speak of every row
    #[arg(long, requires = "teacher")]
    pub teacher_labelled_only: bool,
    /// What keeps its weights: embeddings, encoder, or the number of layers that do, from the first
    #[arg(long, value_name = "PART", value_parser = freeze)]
    pub freeze: Option<Freeze>,
    /// End after so many epochs without a better one (0: never)
    #[arg(long, value_name = "EPOCHS", default_value_t = 0)]
    pub patience: usize,
    /// Decay of matrices
    #[arg(long, default_value_t = 0.01)]
    pub weight_decay: f64,
    /// Longest gradient; longer ones are shortened to it (0: never)
    #[arg(long, default_value_t = 1.0)]
    pub clip: f64,
    /// Articles per step [default: 32, for linear models 128]
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Articles that are computed at once on a GPU, and for encoders with another activation than GELU [default: all of a
    /// step on a GPU, else 16]
    ///
    /// On a GPU more at once are faster, and need more of its memory.
    #[arg(long)]
    pub micro_batch: Option<usize>,
    /// Most rows of one set in an epoch; a larger set is spread over epochs (0: all)
    #[arg(long, default_value_t = 0)]
    pub rows_per_epoch: usize,
    /// How many times as many rows an epoch takes of a set, as SET=NUMBER, for several sets [default: 1 for each]
    #[arg(long, value_name = "WEIGHTS", num_args = 1..)]
    pub set_weights: Vec<String>,
    /// Tokens of an article read in training [default: 256, or what the base takes]
    #[arg(long)]
    pub length: Option<usize>,
    /// Tokens in a window of the finished model [default: 256, or what the base takes]
    #[arg(long)]
    pub window: Option<usize>,
    /// Tokens from one window's start to the next one's [default: three quarters of the window]
    #[arg(long)]
    pub stride: Option<usize>,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    /// Train once with each of these seeds, as in `1,2,3`, in folders of their own in the output's, and tell mean and standard deviation
    #[arg(long, value_name = "SEEDS", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64), conflicts_with = "seed")]
    pub seeds: Vec<u64>,
    /// Steps from one checkpoint to the next, besides those after each epoch (0: none)
    #[arg(long, value_name = "STEPS", default_value_t = 200)]
    pub checkpoint_every: usize,
    /// Go on from the checkpoint of an interrupted run with the same options
    #[arg(long)]
    pub resume: bool,
    /// Store weights in 4 bytes instead of 2
    #[arg(long)]
    pub full_precision: bool,
    #[command(flatten)]
    pub running: Running,
    /// Print the finished model's figures on the validation and test sets as JSON
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScheduleName {
    Linear,
    Cosine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArchName {
    Transformer,
    Linear,
}

/// The fewest and the most characters of a run; none for no runs at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths(pub Option<[u8; 2]>);

/// What `--char-ngrams` names.
fn lengths(text: &str) -> Result<Lengths, String> {
    if text == "none" {
        return Ok(Lengths(None));
    }
    let (fewest, most) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u8>();
    match (number(fewest), number(most)) {
        (Ok(fewest), Ok(most)) => Ok(Lengths(Some([fewest, most]))),
        _ => Err("it is neither a range such as 3-5 nor none".into()),
    }
}

/// What `--freeze` names.
fn freeze(text: &str) -> Result<Freeze, String> {
    match text {
        "embeddings" => Ok(Freeze::Embeddings),
        "encoder" => Ok(Freeze::Encoder),
        _ => text.parse().map(Freeze::Layers).map_err(|_| "it is neither embeddings nor encoder nor a number".into()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolingName {
    Cls,
    Mean,
    Pooler,
}
