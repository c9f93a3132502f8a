//! A run of `classify` with everything that it needs.

use crate::arguments::Classify;
use crate::failure::say;
use newsdesk_data::Source;
use newsdesk_model::Classifier;
use newsdesk_run::{Counts, PredictionColumns, RunOptions};
use std::process::ExitCode;

/// A run that is ready to start.
pub struct Job<'a> {
    pub options: &'a Classify,
    pub classifier: Classifier,
    pub sources: Vec<Source>,
    pub run_options: RunOptions,
    /// Minimum score of each head; `None` for a head without a threshold.
    pub min_scores: Vec<Option<f32>>,
    /// The columns that the run adds.
    pub columns: PredictionColumns,
}

impl Job<'_> {
    /// Reports rejected rows, if there are any, and returns the exit code of a complete run.
    pub fn exit_code(&self, counts: &Counts) -> ExitCode {
        if counts.rejected == 0 {
            return ExitCode::SUCCESS;
        }
        if !self.options.quiet {
            say(&format!("articles labelled: {}, rows rejected: {}", counts.articles, counts.rejected));
        }
        ExitCode::from(1)
    }
}
