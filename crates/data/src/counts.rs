//! Counts of rows and labels in a split.

use std::collections::BTreeMap;

use crate::labelled::LabelledRow;

/// Counts of one split.
#[derive(Debug, Clone)]
pub(crate) struct SplitCounts {
    pub split: String,
    /// Number of rows with an article, labelled or not.
    pub rows: u64,
    /// Number of rows without any label.
    pub unlabelled: u64,
    /// Number of rejected rows.
    pub rejected: u64,
    /// Counts of each head of the data set.
    pub heads: Vec<LabelCounts>,
}

/// Counts of the labels that a split has for one head.
#[derive(Debug, Clone, Default)]
pub(crate) struct LabelCounts {
    /// Number of rows that are labelled for the head.
    pub rows: u64,
    /// Number of rows that are labelled with an empty list of labels.
    pub none: u64,
    /// Number of rows of each label, as the data set writes it.
    pub labels: BTreeMap<String, u64>,
}

impl SplitCounts {
    pub fn new(split: &str, heads: usize) -> SplitCounts {
        let heads = vec![LabelCounts::default(); heads];
        SplitCounts { split: split.to_owned(), rows: 0, unlabelled: 0, rejected: 0, heads }
    }

    pub fn add(&mut self, row: &LabelledRow) {
        self.rows += 1;
        self.unlabelled += u64::from(!row.is_labelled());
        for (counts, labels) in self.heads.iter_mut().zip(&row.labels) {
            counts.add(labels.as_deref());
        }
    }
}

impl LabelCounts {
    fn add(&mut self, labels: Option<&[String]>) {
        let Some(labels) = labels else { return };
        self.rows += 1;
        self.none += u64::from(labels.is_empty());
        for (index, label) in labels.iter().enumerate() {
            if labels[..index].contains(label) {
                continue;
            }
            match self.labels.get_mut(label) {
                Some(rows) => *rows += 1,
                None => _ = self.labels.insert(label.clone(), 1),
            }
        }
    }
}
