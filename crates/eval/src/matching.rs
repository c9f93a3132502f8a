//! Matches the heads and labels of a data set with those of a model, by name.

use crate::error::{EvalError, Result};
use newsdesk_data::{GoldLabels, LabelId, LabelledArticle, LabelledHead, LabelledSet};
use newsdesk_metrics::Gold;
use newsdesk_model::{Head, HeadActivation};

/// A head of a data set, matched with a head of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedHead {
    /// Index of the head among the model's heads.
    pub head: usize,
    /// For each label of the data set, its index among the labels of the model's head.
    labels: Vec<usize>,
}

impl MatchedHead {
    /// Matches one head of a data set; `None` if the model has no head of this name.
    fn new(set: &LabelledSet, set_head: &LabelledHead, heads: &[Head]) -> Result<Option<Self>> {
        let Some(index) = heads.iter().position(|head| head.name == set_head.name) else { return Ok(None) };
        let head = &heads[index];
        if head.activation == HeadActivation::None {
            return Err(EvalError::NoProbabilities { set: set.name.clone(), head: head.name.clone() });
        }
        if set_head.multi != (head.activation == HeadActivation::Sigmoid) {
            return Err(EvalError::LabelCount {
                set: set.name.clone(),
                head: head.name.clone(),
                multi_label: set_head.multi,
            });
        }
        let find = |name: &str| {
            head.find(name).ok_or_else(|| EvalError::UnknownLabel {
                set: set.name.as_str().into(),
                label: name.into(),
                head: head.name.as_str().into(),
                position: first_row(set, set_head, name).into(),
                known: head.names(),
            })
        };
        Ok(Some(Self { head: index, labels: set_head.labels.names().map(find).collect::<Result<_>>()? }))
    }

    /// Returns the model's label for a label of the data set.
    pub fn label(&self, label: LabelId) -> usize {
        self.labels[label.index()]
    }

    /// Returns the gold labels of an article, as labels of the model.
    pub fn gold(&self, gold_labels: &GoldLabels) -> Gold {
        let all = || gold_labels.labels().iter().map(|label| self.labels[label.index()]).collect();
        match gold_labels {
            GoldLabels::One(label) => Gold::One(self.labels[label.index()]),
            GoldLabels::AnyOf(_) => Gold::AnyOf(all()),
            GoldLabels::All(_) => Gold::All(all()),
        }
    }
}

/// Returns the position of the first row with this label, after a colon; empty if no row has it. The file is left out if it is
/// the data set.
fn first_row(set: &LabelledSet, set_head: &LabelledHead, label: &str) -> String {
    let head = set.heads.iter().position(|head| head.name == set_head.name);
    let position = |row: &LabelledArticle| {
        let gold_labels = row.gold_labels[head?].as_ref()?;
        let has_name = |id: &LabelId| set_head.labels.get(*id).is_some_and(|known| known.name == label);
        gold_labels.labels().iter().any(has_name).then(|| {
            let position = row.position.to_string();
            format!(": {}", position.strip_prefix(&format!("`{}`, ", set.name)).unwrap_or(&position))
        })
    };
    set.articles.iter().find_map(position).unwrap_or_default()
}

/// Returns the matching head of the model for each head of the data set, in the data set's order. At least one of them matches.
///
/// # Errors
/// [`EvalError::UnknownHead`] if none matches, [`EvalError::UnknownLabel`] if a label of a matching head is not the model's,
/// [`EvalError::LabelCount`] if the data set is multi-label and the head is single-label, or the other way round.
pub(crate) fn matched_heads(set: &LabelledSet, heads: &[Head]) -> Result<Vec<Option<MatchedHead>>> {
    let matched: Vec<Option<MatchedHead>> =
        set.heads.iter().map(|set_head| MatchedHead::new(set, set_head, heads)).collect::<Result<_>>()?;
    if matched.iter().any(Option::is_some) {
        return Ok(matched);
    }
    let names: Vec<&str> = set.heads.iter().map(|head| head.name.as_str()).collect();
    Err(EvalError::UnknownHead { set: set.name.clone(), head: names.join("`, `"), known: names_of(heads) })
}

fn names_of(heads: &[Head]) -> Vec<String> {
    heads.iter().map(|head| head.name.clone()).collect()
}

/// Checks that a model with these heads can be evaluated on a data set.
///
/// # Errors
/// If data set and model have no head in common, or a label of a common head is not one of the model's.
pub fn check_heads(set: &LabelledSet, heads: &[Head]) -> Result<()> {
    matched_heads(set, heads).map(|_| ())
}

/// Checks that a model with these heads can be evaluated on a data set, and that an article is labelled for one of them.
///
/// # Errors
/// As [`check_heads`], and [`EvalError::Unlabelled`] if no article is labelled for a common head.
pub fn check_labelled(set: &LabelledSet, heads: &[Head]) -> Result<()> {
    let matched = matched_heads(set, heads)?;
    let labelled = |row: &LabelledArticle| {
        row.gold_labels.iter().zip(&matched).any(|(gold, head)| gold.is_some() && head.is_some())
    };
    if set.articles.iter().any(labelled) {
        return Ok(());
    }
    Err(EvalError::Unlabelled { set: set.name.clone(), split: set.split.clone(), known: names_of(heads) })
}
