//! Statistics of a labelled data set: rows, labels with their shares, lengths of texts.
//!
//! Rows come in split by split. No text is kept.

mod lengths;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::counts::SplitCounts;
use crate::labelled::LabelledRow;
use crate::language::Language;
use crate::reject::Reject;
use lengths::Lengths;

pub use lengths::LengthSummary;

/// Statistics of a data set.
#[derive(Debug, Clone, Serialize)]
pub struct SetStats {
    /// The name of the data set.
    pub set: String,
    /// The statistics of each split.
    pub splits: Vec<SplitStats>,
}

/// Statistics of a split.
#[derive(Debug, Clone, Serialize)]
pub struct SplitStats {
    /// The name of the split.
    pub split: String,
    /// Rows with an article.
    pub rows: u64,
    /// Rows with a title.
    pub with_title: u64,
    /// Rows without a label.
    pub unlabelled: u64,
    /// Rows that cannot be used.
    pub rejected: u64,
    /// The labels of each head.
    pub heads: Vec<HeadStats>,
    /// The languages, those with the most rows first. Rows whose language is unsure are not counted.
    pub languages: Vec<LanguageRows>,
    /// The lengths of title and text together. `None` if there are no rows.
    pub lengths: Option<TextLengths>,
}

/// The rows in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LanguageRows {
    /// The code of the language in ISO 639-1.
    pub language: &'static str,
    /// The number of rows.
    pub rows: u64,
}

/// The labels of a head in one split.
#[derive(Debug, Clone, Serialize)]
pub struct HeadStats {
    /// The name of the head.
    pub head: String,
    /// Rows that are labelled for it.
    pub rows: u64,
    /// The labels as the data set writes them, those with the most rows first.
    pub labels: Vec<LabelShare>,
}

/// The rows of a label.
#[derive(Debug, Clone, Serialize)]
pub struct LabelShare {
    /// The label.
    pub label: String,
    /// The number of rows.
    pub rows: u64,
    /// Their share of the rows that are labelled for the head. In a multi-label data set the shares may sum to more
    /// than 1.
    pub share: f64,
}

/// The lengths of texts in three units.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TextLengths {
    /// In characters.
    pub characters: LengthSummary,
    /// In words, separated by white space.
    pub words: LengthSummary,
    /// In tokens, if a model is given.
    pub tokens: Option<LengthSummary>,
}

/// Collects statistics of rows.
pub struct Stats {
    set: String,
    heads: Vec<String>,
    splits: Vec<CountedSplit>,
}

struct CountedSplit {
    counts: SplitCounts,
    with_title: u64,
    characters: Lengths,
    words: Lengths,
    tokens: Lengths,
    languages: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// Starts the statistics of a data set with these heads.
    pub fn new(set: &str, heads: Vec<String>) -> Stats {
        Stats { set: set.to_owned(), heads, splits: Vec::new() }
    }

    /// Starts a split. The following rows belong to it.
    pub fn begin_split(&mut self, split: &str) {
        self.splits.push(CountedSplit {
            counts: SplitCounts::new(split, self.heads.len()),
            with_title: 0,
            characters: Lengths::default(),
            words: Lengths::default(),
            tokens: Lengths::default(),
            languages: BTreeMap::new(),
        });
    }

    /// Adds a row. `tokens` is the number of tokens of its input, if they were counted.
    pub fn add_row(&mut self, row: &LabelledRow, tokens: Option<usize>) {
        let Some(split) = self.splits.last_mut() else { return };
        let article = &row.row.article;
        let input = article.input();
        split.counts.add(row);
        split.with_title += u64::from(article.title.as_deref().is_some_and(|title| !title.trim().is_empty()));
        split.characters.add(input.chars().count());
        if let Some(language) = Language::of(&input) {
            *split.languages.entry(language.code()).or_default() += 1;
        }
        split.words.add(input.split_whitespace().count());
        tokens.into_iter().for_each(|tokens| split.tokens.add(tokens));
    }

    /// Adds a reject.
    pub fn add_reject(&mut self, _: &Reject) {
        if let Some(split) = self.splits.last_mut() {
            split.counts.rejected += 1;
        }
    }

    /// Returns the statistics.
    pub fn finish(self) -> SetStats {
        let splits = self.splits.into_iter().map(|split| split.stats(&self.heads)).collect();
        SetStats { set: self.set, splits }
    }
}

impl CountedSplit {
    fn stats(self, heads: &[String]) -> SplitStats {
        let lengths = self.characters.summary().zip(self.words.summary());
        let lengths =
            lengths.map(|(characters, words)| TextLengths { characters, words, tokens: self.tokens.summary() });
        let heads = heads.iter().zip(self.counts.heads).map(|(head, counts)| {
            let share = |(label, rows)| LabelShare { label, rows, share: rows as f64 / counts.rows as f64 };
            let mut labels: Vec<LabelShare> = counts.labels.into_iter().map(share).collect();
            labels.sort_by_key(|label| std::cmp::Reverse(label.rows));
            HeadStats { head: head.clone(), rows: counts.rows, labels }
        });
        let mut languages: Vec<LanguageRows> =
            self.languages.into_iter().map(|(language, rows)| LanguageRows { language, rows }).collect();
        languages.sort_by_key(|language| std::cmp::Reverse(language.rows));
        SplitStats {
            heads: heads.collect(),
            languages,
            split: self.counts.split,
            rows: self.counts.rows,
            with_title: self.with_title,
            unlabelled: self.counts.unlabelled,
            rejected: self.counts.rejected,
            lengths,
        }
    }
}
