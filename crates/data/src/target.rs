//! From what a row has in its label field to what a head is to learn from it.

use crate::article::{Cell, Position};
use crate::error::DataError;
use crate::labels::{LabelId, LabelSet};

/// What is right for one article and one head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This label.
    One(LabelId),
    /// Any of these labels: the set's own label is coarser than ours. In order, at least two.
    AnyOf(Vec<LabelId>),
    /// Exactly these labels, each of which may hold beside the others. In order, possibly none.
    All(Vec<LabelId>),
}

impl Target {
    /// The labels that it names, in order.
    pub fn labels(&self) -> &[LabelId] {
        match self {
            Target::One(label) => std::slice::from_ref(label),
            Target::AnyOf(labels) | Target::All(labels) => labels,
        }
    }
}

/// What a row has in its label field.
pub(crate) enum Written {
    /// `null`, or a blank string: the row was not labelled.
    Nothing,
    /// One label.
    One(String),
    /// A list of labels.
    List(Vec<String>),
}

impl Written {
    /// Reads a label field. Numbers and booleans are labels by the way they are written. The error is a cause, to
    /// follow the name of the field.
    pub fn read(cell: Option<&Cell>) -> Result<Written, &'static str> {
        let one = |text: &str| match text.trim() {
            "" => Written::Nothing,
            label => Written::One(label.to_owned()),
        };
        match cell {
            None => Err("is missing"),
            Some(Cell::Text(text)) => Ok(one(text)),
            Some(cell) => match serde_json::from_str(&cell.written()) {
                Ok(serde_json::Value::Null) => Ok(Written::Nothing),
                Ok(serde_json::Value::String(text)) => Ok(one(&text)),
                Ok(serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => Ok(one(&cell.written())),
                Ok(serde_json::Value::Array(labels)) => {
                    let label = |label| match label {
                        serde_json::Value::String(text) => Some(text.trim().to_owned()),
                        serde_json::Value::Number(number) => Some(number.to_string()),
                        _ => None,
                    };
                    let labels = labels.into_iter().map(label).collect::<Option<Vec<_>>>();
                    let labels = labels.map(|labels| labels.into_iter().filter(|label| !label.is_empty()).collect());
                    labels.map(Written::List).ok_or("holds a list of something other than labels")
                }
                _ => Err("holds no label"),
            },
        }
    }

    /// The labels, or `None` where the row was not labelled.
    pub fn names(&self) -> Option<&[String]> {
        match self {
            Written::Nothing => None,
            Written::One(label) => Some(std::slice::from_ref(label)),
            Written::List(labels) => Some(labels),
        }
    }
}

/// The target that these labels make.
pub(crate) fn target(mut labels: Vec<LabelId>, multi: bool) -> Option<Target> {
    labels.sort_unstable();
    labels.dedup();
    match (multi, labels.as_slice()) {
        (true, _) => Some(Target::All(labels)),
        (false, []) => None,
        (false, [label]) => Some(Target::One(*label)),
        (false, _) => Some(Target::AnyOf(labels)),
    }
}

pub(crate) fn find_label(labels: &LabelSet, name: &str, position: &Position) -> Result<LabelId, DataError> {
    labels.find(name).ok_or_else(|| DataError::UnknownLabel {
        position: position.clone(),
        label: name.to_owned(),
        labels: labels.name.clone(),
        known: labels.suggestions(name),
    })
}
