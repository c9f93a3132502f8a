//! Reads the label field of a row, and turns its labels into the gold labels of a head.

use super::error::LabelError;
use super::labels::{LabelId, LabelSet};
use crate::row::{Cell, Position};

/// The gold labels of one article for one head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GoldLabels {
    /// This label is correct.
    One(LabelId),
    /// One of these labels is correct, because the label of the data set is coarser than the label set. In order, at
    /// least two.
    AnyOf(Vec<LabelId>),
    /// Exactly these labels are correct (multi-label). In order, possibly none.
    All(Vec<LabelId>),
}

impl GoldLabels {
    /// Returns the gold labels that these labels form, or `None` if a single-label head gets no label.
    pub(super) fn from_labels(mut labels: Vec<LabelId>, multi: bool) -> Option<GoldLabels> {
        labels.sort_unstable();
        labels.dedup();
        match (multi, labels.as_slice()) {
            (true, _) => Some(GoldLabels::All(labels)),
            (false, []) => None,
            (false, [label]) => Some(GoldLabels::One(*label)),
            (false, _) => Some(GoldLabels::AnyOf(labels)),
        }
    }

    /// Returns the labels, in order.
    pub fn labels(&self) -> &[LabelId] {
        match self {
            GoldLabels::One(label) => std::slice::from_ref(label),
            GoldLabels::AnyOf(labels) | GoldLabels::All(labels) => labels,
        }
    }
}

/// The value of a label field.
pub(super) enum LabelField {
    /// `null` or a blank string: the row is not labelled.
    Empty,
    /// One label.
    One(String),
    /// A list of labels.
    List(Vec<String>),
}

impl LabelField {
    /// Reads a label field. Numbers and booleans are labels as they are written.
    ///
    /// # Errors
    /// If the field is missing or contains no label. The error is a message that follows the name of the field.
    pub fn read(cell: Option<&Cell>) -> Result<LabelField, &'static str> {
        let one = |text: &str| match text.trim() {
            "" => LabelField::Empty,
            label => LabelField::One(label.to_owned()),
        };
        match cell {
            None => Err("is missing"),
            Some(Cell::Text(text)) => Ok(one(text)),
            Some(cell) => match serde_json::from_str(&cell.raw_text()) {
                Ok(serde_json::Value::Null) => Ok(LabelField::Empty),
                Ok(serde_json::Value::String(text)) => Ok(one(&text)),
                Ok(serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => Ok(one(&cell.raw_text())),
                Ok(serde_json::Value::Array(labels)) => {
                    let label = |label| match label {
                        serde_json::Value::String(text) => Some(text.trim().to_owned()),
                        serde_json::Value::Number(number) => Some(number.to_string()),
                        _ => None,
                    };
                    let labels = labels.into_iter().map(label).collect::<Option<Vec<_>>>();
                    let labels = labels.map(|labels| labels.into_iter().filter(|label| !label.is_empty()).collect());
                    labels.map(LabelField::List).ok_or("contains a list with something other than labels")
                }
                _ => Err("contains no label"),
            },
        }
    }

    /// Returns the labels, or `None` if the row is not labelled.
    pub fn labels(&self) -> Option<&[String]> {
        match self {
            LabelField::Empty => None,
            LabelField::One(label) => Some(std::slice::from_ref(label)),
            LabelField::List(labels) => Some(labels),
        }
    }
}

/// Looks up a label in a label set.
///
/// # Errors
/// [`LabelError::UnknownLabel`].
pub(super) fn find_label(labels: &LabelSet, name: &str, position: &Position) -> Result<LabelId, LabelError> {
    labels.find(name).ok_or_else(|| LabelError::UnknownLabel {
        position: position.clone(),
        label: name.to_owned(),
        labels: labels.name.clone(),
        known: labels.suggestions(name),
    })
}
