//! What can go wrong in measuring a model.

use newsdesk_model::ModelError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The labelled data cannot be used for what was asked.
    #[error("Failed to use the labelled data: {cause}")]
    Data {
        /// What is missing or contradicts itself.
        cause: String,
        /// What to do.
        hint: String,
    },
    /// A label of the data is not one of the model's.
    #[error("Failed to measure `{set}`: its label `{label}` is not in head `{head}` of the model{place}")]
    UnknownLabel {
        /// The set.
        set: Box<str>,
        /// The label.
        label: Box<str>,
        /// The head.
        head: Box<str>,
        /// The first row that has it, after a colon; empty if none has.
        place: Box<str>,
        /// The head's labels.
        known: Vec<String>,
    },
    /// None of the set's heads is one of the model's.
    #[error("Failed to measure `{set}`: the model has no head `{head}`")]
    UnknownHead {
        /// The set.
        set: String,
        /// The heads that it has labels for.
        head: String,
        /// The model's heads.
        known: Vec<String>,
    },
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl EvalError {
    /// What the user can do, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data { hint, .. } => Some(hint.clone()),
            Self::UnknownLabel { known, .. } => Some(format!(
                "its labels are {}; `newsdesk train --labels FILE` trains one with labels that no training row has",
                known.join("; ")
            )),
            Self::UnknownHead { known, .. } => {
                Some(format!("its heads are {}; name one with `--head`", known.join(", ")))
            }
            Self::Model(error) => error.hint(),
        }
    }
}

/// Shorthand of this crate.
pub type Result<T, E = EvalError> = std::result::Result<T, E>;
