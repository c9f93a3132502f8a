//! The check: rows in, a report out.

use serde::Serialize;

use super::finding::{Finding, Severity};
use super::labels::label_findings;
use super::rows::row_findings;
use super::split::{CheckedHead, CheckedSplit};
use super::texts::SeenRows;
use crate::counts::SplitCounts;
use crate::error::DataError;
use crate::labelled::{LabelledHead, LabelledRow};
use crate::reject::Reject;
use crate::text_hash::TextHash;

/// The thresholds of a check.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// The maximum length of a text in tokens, for the report. The caller measures the texts.
    pub max_length: usize,
    /// Texts with fewer words are too short, unless they have many characters: some scripts do not separate words with
    /// spaces.
    pub min_words: usize,
    /// Labels with fewer rows in the training split are rare.
    pub min_rows: u64,
    /// The maximum number of examples per finding.
    pub examples: usize,
}

/// The result of a check.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// The name of the data set.
    pub set: String,
    /// The number of rows of each split.
    pub splits: Vec<SplitRows>,
    /// The findings: errors, then warnings, then notes.
    pub findings: Vec<Finding>,
}

/// The number of rows of a split.
#[derive(Debug, Clone, Serialize)]
pub struct SplitRows {
    /// The name of the split.
    pub split: String,
    /// Rows with an article.
    pub rows: u64,
    /// Rows that cannot be used.
    pub rejected: u64,
}

impl CheckReport {
    /// Returns the number of findings with this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// A check that receives rows.
pub struct Check {
    set: String,
    heads: Vec<CheckedHead>,
    options: CheckOptions,
    splits: Vec<CheckedSplit>,
    seen: SeenRows,
}

impl Check {
    /// Starts the check of a recipe's data set.
    pub fn of_recipe(set: &str, heads: Vec<LabelledHead>, options: CheckOptions) -> Check {
        let heads = heads.into_iter().map(|head| CheckedHead { name: head.name.clone(), known: Some(head) });
        Check::new(set, heads.collect(), options)
    }

    /// Starts the check of a user's own files, which have one head.
    pub fn of_files(set: &str, head: &str, options: CheckOptions) -> Check {
        Check::new(set, vec![CheckedHead { name: head.to_owned(), known: None }], options)
    }

    fn new(set: &str, heads: Vec<CheckedHead>, options: CheckOptions) -> Check {
        Check { set: set.to_owned(), heads, options, splits: Vec::new(), seen: SeenRows::default() }
    }

    /// Starts a split. The following rows belong to it. The training split comes first.
    pub fn begin_split(&mut self, split: &str) {
        self.splits.push(CheckedSplit::new(split, self.heads.len(), self.options.examples));
    }

    /// Adds a row to the current split. `overlong` says whether its text is longer than [`CheckOptions::max_length`].
    pub fn add_row(&mut self, row: LabelledRow, overlong: bool) {
        let index = self.splits.len().saturating_sub(1);
        let Some(split) = self.splits.last_mut() else { return };
        split.add_row(&row, overlong, self.options.min_words);
        let article = &row.row.article;
        let hashes = (TextHash::with_target(article), TextHash::of_body_with_target(article));
        self.seen.add(hashes, index, &row.row.position, row.labels);
    }

    /// Adds a reject to the current split.
    pub fn add_reject(&mut self, reject: &Reject) {
        if let Some(split) = self.splits.last_mut() {
            split.add_reject(reject);
        }
    }

    /// Adds the columns of a file that was read, for the error that no row has a label.
    pub fn add_columns(&mut self, columns: &[String]) {
        if let Some(split) = self.splits.last_mut() {
            split.add_columns(columns);
        }
    }

    /// Returns the report.
    ///
    /// # Errors
    /// If a split has no labelled row. Most likely the wrong column was read.
    pub fn finish(self) -> Result<CheckReport, DataError> {
        self.splits.iter().try_for_each(|split| split.check_labelled(&self.set))?;
        let rows = |split: &CheckedSplit| SplitRows {
            split: split.counts.split.clone(),
            rows: split.counts.rows,
            rejected: split.counts.rejected,
        };
        let splits = self.splits.iter().map(rows).collect();
        let counts: Vec<&SplitCounts> = self.splits.iter().map(|split| &split.counts).collect();
        let CheckOptions { max_length, min_words, min_rows, examples } = self.options;
        let mut findings = self.seen.findings(&counts, &self.heads, examples);
        findings.extend(label_findings(&counts, &self.heads, min_rows));
        findings.extend(self.splits.into_iter().flat_map(|split| row_findings(split, max_length, min_words)));
        findings.sort_by_key(|finding| (finding.severity as u8, finding.kind as u8));
        Ok(CheckReport { set: self.set, splits, findings })
    }
}
