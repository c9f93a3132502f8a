//! What can go wrong when a model is evaluated.

use newsdesk_model::ModelError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A data set is multi-label and the head of the model is single-label, or the other way round.
    #[error(
        "cannot use the labelled data: `{set}` has {} per row for head `{head}`, which predicts {}",
        count_of_labels(*.multi_label),
        count_of_labels(!.multi_label)
    )]
    LabelCount {
        /// The name of the data set.
        set: String,
        /// The name of the head.
        head: String,
        /// Whether the data set is multi-label.
        multi_label: bool,
    },
    /// The head of the model has no activation, so its scores are no probabilities.
    #[error("cannot evaluate on `{set}`: head `{head}` of the model returns logits, not probabilities")]
    NoProbabilities {
        /// The name of the data set.
        set: String,
        /// The name of the head.
        head: String,
    },
    /// No article has a label for any head of the model.
    #[error("cannot use the labelled data: no article of `{set}`, {split}, has a label for a head of the model")]
    Unlabelled {
        /// The name of the data set.
        set: String,
        /// Its split.
        split: String,
        /// The names of the model's heads.
        known: Vec<String>,
    },
    /// The labelled articles are too few or too uniform to fit the temperature of a head.
    #[error("cannot fit the temperature of head `{head}`: {cause}")]
    Uncalibratable {
        /// The name of the head.
        head: String,
        /// What is missing.
        cause: String,
        /// The number of articles that calibration needs.
        min_articles: usize,
    },
    /// A label of the data set is not a label of the model.
    #[error("cannot evaluate on `{set}`: its label `{label}` is not in head `{head}` of the model{position}")]
    UnknownLabel {
        /// The name of the data set.
        set: Box<str>,
        /// The label.
        label: Box<str>,
        /// The name of the head.
        head: Box<str>,
        /// The position of the first row with this label, after a colon; empty if no row has it.
        position: Box<str>,
        /// The labels of the head.
        known: Vec<String>,
    },
    /// None of the heads of the data set is a head of the model.
    #[error("cannot evaluate on `{set}`: the model has no head `{head}`")]
    UnknownHead {
        /// The name of the data set.
        set: String,
        /// The names of its heads.
        head: String,
        /// The names of the model's heads.
        known: Vec<String>,
    },
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// What the user can do about an error. The program that prints the error words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Use several labels per row for multi-label heads, and one label per row for single-label heads.
    UseLabelKindOfHead,
    /// Say how the head's logits become probabilities.
    NameActivation,
    /// Label articles for one of the model's heads.
    LabelForHead {
        /// The names of the model's heads.
        known: Vec<String>,
    },
    /// Give more labelled articles, of at least two labels.
    MoreArticles {
        /// The number of articles that are needed.
        min: usize,
    },
    /// Use the labels of the head, or train a model with the new label.
    KnownLabels {
        /// The labels of the head.
        known: Vec<String>,
    },
    /// Say which head of the model the labels belong to.
    NameHead {
        /// The names of the model's heads.
        known: Vec<String>,
    },
    /// What to do about the model.
    Model(newsdesk_model::Remedy),
}

impl EvalError {
    /// Returns what the user can do, where something can be done.
    pub fn remedy(&self) -> Option<Remedy> {
        Some(match self {
            Self::LabelCount { .. } => Remedy::UseLabelKindOfHead,
            Self::NoProbabilities { .. } => Remedy::NameActivation,
            Self::Unlabelled { known, .. } => Remedy::LabelForHead { known: known.clone() },
            Self::Uncalibratable { min_articles, .. } => Remedy::MoreArticles { min: *min_articles },
            Self::UnknownLabel { known, .. } => Remedy::KnownLabels { known: known.clone() },
            Self::UnknownHead { known, .. } => Remedy::NameHead { known: known.clone() },
            Self::Model(error) => Remedy::Model(error.remedy()?),
        })
    }
}

fn count_of_labels(several: bool) -> &'static str {
    if several { "several labels" } else { "one label" }
}

/// A result of this crate.
pub type Result<T, E = EvalError> = std::result::Result<T, E>;
