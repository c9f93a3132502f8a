//! A run of `classify` with everything that it needs.

use super::languages;
use crate::arguments::Classify;
use crate::data_sets::html_note;
use crate::exit_code::ExitCode;
use crate::failure::say;
use crate::output::count::counted;
use crate::output::reporting::{NO_ARTICLES, wrote};
use indicatif::HumanCount;
use newsdesk_data::Source;
use newsdesk_model::Classifier;
use newsdesk_run::{Counts, OutputPaths, PredictionColumns, RunOptions};

/// Returns the exit code of a complete run. Rows that the user asked to set aside are no failure.
pub fn exit_code(counts: &Counts) -> ExitCode {
    if counts.unusable() == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

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
    /// Names the files that a complete run wrote.
    pub fn report_files(&self, paths: &OutputPaths, counts: &Counts) {
        self.report_no_articles(counts);
        if self.options.quiet {
            return;
        }
        say(&wrote(&paths.output, counts.articles, "article"));
        if counts.rejected > 0 {
            say(&wrote(&paths.rejects, counts.rejected, "rejected row"));
        }
    }

    /// Reports what the texts of a run are: how many of them held HTML or were blank, and how many are in languages that the model was
    /// not trained on.
    pub fn report_texts(&self, counts: &Counts) {
        if self.options.quiet {
            return;
        }
        html_note(counts.html).into_iter().for_each(|line| say(&line));
        if counts.title_only > 0 {
            let articles = counted(HumanCount(counts.title_only), "article");
            say(&format!("note: title only: {articles} with a blank text"));
        }
        languages::chosen(counts, !self.options.only_language.is_empty()).iter().for_each(|line| say(line));
        if let Some(warning) = languages::warning(counts, self.classifier.manifest()) {
            say(&format!("warning: {warning}"));
        }
    }

    /// Says that a run had nothing to label.
    fn report_no_articles(&self, counts: &Counts) {
        if counts.rows() == 0 && self.options.limit != Some(0) && !self.options.quiet {
            say(NO_ARTICLES);
        }
    }

    /// Reports the number of rejected rows of a run into a stream, if there are any.
    pub fn report_rejects(&self, counts: &Counts) {
        self.report_no_articles(counts);
        if counts.rejected > 0 && !self.options.quiet {
            let (articles, rejected) = (HumanCount(counts.articles), HumanCount(counts.rejected));
            let rejects = self.options.rejects.as_ref();
            let file = rejects.map(|path| format!(" (in {})", path.display())).unwrap_or_default();
            say(&format!("articles labelled: {articles}, rows rejected: {rejected}{file}"));
        }
    }
}
