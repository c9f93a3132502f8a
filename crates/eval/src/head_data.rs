//! The labelled articles of several data sets for one head.

use crate::error::Result;
use crate::matching::{MatchedHead, matched_heads};
use newsdesk_data::{GoldLabels, LabelledSet};
use newsdesk_model::Head;

/// A data set with labels for one head of a model.
pub struct HeadData<'a> {
    /// The data set.
    pub set: &'a LabelledSet,
    /// Index of the data set in the list that was searched.
    pub set_index: usize,
    /// Index of the head among the data set's heads.
    pub head_index: usize,
    /// The head's labels as labels of the model.
    pub matched: MatchedHead,
}

impl HeadData<'_> {
    /// Returns the gold labels of the articles that are labelled for the head, in the order of the data set.
    pub fn gold_labels(&self) -> impl Iterator<Item = &GoldLabels> {
        self.set.articles.iter().filter_map(|row| row.gold_labels[self.head_index].as_ref())
    }

    /// Returns the number of articles that are labelled for the head.
    pub fn labelled(&self) -> usize {
        self.gold_labels().count()
    }

    /// Returns whether the data set uses the head's own labels, and every article names the correct ones rather than alternatives.
    pub fn is_exact(&self) -> bool {
        self.set.heads[self.head_index].map.is_none()
            && !self.gold_labels().any(|gold| matches!(gold, GoldLabels::AnyOf(_)))
    }
}

/// Returns a line for each data set with labelled articles: its name, its split and their number.
pub(crate) fn descriptions(data: &[HeadData]) -> Vec<String> {
    let labelled = data.iter().map(|data| (data.set, data.labelled())).filter(|(_, labelled)| *labelled > 0);
    labelled.map(|(set, labelled)| format!("{} {}: {labelled} articles", set.name, set.split)).collect()
}

/// Returns the data sets with labels for one head of the model; `head` is its index.
///
/// # Errors
/// If a data set has no head in common with the model, or a label of a common head is not one of the model's.
pub fn head_data<'a>(sets: &[&'a LabelledSet], heads: &[Head], head: usize) -> Result<Vec<HeadData<'a>>> {
    let mut found = vec![];
    for (set_index, set) in sets.iter().enumerate() {
        let matched = matched_heads(set, heads)?.into_iter().enumerate();
        let of_head = matched.filter_map(|(index, matched)| Some((index, matched.filter(|m| m.head == head)?)));
        found.extend(of_head.map(|(head_index, matched)| HeadData { set, set_index, head_index, matched }));
    }
    Ok(found)
}
