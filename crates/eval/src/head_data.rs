//! What several sets say about one head: the articles that each of them labels for it.

use crate::error::Result;
use crate::matched::{MatchedHead, matched};
use newsdesk_data::{LabelledSet, Target};
use newsdesk_model::Head;

/// A set that has labels for a head.
pub struct HeadData<'a> {
    /// The set.
    pub set: &'a LabelledSet,
    /// Number of the set.
    pub number: usize,
    /// Place of the head among the set's.
    pub place: usize,
    /// Its labels, as those of the model.
    pub matched: MatchedHead,
}

impl HeadData<'_> {
    /// What is right for its labelled articles.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.set.articles.iter().filter_map(|row| row.targets[self.place].as_ref())
    }

    /// Articles that are labelled for the head.
    pub fn labelled(&self) -> usize {
        self.targets().count()
    }

    /// Whether the set's labels are the head's own, and say which of them is right rather than which may be.
    pub fn is_exact(&self) -> bool {
        self.set.heads[self.place].map.is_none() && !self.targets().any(|target| matches!(target, Target::AnyOf(_)))
    }
}

/// Each set with its articles that are labelled for the head.
pub fn described(parts: &[HeadData]) -> Vec<String> {
    let labelled = parts.iter().map(|part| (part.set, part.labelled())).filter(|(_, labelled)| *labelled > 0);
    labelled.map(|(set, labelled)| format!("{} {}: {labelled} articles", set.name, set.split)).collect()
}

/// The sets that have labels for the model's head of this number.
pub fn head_data<'a>(sets: &[&'a LabelledSet], heads: &[Head], head: usize) -> Result<Vec<HeadData<'a>>> {
    let mut found = vec![];
    for (number, set) in sets.iter().enumerate() {
        let matched = matched(set, heads)?.into_iter().enumerate();
        let of_head = matched.filter_map(|(place, matched)| Some((place, matched.filter(|m| m.head == head)?)));
        found.extend(of_head.map(|(place, matched)| HeadData { set, number, place, matched }));
    }
    Ok(found)
}
