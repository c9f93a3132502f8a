//! How many rows a split has, and how many of each label.

use std::collections::BTreeMap;

use crate::rows::LabelledRow;

/// The rows of one split.
#[derive(Debug, Clone)]
pub(crate) struct SplitTally {
    pub split: String,
    /// Rows with an article, labelled or not.
    pub rows: u64,
    pub unlabelled: u64,
    pub rejected: u64,
    /// One for each head of the set.
    pub heads: Vec<LabelTally>,
}

/// The labels that a split has for one head.
#[derive(Debug, Clone, Default)]
pub(crate) struct LabelTally {
    /// Rows that are labelled for the head.
    pub rows: u64,
    /// Those of them that say that no label holds.
    pub none: u64,
    /// Rows of each label, as the set writes it.
    pub labels: BTreeMap<String, u64>,
}

impl SplitTally {
    pub fn new(split: &str, heads: usize) -> SplitTally {
        let heads = vec![LabelTally::default(); heads];
        SplitTally { split: split.to_owned(), rows: 0, unlabelled: 0, rejected: 0, heads }
    }

    pub fn add(&mut self, row: &LabelledRow) {
        self.rows += 1;
        self.unlabelled += u64::from(!row.is_labelled());
        for (tally, labels) in self.heads.iter_mut().zip(&row.labels) {
            tally.add(labels.as_deref());
        }
    }
}

impl LabelTally {
    fn add(&mut self, labels: Option<&[String]>) {
        let Some(labels) = labels else { return };
        self.rows += 1;
        self.none += u64::from(labels.is_empty());
        for (at, label) in labels.iter().enumerate() {
            if labels[..at].contains(label) {
                continue;
            }
            match self.labels.get_mut(label) {
                Some(rows) => *rows += 1,
                None => _ = self.labels.insert(label.clone(), 1),
            }
        }
    }
}
