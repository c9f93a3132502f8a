//! Labelled articles, and the heads that they have labels for.

use std::sync::Arc;

use super::gold_labels::GoldLabels;
use super::labels::{LabelId, LabelSet};
use crate::reject::Reject;
use crate::row::{Article, Position};

/// A labelled article.
#[derive(Debug, Clone)]
pub struct LabelledArticle {
    /// Where its row is.
    pub position: Position,
    /// The part of the row that a model reads.
    pub article: Article,
    /// The gold labels of each head of the data set. `None` if the row has no label for the head.
    pub gold_labels: Vec<Option<GoldLabels>>,
    /// Further labels of each head that also count as correct in evaluation. They are not used for training. In order;
    /// empty if the data set has none.
    pub also_correct: Vec<Vec<LabelId>>,
    /// The label of each head as the data set writes it. Several labels are joined by `; `.
    pub data_set_labels: Vec<Option<String>>,
}

/// A head that a data set has labels for.
#[derive(Debug, Clone)]
pub struct LabelledHead {
    /// The name of the head.
    pub name: String,
    /// The labels that the head predicts.
    pub labels: Arc<LabelSet>,
    /// Whether an article can have several labels at once.
    pub multi: bool,
    /// The labels that each label of the data set may mean, if the data set has labels of its own.
    pub map: Option<Vec<(String, Vec<LabelId>)>>,
}

/// One split of a labelled data set.
#[derive(Debug, Clone)]
pub struct LabelledSet {
    /// The name of the data set.
    pub name: String,
    /// The name of the split.
    pub split: String,
    /// The heads that the data set has labels for: none if it is not labelled.
    pub heads: Vec<LabelledHead>,
    /// The articles in the order of the file. If there are heads, each has a label for at least one.
    pub articles: Vec<LabelledArticle>,
    /// The rows that cannot be used.
    pub rejects: Vec<Reject>,
    /// The number of valid rows that have no label for any head, and were left out.
    pub skipped: u64,
    /// The number of articles from whose title or text HTML was removed.
    pub html: u64,
}

impl LabelledHead {
    /// Returns whether a label of the data set is in the map, or in the label set if there is no map.
    pub fn knows(&self, label: &str) -> bool {
        match &self.map {
            Some(map) => map.iter().any(|(from, _)| from == label),
            None => self.labels.find(label).is_some(),
        }
    }
}
