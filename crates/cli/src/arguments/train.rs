//! The arguments of `newsdesk train`.

use super::{Labelled, Running};
use clap::{Args, ValueEnum};
use newsdesk_train::Freeze;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Train {
    /// Labelled sets to learn from: names of recipes, recipe files, or .csv, .tsv, .jsonl files
    #[arg(long, value_name = "SET", required = true, num_args = 1..)]
    pub data: Vec<String>,
    /// Labelled sets by which the best epoch is chosen [default: the validation splits; a tenth of plain files]
    #[arg(long, value_name = "SET", num_args = 1..)]
    pub validation: Vec<String>,
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
    /// How a window's token vectors become one [default: as the base does]; transformers opens a model of one head with
    /// `pooler`, if the base has one
    #[arg(long, value_enum)]
    pub pooling: Option<PoolingName>,
    /// Times that the rows are gone through
    #[arg(long, default_value_t = 3)]
    pub epochs: usize,
    /// Largest learning rate
    #[arg(long, default_value_t = 5e-5)]
    pub learning_rate: f64,
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
    /// Articles per step
    #[arg(long, default_value_t = 32)]
    pub batch_size: usize,
    /// Articles that are computed at once on a GPU, and for encoders with another activation than GELU
    #[arg(long, default_value_t = 16)]
    pub micro_batch: usize,
    /// Most rows of one set in an epoch; a larger set is spread over epochs (0: all)
    #[arg(long, default_value_t = 0)]
    pub rows_per_epoch: usize,
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
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
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
    /// Print the finished model's figures on the validation sets as one JSON object
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
