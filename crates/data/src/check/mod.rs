//! What is wrong with a labelled set, before anything is learned from it or measured by it.
//!
//! Rows come in split by split, a report comes out. Of each text only a hash is held (24 bytes a row), so a set may be
//! much larger than the memory.

mod finding;
mod labels;
mod texts;

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::article::{Article, Position};
use crate::error::DataError;
use crate::fingerprint::TextHash;
use crate::labelled::LabelledHead;
use crate::read::Reject;
use crate::rows::LabelledRow;
use crate::tally::SplitTally;
use finding::{Cases, counted};
use texts::SeenRows;

pub use finding::{Example, Finding, FindingKind, Grade, LabelRows, Place};

/// Where a check draws its lines.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Tokens of a window, for the report; whether a text is longer is the caller's to say.
    pub window: usize,
    /// Texts with fewer words are very short, unless they have many characters: in some scripts no white space parts words.
    pub min_words: usize,
    /// Labels with fewer rows to learn from have few.
    pub min_rows: u64,
    /// Examples of each finding.
    pub examples: usize,
}

/// A text of more characters for each word that it should have is not very short, however few words it has.
const LETTERS_OF_A_WORD: usize = 8;

/// What was found in a set.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// The name of the set.
    pub set: String,
    /// How many rows it has.
    pub splits: Vec<SplitRows>,
    /// What was found, errors first.
    pub findings: Vec<Finding>,
}

/// The rows of a split.
#[derive(Debug, Clone, Serialize)]
pub struct SplitRows {
    /// The name of the split.
    pub split: String,
    /// Rows with an article.
    pub rows: u64,
    /// Rows that could not be used.
    pub rejected: u64,
}

impl CheckReport {
    /// How many findings have this grade.
    pub fn count(&self, grade: Grade) -> usize {
        self.findings.iter().filter(|finding| finding.grade == grade).count()
    }
}

/// A check while rows come in.
pub struct Check {
    set: String,
    heads: Vec<CheckedHead>,
    options: CheckOptions,
    splits: Vec<CheckedSplit>,
    seen: SeenRows,
}

/// A head of the set.
struct CheckedHead {
    name: String,
    /// What its labels mean, where a recipe says it.
    known: Option<LabelledHead>,
}

/// What is counted of a split.
struct CheckedSplit {
    tally: SplitTally,
    blank: Cases<u64>,
    rejected: Cases<u64>,
    unlabelled: Cases<u64>,
    overlong: Cases<u64>,
    short: Cases<u64>,
    files: Vec<String>,
    /// The columns of its first file, to be shown if no row has a label.
    columns: Vec<String>,
    /// What was wrong with its first reject.
    first_cause: Option<String>,
}

impl Check {
    /// A check of a recipe's set.
    pub fn of_recipe(set: &str, heads: Vec<LabelledHead>, options: CheckOptions) -> Check {
        let heads = heads.into_iter().map(|head| CheckedHead { name: head.name.clone(), known: Some(head) });
        Check::new(set, heads.collect(), options)
    }

    /// A check of a user's own files, which have one head.
    pub fn of_files(set: &str, head: &str, options: CheckOptions) -> Check {
        Check::new(set, vec![CheckedHead { name: head.to_owned(), known: None }], options)
    }

    fn new(set: &str, heads: Vec<CheckedHead>, options: CheckOptions) -> Check {
        Check { set: set.to_owned(), heads, options, splits: Vec::new(), seen: SeenRows::default() }
    }

    /// The rows that follow belong to this split. That to learn from comes first.
    pub fn begin_split(&mut self, split: &str) {
        let cases = || Cases::new(self.options.examples);
        self.splits.push(CheckedSplit {
            tally: SplitTally::new(split, self.heads.len()),
            blank: cases(),
            rejected: cases(),
            unlabelled: cases(),
            overlong: cases(),
            short: cases(),
            files: Vec::new(),
            columns: Vec::new(),
            first_cause: None,
        });
    }

    /// Takes a row in. `overlong`: its text is longer than a window.
    pub fn row(&mut self, row: LabelledRow, overlong: bool) {
        let at = self.splits.len().saturating_sub(1);
        let Some(split) = self.splits.last_mut() else { return };
        split.tally.add(&row);
        let number = split.tally.rows + split.tally.rejected;
        let position = &row.row.position;
        split.file(&position.source);
        if !row.is_labelled() {
            split.unlabelled.add(number, || example(position, None));
        }
        if overlong {
            split.overlong.add(number, || example(position, None));
        }
        if is_short(&row.row.article, self.options.min_words) {
            split.short.add(number, || example(position, None));
        }
        let text = TextHash::of_question(&row.row.article);
        self.seen.add(text, at, position, row.labels);
    }

    /// Takes a reject in.
    pub fn reject(&mut self, reject: &Reject) {
        let Some(split) = self.splits.last_mut() else { return };
        split.tally.rejected += 1;
        let number = split.tally.rows + split.tally.rejected;
        split.file(&reject.position.source);
        split.first_cause.get_or_insert_with(|| reject.cause.clone());
        match reject.is_blank() {
            true => split.blank.add(number, || example(&reject.position, None)),
            false => split.rejected.add(number, || example(&reject.position, Some(&reject.cause))),
        }
    }

    /// Says which columns a file has that was read, to be shown if none of them holds labels.
    pub fn columns(&mut self, columns: &[String]) {
        if let Some(split) = self.splits.last_mut().filter(|split| split.columns.is_empty()) {
            split.columns = columns.to_vec();
        }
    }

    /// The report. A split without any labelled row is an error: most likely the wrong column was read.
    pub fn finish(mut self) -> Result<CheckReport, DataError> {
        if let Some(split) = self.splits.iter().find(|split| split.tally.heads.iter().all(|head| head.rows == 0)) {
            return Err(DataError::NoLabelled {
                name: if split.files.is_empty() { self.set.clone() } else { split.files.join("`, `") },
                found: split.columns.clone(),
                first: split.cause_of_nothing(),
            });
        }
        let splits = self.splits.iter().map(|split| SplitRows {
            split: split.tally.split.clone(),
            rows: split.tally.rows,
            rejected: split.tally.rejected,
        });
        let splits = splits.collect();
        let mut findings = self.equal_texts();
        findings.extend(self.labels());
        findings.extend(self.rows());
        findings.sort_by_key(|finding| (finding.grade != Grade::Error, finding.kind as u8));
        Ok(CheckReport { set: self.set, splits, findings })
    }

    /// What is wrong with single rows.
    fn rows(&mut self) -> Vec<Finding> {
        let CheckOptions { window, min_words, .. } = self.options;
        let mut findings = Vec::new();
        for split in self.splits.drain(..) {
            let name = split.tally.split;
            let mut found = |kind: FindingKind, cases: Cases<u64>, one: &str, many: &str, message: String| {
                if cases.count > 0 {
                    let message = format!("{} {message}", counted(cases.count, one, many));
                    findings.push(finding(kind, &[&name], cases.count, message, cases.examples()));
                }
            };
            let of = |verb: &str, what: &str| format!("of {name} {verb} {what}");
            let (row, rows) = ("row", "rows");
            let has = |count: u64| if count == 1 { "has" } else { "have" };
            let verb = has(split.blank.count);
            found(FindingKind::EmptyText, split.blank, row, rows, of(verb, "neither text nor title"));
            found(FindingKind::Rejected, split.rejected, row, rows, of("cannot", "be used"));
            let verb = has(split.unlabelled.count);
            found(FindingKind::Unlabelled, split.unlabelled, row, rows, of(verb, "no label"));
            let longer = format!("longer than a window of {window} tokens, of which training reads the beginning");
            let verb = if split.overlong.count == 1 { "is" } else { "are" };
            found(FindingKind::Overlong, split.overlong, "text", "texts", of(verb, &longer));
            let verb = has(split.short.count);
            let fewer = format!("fewer than {}", counted(min_words as u64, "word", "words"));
            found(FindingKind::Short, split.short, "text", "texts", of(verb, &fewer));
        }
        findings
    }
}

impl CheckedSplit {
    fn file(&mut self, name: &Arc<str>) {
        if self.files.last().is_none_or(|last| **last != **name) {
            self.files.push(name.to_string());
        }
    }

    /// Why there may be no label in it.
    fn cause_of_nothing(&self) -> Option<String> {
        let unlabelled = || (self.tally.rows > 0).then(|| "no row has a label".to_owned());
        self.first_cause.clone().or_else(unlabelled)
    }
}

fn is_short(article: &Article, min_words: usize) -> bool {
    let title = article.title.as_deref().unwrap_or_default();
    let words = || title.split_whitespace().chain(article.text.split_whitespace());
    let letters = || words().flat_map(str::chars);
    let (least, most) = (min_words, min_words.saturating_mul(LETTERS_OF_A_WORD));
    words().take(least).count() < least && letters().take(most).count() < most
}

fn example(position: &Position, cause: Option<&str>) -> Example {
    Example { places: vec![Place::of(position)], cause: cause.map(str::to_owned) }
}

fn finding(kind: FindingKind, splits: &[&str], count: u64, message: String, examples: Vec<Example>) -> Finding {
    let splits = splits.iter().map(|split| (*split).to_owned()).collect();
    Finding { grade: kind.grade(), kind, splits, head: None, count, message, labels: Vec::new(), examples }
}

/// The labels of a row as one text, in their order.
fn shown(labels: &[String]) -> String {
    if labels.is_empty() { "(none)".to_owned() } else { labels.join("; ") }
}

/// Numbers for things that occur again and again.
#[derive(Default)]
struct Numbered<T> {
    things: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    fn number(&mut self, thing: T) -> u32 {
        if let Some(number) = self.numbers.get(&thing) {
            return *number;
        }
        let number = self.things.len() as u32;
        self.things.push(thing.clone());
        self.numbers.insert(thing, number);
        number
    }

    fn get(&self, number: u32) -> &T {
        &self.things[number as usize]
    }
}
