//! Options of several commands: each has one name, one type and one text.

use crate::failure::say;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use newsdesk_data::{Encoding, Format, HtmlMode, Note, Notes, ReadOptions};
use newsdesk_model::folder::Storage;
use newsdesk_model::{DeviceChoice, HeadActivation, OpenOptions};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Help texts of options that are single fields in several commands.
pub mod help {
    pub const DATA: &str = "Labelled data sets: your own files (JSON Lines, JSON, CSV, TSV, Excel, Arrow or Parquet), built-in recipes such as ag-news, or recipe files (.toml)";
    pub const DEVICE: &str = "Device: auto, cpu, cuda, cuda:N or metal";
    pub const DTYPE: &str =
        "Data type (dtype) on the CPU: auto (the fastest that the model is certified for), f32, int16, bf16 or int8";
    pub const JSON: &str = "Print JSON instead of tables";
    pub const LABEL_MAP: &str = "TOML file that maps labels of your own files to labels of the model";
    pub const LABEL_MAP_DETAILS: &str = "A line such as `World = [\"politics\", \"conflict, war and peace\"]` maps one label to several. Any of them then counts as the gold label. An empty list leaves out the rows with that label. A row with several labels gets the labels of all their lists. The map is used only if the files have a label that the model does not have.";
    pub const LIMIT: &str = "Read only the first N rows";
    pub const MAX_WINDOWS: &str = "Read at most the first N windows of each article [default: all]";
    pub const CONVERTED_MODEL: &str = "Model: a folder, or a name of the Hugging Face hub: ORG/NAME[@REVISION]";
    pub const MODEL: &str =
        "Model: a folder, or a name of the Hugging Face hub: ORG/NAME[@REVISION] [default: the built-in model]";
    pub const MODELS: &str =
        "Models: folders, names of the Hugging Face hub (ORG/NAME[@REVISION]), or `default` for the built-in model";
    pub const QUIET: &str = "Print only results and errors";
    pub const REJECTS: &str = "File for rejected rows: JSON Lines with position, cause and contents";
    pub const REPORT: &str = "Write a page with charts here: one HTML file without external resources";
    pub const SPLIT: &str = "Split of data sets with a recipe";
    pub const THREADS: &str = "Number of threads [default: one per CPU]";
}

/// How a model is opened.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct OpenArguments {
    /// Read `pytorch_model.bin` if a model folder has no safetensors file
    ///
    /// Such a file holds a program of Python's pickle module, which may do anything when Python opens it. Newsdesk does not run it. A
    /// strict reader takes the tensors from it and refuses everything else. `newsdesk models convert` converts it to safetensors.
    #[arg(long, help_heading = "Model")]
    pub allow_pickle: bool,
    /// Activation of all heads, instead of what the model says: softmax gives one label per article, sigmoid any number, none the
    /// logits
    ///
    /// Use it if the `config.json` of a checkpoint is silent or wrong about its `problem_type`.
    #[arg(long, value_name = "NAME", value_parser = activations(), help_heading = "Model")]
    pub activation: Option<HeadActivation>,
    /// Use models of the Hugging Face hub from the cache only, without a network
    ///
    /// `HF_HUB_OFFLINE=1` does the same. Download models first with `newsdesk models pull`.
    #[arg(long, help_heading = "Model")]
    pub offline: bool,
}

fn activations() -> impl TypedValueParser<Value = HeadActivation> {
    PossibleValuesParser::new(HeadActivation::ALL.map(HeadActivation::name)).try_map(|name| {
        let named = |activation: &HeadActivation| activation.name() == name;
        HeadActivation::ALL.into_iter().find(named).ok_or("it is no activation")
    })
}

impl OpenArguments {
    /// Returns the options for opening a model folder.
    pub fn options(self) -> OpenOptions {
        OpenOptions { allow_pickle: self.allow_pickle, activation: self.activation }
    }
}

/// Device and number of threads.
#[derive(Debug, Args)]
pub struct ComputeOptions {
    #[arg(long, default_value_t, value_name = "DEVICE", help = help::DEVICE)]
    pub device: DeviceChoice,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help = help::THREADS)]
    pub threads: Option<u16>,
}

/// What happens to outputs that exist.
#[derive(Debug, Clone, Copy, Args)]
pub struct OverwriteOption {
    /// Replace output files that exist; without this option, they are kept and the command fails
    ///
    /// Empty files, pipes and devices are always written to.
    #[arg(long, alias = "fresh")]
    pub overwrite: bool,
}

/// How CSV and TSV outputs are written.
#[derive(Debug, Clone, Copy, Args)]
pub struct TableOptions {
    /// Begin a CSV or TSV output with a byte order mark, by which Excel recognises UTF-8
    #[arg(long)]
    pub bom: bool,
    /// Delimiter of a CSV output: `,`, `;` or `|` [default: that of a CSV input, else `,`]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<char>,
}

/// Parses the value of `--delimiter`: one of those that are detected when the file is read again.
fn delimiter(text: &str) -> Result<char, String> {
    match text {
        "," => Ok(','),
        ";" => Ok(';'),
        "|" => Ok('|'),
        _ => Err("use `,`, `;` or `|`; for tabs, write TSV".into()),
    }
}

/// Score thresholds below which a head abstains.
#[derive(Debug, Args)]
pub struct Thresholds {
    /// Abstain if the score is below S (0 to 1); HEAD=S sets it for one head; repeatable
    ///
    /// A single-label head then predicts `unsure`, without a code. A multi-label head leaves out the labels with lower
    /// scores. The scores and the labels of `--top-k` do not change.
    #[arg(long, value_name = "[HEAD=]S", allow_hyphen_values = true)]
    pub min_score: Vec<String>,
    /// Abstain if the score is too low for precision P (0 to 1); HEAD=P sets it for one head; repeatable
    ///
    /// `newsdesk calibrate` measures the score threshold for each precision and stores it in the model's
    /// `newsdesk.toml`. The thresholds hold for articles like those that the model was calibrated on.
    #[arg(long, value_name = "[HEAD=]P", allow_hyphen_values = true)]
    pub min_precision: Vec<String>,
}

/// Columns with the text and title of an article.
#[derive(Debug, Clone, Args)]
pub struct TextColumns {
    /// Column with the text [default: text, body, content or article]; `article.body` names a value nested in a column
    #[arg(long, value_name = "NAME")]
    pub text_field: Option<String>,
    /// Column with the title [default: title or headline]
    #[arg(long, value_name = "NAME")]
    pub title_field: Option<String>,
    /// Encoding of the files, for example latin1 [default: utf-8, or utf-16 where it is detected]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<Encoding>,
    /// Sheet of Excel workbooks [default: the first one]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// HTML in titles and texts: auto removes it from texts that plainly hold tags or references such as `&nbsp;`, strip removes all that may be HTML, keep reads texts as they are
    ///
    /// Only what the model reads changes. The columns of the output are unchanged. Data sets with a recipe are read as they are.
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    pub html: HtmlName,
}

/// What is done with HTML in texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum HtmlName {
    #[default]
    Auto,
    Strip,
    Keep,
}

impl From<HtmlName> for HtmlMode {
    fn from(name: HtmlName) -> Self {
        match name {
            HtmlName::Auto => Self::Auto,
            HtmlName::Strip => Self::Strip,
            HtmlName::Keep => Self::Keep,
        }
    }
}

impl TextColumns {
    /// Returns the value of `--html`, unless it is the default.
    pub fn html_value(&self) -> Option<String> {
        let html = HtmlMode::from(self.html);
        (html != HtmlMode::default()).then(|| html.name().to_owned())
    }

    /// Returns the options for reading whole articles from these columns. Notes about the files are printed.
    pub fn reading(&self, format: Option<Format>) -> ReadOptions {
        let (text_field, title_field) = (self.text_field.clone(), self.title_field.clone());
        let (encoding, html) = (self.encoding, self.html.into());
        let (sheet, notes) = (self.sheet.clone(), printed_notes());
        ReadOptions { format, encoding, sheet, notes, text_field, title_field, html, ..ReadOptions::default() }
    }
}

/// Returns a receiver that prints each note once: a file may be opened several times.
fn printed_notes() -> Notes {
    let printed = Mutex::new(HashSet::new());
    Notes::new(move |note| {
        let line = format!("warning: {note}");
        if printed.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
            let hint = match note {
                Note::OneSheetOfSeveral { .. } => "name another one with `--sheet`",
            };
            say(&format!("{line}; {hint}"));
        }
    })
}

/// Columns with the target of target-dependent sentiment.
#[derive(Debug, Clone, Args)]
pub struct TargetColumns {
    /// Column with the target of target-dependent sentiment [default: as the model was trained, else none]
    ///
    /// The target is the person or thing that the sentiment is about. Its first occurrence in the text is marked, or else
    /// in the title. A target that occurs in neither is put in front of the text. If the column is empty, the whole article is labelled.
    #[arg(long, value_name = "NAME", alias = "mention-field")]
    pub target_field: Option<String>,
    /// Column with the position of the target's first character in the text, counted from 0
    #[arg(long, value_name = "NAME", alias = "mention-start", requires_all = ["target_field", "target_end"])]
    pub target_start: Option<String>,
    /// Column with the position after the target's last character
    #[arg(long, value_name = "NAME", alias = "mention-end", requires_all = ["target_field", "target_start"])]
    pub target_end: Option<String>,
}

/// How labelled data sets are read.
#[derive(Debug, Clone, Args)]
pub struct DataSetOptions {
    /// Head (classification task) that the labels of your own files belong to [default: the name in --label-field, else `label`]
    ///
    /// Commands that evaluate a model with only one head use that head by default.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub head: Option<String>,
    #[arg(long, value_name = "FILE", help = help::LABEL_MAP, long_help = format!("{}\n\n{}", help::LABEL_MAP, help::LABEL_MAP_DETAILS))]
    pub label_map: Option<PathBuf>,
    #[command(flatten)]
    pub files: DataSetFiles,
}

/// Where the files of labelled data sets are, and which columns they have. None of it depends on a model.
#[derive(Debug, Clone, Args)]
pub struct DataSetFiles {
    /// Folder with the files of data sets that have a recipe: one subfolder per data set
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub data_root: PathBuf,
    /// Column with the label in your own files [default: the head's name, label, labels, category, class, topic, section or sentiment]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub label_field: Option<String>,
    /// Separator of several labels in one row; makes the head multi-label
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub label_separator: Option<String>,
    #[command(flatten)]
    pub columns: TextColumns,
    #[command(flatten)]
    pub target: TargetColumns,
}

/// A model folder that gets new figures, and the data sets that they are measured on.
#[derive(Debug, Args)]
pub struct ModelAndData {
    /// Model folder
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub opening: OpenArguments,
    #[arg(long, value_name = "DATASET", required = true, num_args = 1.., help = help::DATA)]
    pub data: Vec<String>,
    /// Split of data sets with a recipe; keep the test split for the final evaluation
    #[arg(long, value_name = "NAME", default_value = "validation")]
    pub split: String,
    #[command(flatten)]
    pub data_set: DataSetOptions,
}

/// Dtype of saved weights.
#[derive(Debug, Clone, Args)]
pub struct StorageOptions {
    /// Data type (dtype) of the saved weights: f16 takes 2 bytes per weight, f32 takes 4
    #[arg(long, value_enum, value_name = "NAME", default_value_t = SaveDtype::F16)]
    save_dtype: SaveDtype,
    /// Old name of `--save-dtype f32`
    #[arg(long, hide = true, conflicts_with = "save_dtype")]
    full_precision: bool,
}

/// A number format of saved weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SaveDtype {
    F16,
    F32,
}

impl From<SaveDtype> for Storage {
    fn from(dtype: SaveDtype) -> Self {
        match dtype {
            SaveDtype::F16 => Self::F16,
            SaveDtype::F32 => Self::F32,
        }
    }
}

impl StorageOptions {
    /// Returns the dtype to save weights in.
    pub fn dtype(&self) -> Storage {
        if self.full_precision { Storage::F32 } else { self.save_dtype.into() }
    }
}

/// Format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    Text,
    Html,
    Jsonl,
    Json,
    Csv,
    Tsv,
    Xlsx,
    Arrow,
    Parquet,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Text => Self::Text,
            FormatName::Html => Self::Html,
            FormatName::Jsonl => Self::JsonLines,
            FormatName::Json => Self::Json,
            FormatName::Csv => Self::Csv,
            FormatName::Tsv => Self::Tsv,
            FormatName::Xlsx => Self::Excel,
            FormatName::Arrow => Self::Arrow,
            FormatName::Parquet => Self::Parquet,
        }
    }
}
