//! The arguments of `newsdesk models`.

use super::shared::{DataSetOptions, ModelAndData, OpenArguments, OverwriteOption, SaveDtype, StorageOptions, help};
use clap::{Args, Subcommand, ValueEnum};
use newsdesk_model::DtypeChoice;
use newsdesk_model::folder::Storage;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Models {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models of the Hugging Face hub that are in the cache
    List {
        #[arg(long, help = help::JSON)]
        json: bool,
    },
    /// Download models of the Hugging Face hub into the cache
    ///
    /// Only the files that Newsdesk needs are downloaded. An interrupted download resumes. `HF_HUB_CACHE` names the folder of the
    /// cache, `HF_ENDPOINT` a mirror, and `HF_TOKEN` an access token for gated and private models.
    Pull {
        /// Names on the hub: `ORG/NAME[@REVISION]`
        #[arg(value_name = "NAME", required = true)]
        models: Vec<String>,
        /// Download `pytorch_model.bin` if a model has no safetensors file
        #[arg(long)]
        allow_pickle: bool,
    },
    /// Remove models of the Hugging Face hub from the cache
    ///
    /// All commits of a model are removed, or with @REVISION only that one. Files that other commits share stay.
    Rm {
        /// Names on the hub: `ORG/NAME[@REVISION]`
        #[arg(value_name = "NAME", required = true)]
        models: Vec<String>,
    },
    /// Show a model's labels, architecture, training and metrics
    ///
    /// For a model of the Hugging Face hub that is not in the cache, it shows what the hub says about it, without downloading it.
    Info {
        #[arg(value_name = "MODEL", help = help::MODEL)]
        model: Option<PathBuf>,
        #[command(flatten)]
        opening: OpenArguments,
        #[arg(long, help = help::JSON)]
        json: bool,
    },
    /// Certify dtypes that are as accurate as f32, so that `--dtype auto` may use them
    ///
    /// Measures int16, bf16 and int8 against f32 on labelled data sets, with the vector instructions of this machine. Each
    /// dtype that stays within --max-accuracy-drop, without a significant loss (McNemar's test, p < 0.05), gets a certificate in the
    /// model's `newsdesk.toml`. The others lose the certificate that they had. The exit code is 0 even if
    /// no dtype gets a certificate, and 1 if rows were rejected.
    Certify(Box<Certify>),
    /// Write a teacher's scores of many texts to a file, for distillation
    ///
    /// A large teacher reads each text once, and any number of students learn from the file (`train --teacher-scores`). The file has
    /// hashes of the texts, not the texts. Only the beginning of each text is read, as in training.
    TeacherScores(Box<TeacherScores>),
    /// Average the weights of models that were fine-tuned from the same base
    ///
    /// The models must have the same base, heads and labels. The average of models that differ in their seed, or in some of their
    /// data sets, is often better than each of them, at the cost of one model. It works best after several epochs. New heads start
    /// from random weights that depend on the seed, and may not average well: `--data` evaluates each model and the average. Run
    /// `newsdesk calibrate` and `newsdesk models certify` on the result.
    Average(Box<Average>),
    /// Copy a checkpoint into a folder with one safetensors file
    ///
    /// The checkpoint may be in several parts, or with --allow-pickle in `pytorch_model.bin`. The weights keep their numbers, except
    /// that f64 becomes f32. The files of the tokenizer and the configuration are copied unchanged.
    Convert(Convert),
    /// Write a head of a model as a classifier that transformers opens
    ///
    /// The folder is a `*ForSequenceClassification` of transformers, with `newsdesk.toml` beside it. It gives the same logits as
    /// Newsdesk for articles of one window, divided by the temperature. Models with mean pooling cannot be exported, because these
    /// classes read the first token only.
    Export(Export),
}

#[derive(Debug, Args)]
pub struct Export {
    #[arg(value_name = "MODEL", help = help::MODEL)]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub opening: OpenArguments,
    /// Head to export; needed if the model has several
    #[arg(long, value_name = "NAME")]
    pub head: Option<String>,
    /// Number format of the weights
    #[arg(long, value_enum, value_name = "NAME", default_value_t = SaveDtype::F32)]
    pub dtype: SaveDtype,
    /// Folder to write the classifier to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    #[command(flatten)]
    pub overwrite: OverwriteOption,
}

#[derive(Debug, Args)]
pub struct Convert {
    #[arg(value_name = "MODEL", help = help::CONVERTED_MODEL)]
    pub model: PathBuf,
    #[command(flatten)]
    pub opening: OpenArguments,
    /// Folder to write the model to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Data type (dtype) of the weights in the new folder [default: as they are]
    ///
    /// int8 takes 1 byte per weight. Only newsdesk opens such a folder; `newsdesk models export` writes one for other programs.
    /// The model's certificates are kept only with f32, which changes no number.
    #[arg(long, value_enum, value_name = "NAME")]
    pub save_dtype: Option<ConvertedDtype>,
    #[command(flatten)]
    pub overwrite: OverwriteOption,
}

/// A number format of converted weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConvertedDtype {
    Int8,
    F16,
    F32,
}

impl From<ConvertedDtype> for Storage {
    fn from(dtype: ConvertedDtype) -> Self {
        match dtype {
            ConvertedDtype::Int8 => Self::Int8,
            ConvertedDtype::F16 => Self::F16,
            ConvertedDtype::F32 => Self::F32,
        }
    }
}

#[derive(Debug, Args)]
pub struct TeacherScores {
    #[arg(value_name = "MODEL", help = help::MODEL)]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub opening: OpenArguments,
    #[arg(long, value_name = "DATASET", num_args = 1.., required_unless_present = "unlabelled", help = help::DATA)]
    pub data: Vec<String>,
    #[arg(long, value_name = "NAME", default_value = "train", help = help::SPLIT)]
    pub split: String,
    /// Files with articles; labels in them are ignored
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub unlabelled: Vec<String>,
    #[command(flatten)]
    pub data_set: DataSetOptions,
    /// Tokens that the model reads of each text [default: a window of the model]
    #[arg(long, value_name = "N")]
    pub max_length: Option<usize>,
    /// File to write the scores to, such as scores.safetensors
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub overwrite: OverwriteOption,
    #[arg(long, default_value_t, value_name = "NAME", help = help::DTYPE)]
    pub dtype: DtypeChoice,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help = help::THREADS)]
    pub threads: Option<u16>,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Average {
    /// Model folders, at least two
    #[arg(value_name = "MODEL", required = true, num_args = 2..)]
    pub models: Vec<PathBuf>,
    #[command(flatten)]
    pub opening: OpenArguments,
    /// Weight of each model in the average, in their order [default: equal weights]
    #[arg(long, value_name = "NUMBER", num_args = 1.., alias = "shares")]
    pub weights: Vec<f64>,
    /// Folder to write the model to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    #[command(flatten)]
    pub overwrite: OverwriteOption,
    /// Name of the new model [default: the name of the output folder]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub storage: StorageOptions,
    /// Labelled data sets to evaluate each model and the average on
    #[arg(long, value_name = "DATASET", num_args = 1..)]
    pub data: Vec<String>,
    /// Split of data sets with a recipe; keep the test split for the final evaluation
    #[arg(long, value_name = "NAME", default_value = "validation")]
    pub split: String,
    #[command(flatten)]
    pub data_set: DataSetOptions,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help = help::THREADS)]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
pub struct Certify {
    #[command(flatten)]
    pub input: ModelAndData,
    /// Largest accuracy drop that is allowed over all heads of all data sets together, in percentage points
    ///
    /// On any of them it is the larger of this and two predictions. 0 allows no loss anywhere, and 100 any loss.
    #[arg(long, value_name = "POINTS", default_value_t = 0.1, allow_negative_numbers = true, alias = "max-loss")]
    pub max_accuracy_drop: f64,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help = help::THREADS)]
    pub threads: Option<u16>,
    #[arg(long, help = help::JSON)]
    pub json: bool,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}
