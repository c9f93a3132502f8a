//! What a labelled set is made of: rows, labels with their shares, lengths of texts. Rows come in split by split; no
//! text is held.

mod lengths;

use serde::Serialize;

use crate::read::Reject;
use crate::rows::LabelledRow;
use crate::tally::SplitTally;
use lengths::Lengths;

pub use lengths::LengthSummary;

/// Figures of a set.
#[derive(Debug, Clone, Serialize)]
pub struct SetStats {
    /// The name of the set.
    pub set: String,
    /// Its splits.
    pub splits: Vec<SplitStats>,
}

/// Figures of a split.
#[derive(Debug, Clone, Serialize)]
pub struct SplitStats {
    /// The name of the split.
    pub split: String,
    /// Rows with an article.
    pub rows: u64,
    /// Those of them that have a title.
    pub with_title: u64,
    /// Those of them without a label.
    pub unlabelled: u64,
    /// Rows that could not be used.
    pub rejected: u64,
    /// The labels of each head.
    pub heads: Vec<HeadStats>,
    /// How long titles and texts are together; nothing if there are no rows.
    pub lengths: Option<TextLengths>,
}

/// The labels of a head in one split.
#[derive(Debug, Clone, Serialize)]
pub struct HeadStats {
    /// The name of the head.
    pub head: String,
    /// Rows that are labelled for it.
    pub rows: u64,
    /// Its labels as the set writes them, those with the most rows first.
    pub labels: Vec<LabelShare>,
}

/// How many rows have a label.
#[derive(Debug, Clone, Serialize)]
pub struct LabelShare {
    /// The label.
    pub label: String,
    /// Its rows.
    pub rows: u64,
    /// Their share of the rows that are labelled for the head. Where rows have several labels the shares add up to more
    /// than 1.
    pub share: f64,
}

/// How long texts are, in three units.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TextLengths {
    /// In characters.
    pub characters: LengthSummary,
    /// In words, which white space parts.
    pub words: LengthSummary,
    /// In tokens of a model, where there is one.
    pub tokens: Option<LengthSummary>,
}

/// Figures while rows come in.
pub struct Stats {
    set: String,
    heads: Vec<String>,
    splits: Vec<CountedSplit>,
}

struct CountedSplit {
    tally: SplitTally,
    with_title: u64,
    characters: Lengths,
    words: Lengths,
    tokens: Lengths,
}

impl Stats {
    /// Figures of a set with these heads.
    pub fn new(set: &str, heads: Vec<String>) -> Stats {
        Stats { set: set.to_owned(), heads, splits: Vec::new() }
    }

    /// The rows that follow belong to this split.
    pub fn begin_split(&mut self, split: &str) {
        self.splits.push(CountedSplit {
            tally: SplitTally::new(split, self.heads.len()),
            with_title: 0,
            characters: Lengths::default(),
            words: Lengths::default(),
            tokens: Lengths::default(),
        });
    }

    /// Takes a row in; `tokens` is the length of its input, where it was counted.
    pub fn row(&mut self, row: &LabelledRow, tokens: Option<usize>) {
        let Some(split) = self.splits.last_mut() else { return };
        let article = &row.row.article;
        let input = article.input();
        split.tally.add(row);
        split.with_title += u64::from(article.title.as_deref().is_some_and(|title| !title.trim().is_empty()));
        split.characters.add(input.chars().count());
        split.words.add(input.split_whitespace().count());
        tokens.into_iter().for_each(|tokens| split.tokens.add(tokens));
    }

    /// Takes a reject in.
    pub fn reject(&mut self, _: &Reject) {
        if let Some(split) = self.splits.last_mut() {
            split.tally.rejected += 1;
        }
    }

    /// The figures.
    pub fn finish(self) -> SetStats {
        let splits = self.splits.into_iter().map(|split| split.figures(&self.heads)).collect();
        SetStats { set: self.set, splits }
    }
}

impl CountedSplit {
    fn figures(self, heads: &[String]) -> SplitStats {
        let lengths = self.characters.summary().zip(self.words.summary());
        let lengths =
            lengths.map(|(characters, words)| TextLengths { characters, words, tokens: self.tokens.summary() });
        let heads = heads.iter().zip(self.tally.heads).map(|(head, tally)| {
            let share = |(label, rows)| LabelShare { label, rows, share: rows as f64 / tally.rows as f64 };
            let mut labels: Vec<LabelShare> = tally.labels.into_iter().map(share).collect();
            labels.sort_by_key(|label| std::cmp::Reverse(label.rows));
            HeadStats { head: head.clone(), rows: tally.rows, labels }
        });
        SplitStats {
            heads: heads.collect(),
            split: self.tally.split,
            rows: self.tally.rows,
            with_title: self.with_title,
            unlabelled: self.tally.unlabelled,
            rejected: self.tally.rejected,
            lengths,
        }
    }
}
