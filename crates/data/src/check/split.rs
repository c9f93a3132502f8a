//! What a check collects about one split.

use std::sync::Arc;

use super::finding::{Cases, Example, ExampleRow};
use crate::counts::SplitCounts;
use crate::labelled::{LabelError, LabelledHead, LabelledRow};
use crate::reject::Reject;
use crate::row::{Article, Position};

/// Texts with more characters than this per required word are not too short, however few words they have.
const CHARACTERS_PER_WORD: usize = 8;

/// A head of the data set.
pub(super) struct CheckedHead {
    pub name: String,
    /// The head with its label set and map, if a recipe describes it.
    pub known: Option<LabelledHead>,
}

/// What a check collects about one split.
pub(super) struct CheckedSplit {
    pub counts: SplitCounts,
    pub blank: Cases<u64>,
    pub rejected: Cases<u64>,
    pub unlabelled: Cases<u64>,
    pub overlong: Cases<u64>,
    pub short: Cases<u64>,
    files: Vec<String>,
    /// The columns of the first file, for the error that no row has a label.
    columns: Vec<String>,
    first_reject: Option<Reject>,
}

impl CheckedSplit {
    pub fn new(name: &str, heads: usize, examples: usize) -> CheckedSplit {
        let cases = || Cases::new(examples);
        CheckedSplit {
            counts: SplitCounts::new(name, heads),
            blank: cases(),
            rejected: cases(),
            unlabelled: cases(),
            overlong: cases(),
            short: cases(),
            files: Vec::new(),
            columns: Vec::new(),
            first_reject: None,
        }
    }

    pub fn add_row(&mut self, row: &LabelledRow, overlong: bool, min_words: usize) {
        self.counts.add(row);
        let number = self.counts.rows + self.counts.rejected;
        let position = &row.row.position;
        self.add_file(&position.source);
        if !row.is_labelled() {
            self.unlabelled.add(number, || example(position, None));
        }
        if overlong {
            self.overlong.add(number, || example(position, None));
        }
        if is_short(&row.row.article, min_words) {
            self.short.add(number, || example(position, None));
        }
    }

    pub fn add_reject(&mut self, reject: &Reject) {
        self.counts.rejected += 1;
        let number = self.counts.rows + self.counts.rejected;
        self.add_file(&reject.position.source);
        self.first_reject.get_or_insert_with(|| reject.clone());
        match reject.is_blank() {
            true => self.blank.add(number, || example(&reject.position, None)),
            false => self.rejected.add(number, || example(&reject.position, Some(&reject.cause))),
        }
    }

    pub fn add_columns(&mut self, columns: &[String]) {
        if self.columns.is_empty() {
            self.columns = columns.to_vec();
        }
    }

    /// Checks that any row of the split has a label for any head.
    ///
    /// # Errors
    /// [`LabelError::NoLabelledArticle`].
    pub fn check_labelled(&self, set: &str) -> Result<(), LabelError> {
        if self.counts.heads.iter().any(|head| head.rows > 0) {
            return Ok(());
        }
        let set = [set.to_owned()];
        let files = if self.files.is_empty() { set.as_slice() } else { &self.files };
        let (columns, reject) = (self.columns.clone(), self.first_reject.as_ref());
        Err(LabelError::no_labelled_article(files, columns, reject, self.counts.rows > 0))
    }

    fn add_file(&mut self, name: &Arc<str>) {
        if self.files.last().is_none_or(|last| **last != **name) {
            self.files.push(name.to_string());
        }
    }
}

/// Returns whether a text has fewer than `min_words` words and few characters. Some scripts do not separate words with
/// spaces.
fn is_short(article: &Article, min_words: usize) -> bool {
    let title = article.title.as_deref().unwrap_or_default();
    let words = || title.split_whitespace().chain(article.text.split_whitespace());
    let characters = || words().flat_map(str::chars);
    let min_characters = min_words.saturating_mul(CHARACTERS_PER_WORD);
    words().take(min_words).count() < min_words && characters().take(min_characters).count() < min_characters
}

fn example(position: &Position, cause: Option<&str>) -> Example {
    Example { rows: vec![ExampleRow::of(position)], cause: cause.map(str::to_owned) }
}
