//! The arguments of `newsdesk train`.

use super::shared::{ComputeOptions, DataSetOptions, OpenArguments, OverwriteOption, StorageOptions, help};
use crate::failure::Usage;
use clap::{ArgGroup, Args, ValueEnum};
use newsdesk_train::Freeze;
use std::path::PathBuf;
use std::time::Duration;

/// Headings that group the options in the help text.
mod heading {
    pub const DATA: &str = "Data";
    pub const MODEL: &str = "Model";
    pub const LINEAR: &str = "Linear models";
    pub const OPTIMISATION: &str = "Optimisation";
    pub const LOSS: &str = "Loss";
    pub const AUGMENTATION: &str = "Augmentation";
    pub const DISTILLATION: &str = "Distillation";
    pub const LENGTHS: &str = "Text lengths";
    pub const RUN: &str = "Run";
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("teachers").multiple(true))]
pub struct Train {
    /// TOML file with options by their long names; the command line takes precedence
    ///
    /// A line is `epochs = 4`, `data = ["ag-news", "bbc-news"]`, `resume = true`, or a table such as `[set-weights]` with
    /// lines such as `bbc-news = 2`. Paths are relative to the folder that the command runs in.
    // `options_file` reads it before all other options.
    #[arg(long, value_name = "FILE")]
    pub options: Option<PathBuf>,
    /// Folder to write the model to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,

    /// Labelled data sets to train on: your own files (JSON Lines, CSV, TSV, Arrow or Parquet), built-in recipes such as ag-news, or recipe files (.toml)
    #[arg(long, value_name = "DATASET", required = true, num_args = 1.., help_heading = heading::DATA)]
    pub data: Vec<String>,
    /// Labelled data sets that select the best epoch, by macro-F1 [default: the validation splits; a tenth of your own files]
    #[arg(long, value_name = "DATASET", num_args = 1.., help_heading = heading::DATA)]
    pub validation: Vec<String>,
    /// Labelled data sets to evaluate the finished model on (test split of recipes); they do not influence training
    #[arg(long, value_name = "DATASET", num_args = 1.., help_heading = heading::DATA)]
    pub test: Vec<String>,
    #[command(flatten, next_help_heading = heading::DATA)]
    pub data_set: DataSetOptions,
    /// File with all labels of the head of your own files [default: the labels in the training rows]
    ///
    /// It has one label per line, or is a label set in TOML. It sets the order of the labels, and can add labels that only
    /// validation or test rows have.
    #[arg(long, value_name = "FILE", help_heading = heading::DATA)]
    pub labels: Option<PathBuf>,
    /// Maximum rows of one data set per epoch; a larger data set is spread over several epochs (0: all)
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = heading::DATA)]
    pub rows_per_epoch: usize,
    /// How many times an epoch takes the rows of a data set, as DATASET=NUMBER, for several data sets [default: 1 for each]
    #[arg(long, value_name = "WEIGHTS", num_args = 1.., help_heading = heading::DATA)]
    pub set_weights: Vec<String>,

    /// Architecture: a transformer, or a linear model on word and character n-grams
    ///
    /// A linear model trains in seconds and has no base model. It uses the options of the groups `Data` and `Linear models`, and
    /// --epochs, --learning-rate, --label-smoothing, --class-weights, --batch-size, --patience, --seed and --threads.
    #[arg(long, value_enum, value_name = "NAME", default_value_t = ArchName::Transformer, help_heading = heading::MODEL)]
    pub arch: ArchName,
    /// Model folder to start from [default: the built-in model]
    #[arg(long, value_name = "DIR", help_heading = heading::MODEL)]
    pub base: Option<PathBuf>,
    #[command(flatten, next_help_heading = heading::MODEL)]
    pub opening: OpenArguments,
    /// Name of the new model [default: the name of the output folder]
    #[arg(long, value_name = "NAME", help_heading = heading::MODEL)]
    pub name: Option<String>,
    /// How the token vectors of a window are pooled [default: as in the base model]
    ///
    /// transformers can load a model with one head and `pooler`, if the base model has a pooler.
    #[arg(long, value_enum, value_name = "NAME", help_heading = heading::MODEL)]
    pub pooling: Option<PoolingName>,
    /// Layers of the base model that the new model has, by their numbers from 0, such as 0,2,4 [default: all]
    ///
    /// A model with fewer layers labels faster. It loses accuracy, and learns most of it again from the whole model as --teacher.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', help_heading = heading::MODEL)]
    pub layers: Vec<usize>,
    /// Weights that are not trained: embeddings, encoder, or N for the embeddings and the first N layers
    #[arg(long, value_name = "PART", value_parser = freeze, help_heading = heading::MODEL)]
    pub freeze: Option<Freeze>,
    #[command(flatten, next_help_heading = heading::MODEL)]
    pub storage: StorageOptions,

    /// Maximum length of word n-grams [default: 2]
    #[arg(long, value_name = "N", help_heading = heading::LINEAR)]
    pub word_ngrams: Option<u8>,
    /// Minimum and maximum length of character n-grams within words, such as 3-5, or none [default: 5-5]
    #[arg(long, value_name = "MIN-MAX", value_parser = char_ngrams, help_heading = heading::LINEAR)]
    pub char_ngrams: Option<CharNgrams>,
    /// Number of hash buckets for n-grams, a power of two [default: 262144]
    #[arg(long, value_name = "N", help_heading = heading::LINEAR)]
    pub buckets: Option<u32>,

    /// Search for the settings of a linear model for this number of minutes
    ///
    /// Many models are trained with different learning rates, epochs, n-grams and more. Their score on the validation sets selects
    /// one. Options that you give are kept. The file `options.toml` in the model folder trains the same model again. Ctrl-C ends
    /// the search, and keeps the best model so far.
    #[arg(long, value_name = "MINUTES", value_parser = minutes, conflicts_with_all = ["resume", "patience"], help_heading = heading::LINEAR)]
    pub tune: Option<Duration>,

    /// Number of epochs, or auto: until the validation score no longer rises [default: 3, for linear models 5]
    ///
    /// auto stands for `--epochs 10 --patience 2`, for linear models `--epochs 30 --patience 5`. The best epoch is kept.
    #[arg(long, value_name = "N|auto", value_parser = epochs, help_heading = heading::OPTIMISATION)]
    pub epochs: Option<Epochs>,
    /// Peak learning rate, above 0 and at most 1, for linear models 100 [default: 5e-5, for linear models 0.5]
    #[arg(long, value_name = "RATE", help_heading = heading::OPTIMISATION)]
    pub learning_rate: Option<f64>,
    /// Learning rate of the heads, as a multiple of --learning-rate
    #[arg(long, value_name = "FACTOR", default_value_t = 10.0, alias = "head-rate-factor", help_heading = heading::OPTIMISATION)]
    pub head_lr_multiplier: f64,
    /// Share of the steps in which the learning rate rises to its peak
    #[arg(long, value_name = "SHARE", default_value_t = 0.06, alias = "warmup", help_heading = heading::OPTIMISATION)]
    pub warmup_ratio: f64,
    /// How the learning rate falls after the warm-up
    #[arg(long, value_enum, value_name = "NAME", default_value_t = LrScheduler::Linear, alias = "schedule", help_heading = heading::OPTIMISATION)]
    pub lr_scheduler: LrScheduler,
    /// Learning rate of each layer relative to the layer above it, down to the embeddings (1: the same for all)
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, alias = "layer-decay", help_heading = heading::OPTIMISATION)]
    pub layer_lr_decay: f64,
    /// Weight decay of matrices
    #[arg(long, value_name = "RATE", default_value_t = 0.01, help_heading = heading::OPTIMISATION)]
    pub weight_decay: f64,
    /// Maximum norm of the gradient; a larger gradient is scaled down (0: no limit)
    #[arg(long, value_name = "NORM", default_value_t = 1.0, alias = "clip", help_heading = heading::OPTIMISATION)]
    pub max_grad_norm: f64,
    /// Articles per step [default: 32, for linear models 128]
    #[arg(long, value_name = "N", help_heading = heading::OPTIMISATION)]
    pub batch_size: Option<usize>,
    /// Articles per forward and backward pass (gradient accumulation) [default: the whole batch on a GPU, else 16]
    ///
    /// It applies to GPUs, and to encoders with another activation than GELU. On a GPU a larger number is faster and needs
    /// more memory.
    #[arg(long, value_name = "N", alias = "micro-batch", help_heading = heading::OPTIMISATION)]
    pub micro_batch_size: Option<usize>,
    /// Train the model for a dtype: int8 lets it learn to be accurate in spite of the rounding (quantisation-aware training)
    ///
    /// Weights and activations are rounded in the forward pass as int8 rounds them in labelling. Epochs are compared in int8. The
    /// finished model has the rounded weights. Use it with a finished model as `--base`, for about one epoch. It runs on a CPU, and
    /// takes longer.
    #[arg(long, value_name = "DTYPE", alias = "quantize", help_heading = heading::OPTIMISATION)]
    pub quantise: Option<QuantiseName>,
    /// Stop after N epochs without improvement (0: never)
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = heading::OPTIMISATION)]
    pub patience: usize,

    /// Label smoothing: probability mass spread evenly over all labels, from 0 to below 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, help_heading = heading::LOSS)]
    pub label_smoothing: f64,
    /// Exponent gamma of the focal loss, which weights a row by (1 - probability of the gold label)^gamma (0: no focal loss)
    #[arg(long, value_name = "GAMMA", default_value_t = 0.0, alias = "focal", help_heading = heading::LOSS)]
    pub focal_gamma: f64,
    /// Weights of rows by label: balanced (every label has the same total weight), or LABEL=NUMBER for several labels
    #[arg(long, value_name = "WEIGHTS", num_args = 1.., help_heading = heading::LOSS)]
    pub class_weights: Vec<String>,
    /// Heads whose labels are in an order, with a weight: HEAD=NUMBER; a prediction far from the gold label then costs more
    ///
    /// `sentiment=1` adds the squared earth mover's distance to the loss of the head `sentiment`. The order is that of the labels in
    /// the model.
    #[arg(long, value_name = "WEIGHTS", num_args = 1.., help_heading = heading::LOSS)]
    pub ordinal: Vec<String>,

    /// Share of the articles with a title that an epoch reads without it, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, help_heading = heading::AUGMENTATION)]
    pub drop_title: f64,
    /// Share of the articles longer than a window of which an epoch reads a later window instead of the first one
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, help_heading = heading::AUGMENTATION)]
    pub later_window: f64,
    /// Share of the articles that an epoch reads with typical damage: letter case, quotation marks, encoding, HTML
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, help_heading = heading::AUGMENTATION)]
    pub text_noise: f64,

    /// Teacher models, as folders; the student learns from the mean of their predictions
    #[arg(long, value_name = "DIR", num_args = 1.., group = "teachers", help_heading = heading::DISTILLATION)]
    pub teacher: Vec<PathBuf>,
    /// Files with scores of teachers, from `newsdesk models teacher-scores`; they stand for the teachers
    ///
    /// Without --teacher, each article must be in at least one of the files. The mean of all teachers that have scores for it counts.
    #[arg(long, value_name = "FILE", num_args = 1.., group = "teachers", help_heading = heading::DISTILLATION)]
    pub teacher_scores: Vec<PathBuf>,
    /// Files with articles to learn the teachers' predictions on; labels in them are ignored
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "teachers", conflicts_with = "teacher_labelled_only", help_heading = heading::DISTILLATION)]
    pub unlabelled: Vec<String>,
    /// Weight of the distillation loss, from 0 to 1; the rest is the loss on labels [default: 0.5]
    #[arg(long, value_name = "SHARE", requires = "teachers", help_heading = heading::DISTILLATION)]
    pub teacher_weight: Option<f64>,
    /// Temperature that divides the logits of teacher and student; above 1, unlikely labels count more [default: 2]
    #[arg(long, value_name = "NUMBER", requires = "teachers", help_heading = heading::DISTILLATION)]
    pub teacher_temperature: Option<f64>,
    /// For each head, learn from the teachers only on rows with a label for it [default: on all rows]
    #[arg(long, requires = "teachers", help_heading = heading::DISTILLATION)]
    pub teacher_labelled_only: bool,

    /// Weight of the mean squared difference of hidden states, added to the loss; for a teacher of the same width and tokenizer
    ///
    /// Each layer of the student is compared with the teacher's layer at the same share of its depth. With one teacher, on a CPU.
    #[arg(long, value_name = "NUMBER", requires = "teacher", help_heading = heading::DISTILLATION)]
    pub hidden_state_weight: Option<f64>,
    /// Weight of the difference of attention relations, added to the loss; for a teacher of any width, with the same tokenizer
    ///
    /// The relations of queries, keys and values in the last layers are compared, as in MiniLMv2. With one teacher, on a CPU.
    #[arg(long, value_name = "NUMBER", requires = "teacher", help_heading = heading::DISTILLATION)]
    pub relation_weight: Option<f64>,

    /// Maximum tokens per article in training; the rest is ignored [default: 256, or the base model's maximum if that is lower]
    #[arg(long, value_name = "N", alias = "length", help_heading = heading::LENGTHS)]
    pub max_train_length: Option<usize>,
    /// Tokens per window of the finished model [default: 256, or the base model's maximum if that is lower]
    #[arg(long, value_name = "N", alias = "window", help_heading = heading::LENGTHS)]
    pub max_length: Option<usize>,
    /// Tokens that neighbouring windows share: --max-length minus the step from one window to the next [default: a quarter of --max-length]
    #[arg(long, value_name = "N", help_heading = heading::LENGTHS)]
    pub overlap: Option<usize>,
    /// Old option: the step from one window to the next
    #[arg(long = "stride", value_name = "N", hide = true, conflicts_with = "overlap")]
    pub old_stride: Option<usize>,

    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64), help_heading = heading::RUN)]
    pub seed: u64,
    /// Train once with each seed, such as 1,2,3, into subfolders of the output; report mean and standard deviation
    #[arg(long, value_name = "SEEDS", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64), conflicts_with = "seed", help_heading = heading::RUN)]
    pub seeds: Vec<u64>,
    /// Steps between two checkpoints, in addition to one after each epoch (0: only after epochs)
    #[arg(long, value_name = "N", default_value_t = 200, alias = "checkpoint-every", help_heading = heading::RUN)]
    pub save_steps: usize,
    /// Resume an interrupted run with the same options from its checkpoint
    #[arg(long, conflicts_with = "overwrite", help_heading = heading::RUN)]
    pub resume: bool,
    #[command(flatten, next_help_heading = heading::RUN)]
    pub overwrite: OverwriteOption,
    #[command(flatten, next_help_heading = heading::RUN)]
    pub compute: ComputeOptions,
    /// Print the finished model's metrics on the validation and test data as JSON
    #[arg(long, help_heading = heading::RUN)]
    pub json: bool,
}

impl Train {
    /// Returns whether the model learns from teachers, besides the labels.
    pub fn has_teachers(&self) -> bool {
        !(self.teacher.is_empty() && self.teacher_scores.is_empty())
    }

    /// Returns the tokens that neighbouring windows of `max_length` tokens share, if `--overlap` or the old `--stride` is given.
    ///
    /// # Errors
    /// If `--stride` is longer than a window.
    pub fn overlap(&self, max_length: usize) -> Result<Option<usize>, Usage> {
        let Some(stride) = self.old_stride else { return Ok(self.overlap) };
        let overlap = max_length.checked_sub(stride).ok_or_else(|| {
            let message = format!("cannot use `--stride {stride}`: a window has only {max_length} tokens");
            Usage::new(message, "use `--overlap N`: tokens that neighbouring windows share")
        })?;
        Ok(Some(overlap))
    }
}

/// The dtype that a model is trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QuantiseName {
    Int8,
}

/// How the learning rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LrScheduler {
    Linear,
    Cosine,
}

/// Architecture of the new model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArchName {
    Transformer,
    Linear,
}

/// The number of epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epochs {
    Count(usize),
    /// Until the validation score no longer rises.
    Auto,
}

impl Epochs {
    /// Returns the maximum number of epochs, and the patience; `most` and `patience` are those of `auto`. A patience that is given
    /// takes precedence.
    pub fn resolve(self, given_patience: usize, most: usize, patience: usize) -> (usize, usize) {
        match self {
            Self::Count(epochs) => (epochs, given_patience),
            Self::Auto => (most, if given_patience > 0 { given_patience } else { patience }),
        }
    }
}

/// Parses the value of `--epochs`.
fn epochs(text: &str) -> Result<Epochs, String> {
    match text {
        "auto" => Ok(Epochs::Auto),
        _ => text.parse().map(Epochs::Count).map_err(|_| "use a number of epochs, or auto".into()),
    }
}

/// The longest search: a year.
const MAX_MINUTES: f64 = 525_600.0;

/// Parses the value of `--tune`.
fn minutes(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= MAX_MINUTES => Ok(Duration::from_secs_f64(minutes * 60.0)),
        _ => Err("use a number of minutes above 0, such as 5 or 0.5".into()),
    }
}

/// Minimum and maximum length of character n-grams; `None` for no character n-grams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharNgrams(pub Option<[u8; 2]>);

/// Parses the value of `--char-ngrams`.
fn char_ngrams(text: &str) -> Result<CharNgrams, String> {
    if text == "none" {
        return Ok(CharNgrams(None));
    }
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u8>();
    match (number(min), number(max)) {
        (Ok(min), Ok(max)) => Ok(CharNgrams(Some([min, max]))),
        _ => Err("use a range such as 3-5, or none".into()),
    }
}

/// Parses the value of `--freeze`.
fn freeze(text: &str) -> Result<Freeze, String> {
    match text {
        "embeddings" => Ok(Freeze::Embeddings),
        "encoder" => Ok(Freeze::Encoder),
        _ => text.parse().map(Freeze::Layers).map_err(|_| "use embeddings, encoder, or a number of layers".into()),
    }
}

/// How the token vectors of a window become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolingName {
    Cls,
    Mean,
    Pooler,
}
