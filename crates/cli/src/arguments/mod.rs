//! The command line as typed: one file per command, and [`shared`] for options of several commands.
//!
//! Nothing here is checked against files or models yet. Names of options that were replaced stay as hidden aliases.

pub mod agree;
pub mod bench;
pub mod calibrate;
pub mod classify;
pub mod completions;
pub mod data;
pub mod diff;
pub mod eval;
pub mod models;
pub mod shared;
pub mod train;
pub mod verify;

use clap::{Parser, Subcommand};

pub use agree::Agree;
pub use bench::Bench;
pub use calibrate::Calibrate;
pub use classify::{Classify, OutputFormat};
pub use completions::Completions;
pub use diff::Diff;
pub use eval::Eval;
pub use models::{Average, Certify, Convert, ConvertedDtype, Export, Models, ModelsCommand, TeacherScores};
pub use shared::{
    ComputeOptions, DataSetFiles, DataSetOptions, OpenArguments, OverwriteOption, TableOptions, TargetColumns,
    Thresholds,
};
pub use train::{ArchName, CharNgrams, Epochs, LrScheduler, PoolingName, QuantiseName, Train};
pub use verify::Verify;

/// Labels news articles by topic and sentiment. A trained model is built in.
#[derive(Debug, Parser)]
#[command(name = "newsdesk", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// Printed below the list of commands.
const EXAMPLES: &str = "\
Examples:
  newsdesk classify articles.csv -o labelled.csv
  newsdesk train --data articles.csv --label-field desk -o my-model
  newsdesk eval my-model --data test.csv --label-field desk
  newsdesk help train

Exit codes:
  0    done
  1    done, but rows were rejected, or a check or comparison found something
  2    could not run
  130  interrupted; resume with --resume where the command has it";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Label articles by topic and sentiment
    ///
    /// Prints a table on a terminal and JSON Lines in a pipe. All columns of the input are kept.
    Classify(Classify),
    /// Check an output of `classify` by labelling a sample of its rows again
    ///
    /// Takes the settings from the manifest beside the file. The exit code is 1 if a row differs, is missing or cannot be read.
    Verify(Verify),
    /// Compare two outputs of `classify` for the same articles
    ///
    /// Shows which predictions changed, by label. Rows are matched by their order, or by a column that identifies them. The exit code is 1 if anything changed.
    Diff(Diff),
    /// Fine-tune a model on labelled data sets
    Train(Box<Train>),
    /// Evaluate a model on labelled data sets: accuracy, F1, calibration, metrics per label
    #[command(override_usage = "newsdesk eval [OPTIONS] [MODEL] --data <DATASET>...")]
    Eval(Eval),
    /// Benchmark models on labelled data sets: speed, latency, memory, accuracy
    ///
    /// Measures the throughput of the whole `newsdesk classify`, in a process of its own. The models take turns over several
    /// rounds, and the median of the rounds is reported. Significance tests compare the accuracies. Run it on an idle machine.
    #[command(override_usage = "newsdesk bench [OPTIONS] <MODEL>... --data <DATASET>...")]
    Bench(Box<Bench>),
    /// Compare the predictions of models on articles without labels
    ///
    /// Shows how often the models agree, and where they differ.
    #[command(override_usage = "newsdesk agree [OPTIONS] <MODEL> <MODEL>... --data <FILES>...")]
    Agree(Agree),
    /// Calibrate a model's scores on labelled data sets, and find score thresholds
    ///
    /// Fits one temperature for each head that the data sets have labels for. Then finds, for every head, the lowest score
    /// that reaches each of the precisions 0.80, 0.85, 0.90, 0.95, 0.98 and 0.99; for multi-label heads also the decision
    /// thresholds with the highest F1. The results go into the model's `newsdesk.toml` and replace earlier ones. `classify
    /// --min-precision` then needs no labelled articles.
    Calibrate(Box<Calibrate>),
    /// Prepare labelled data: check, stats, split, convert
    Data(data::Data),
    /// Describe, certify, average or convert models
    Models(Models),
    /// Print a completion script for a shell
    Completions(Completions),
}
