//! Errors of recipes, label sets and labels.

use std::path::PathBuf;

use crate::reject::Reject;
use crate::remedy::Remedy;
use crate::row::Position;

/// A recipe, a label set or the labels of a data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// A TOML file cannot be parsed.
    #[error("cannot read `{name}`")]
    Toml {
        /// The file.
        name: String,
        /// The cause.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A label set or a recipe is inconsistent.
    #[error("cannot use `{name}`: {cause}")]
    Invalid {
        /// The file.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A recipe names a label set that does not exist.
    #[error("cannot find the label set `{labels}` of the head `{head}` of the recipe `{recipe}`")]
    NoLabelSet {
        /// The recipe.
        recipe: String,
        /// The head.
        head: String,
        /// The name of the label set.
        labels: String,
    },
    /// A recipe maps to a label that its label set does not have.
    #[error("cannot map `{from}` in the head `{head}` of the recipe `{recipe}`: there is no label `{label}`")]
    NoSuchLabel {
        /// The recipe.
        recipe: String,
        /// The head.
        head: String,
        /// The label of the data set.
        from: String,
        /// The label that does not exist.
        label: String,
        /// The labels that exist, the most similar first.
        known: Vec<String>,
    },
    /// A recipe has no file for a split.
    #[error("cannot find the split `{split}` of `{recipe}`")]
    NoSplit {
        /// The recipe.
        recipe: String,
        /// The requested split.
        split: String,
        /// The splits that exist.
        splits: Vec<String>,
    },
    /// The file of a split is not on this machine.
    #[error("cannot find `{path}`, the split `{split}` of `{recipe}`")]
    NoSplitFile {
        /// The recipe.
        recipe: String,
        /// The split.
        split: String,
        /// The expected path of the file.
        path: PathBuf,
        /// Where the data set can be downloaded.
        origin: String,
    },
    /// A row has a label that the recipe does not map.
    #[error("cannot map the label `{label}` of {position}: the head `{head}` of `{recipe}` has no entry for it")]
    Unmapped {
        /// The row.
        position: Position,
        /// The label as the data set writes it.
        label: String,
        /// The head.
        head: String,
        /// The recipe.
        recipe: String,
    },
    /// A row has a label that the label set does not have.
    #[error("cannot use the label `{label}` of {position}: it is not in the label set `{labels}`")]
    UnknownLabel {
        /// The row.
        position: Position,
        /// The label as the row writes it.
        label: String,
        /// The name of the label set.
        labels: String,
        /// The labels that exist, or the most similar of many.
        known: Vec<String>,
    },
    /// Several labels of the rows are not in the label set.
    #[error(
        "cannot use the labels `{}`{} of {position} and other rows: they are not in the label set `{labels}`",
        unknown.join("`, `"),
        if *more > 0 { format!(" and {more} more") } else { String::new() }
    )]
    UnknownLabels {
        /// The first row with one of these labels.
        position: Position,
        /// The labels as the rows write them, in the order of their first rows.
        unknown: Vec<String>,
        /// The number of further unknown labels.
        more: usize,
        /// The name of the label set.
        labels: String,
        /// The labels that exist.
        known: Vec<String>,
    },
    /// A row has a label that the label map does not have.
    #[error("cannot map the label `{label}` of {position}: the label map has no entry for it")]
    NotInMap {
        /// The row.
        position: Position,
        /// The label as the row writes it.
        label: String,
    },
    /// The label map maps to a label that does not exist.
    #[error("cannot use the label map for `{from}`: there is no label `{label}`")]
    WrongMap {
        /// The label of the data set.
        from: String,
        /// The label that does not exist.
        label: String,
        /// The labels that exist, the most similar first.
        known: Vec<String>,
    },
    /// No row of a file has a label.
    #[error("cannot find a labelled article in `{name}`: {cause}")]
    NoLabelledArticle {
        /// The file or files.
        name: String,
        /// Why no row has a label.
        cause: String,
        /// What the user can do about it.
        remedy: Remedy,
    },
}

impl LabelError {
    /// Returns the error of files without any labelled article.
    ///
    /// `columns` are the columns of the first row that could be read. `reject` is the first reject, and `rows` says
    /// whether any row could be read.
    pub fn no_labelled_article(
        files: &[String],
        columns: Vec<String>,
        reject: Option<&Reject>,
        rows: bool,
    ) -> LabelError {
        let (cause, remedy) = match reject {
            // No row could be read at all, so the label column is not the problem.
            Some(reject) if columns.is_empty() => {
                (reject.to_string(), reject.remedy.as_deref().cloned().unwrap_or(Remedy::AddRows))
            }
            Some(reject) => (reject.cause.clone(), Remedy::NameLabelColumn { columns }),
            None if rows => ("no row has a label".to_owned(), Remedy::NameLabelColumn { columns }),
            None => ("the file has no rows".to_owned(), Remedy::AddRows),
        };
        LabelError::NoLabelledArticle { name: files.join("`, `"), cause, remedy }
    }

    /// Returns what the user can do about the error.
    pub fn remedy(&self) -> Option<Remedy> {
        Some(match self {
            LabelError::Toml { .. } => Remedy::ReadRecipeGuide,
            LabelError::Invalid { .. } => return None,
            LabelError::NoLabelSet { .. } => Remedy::UseKnownLabelSet,
            LabelError::NoSuchLabel { known, .. } | LabelError::UnknownLabel { known, .. } => {
                Remedy::ChooseLabel { known: known.clone() }
            }
            LabelError::WrongMap { known, .. } => Remedy::CorrectLabelMap { known: known.clone() },
            LabelError::NoSplit { splits, .. } => Remedy::ChooseSplit { splits: splits.clone() },
            LabelError::NoSplitFile { origin, .. } => Remedy::NameDataRoot { origin: origin.clone() },
            LabelError::Unmapped { label, head, .. } => {
                Remedy::AddToRecipe { label: label.clone(), head: head.clone() }
            }
            LabelError::UnknownLabels { unknown, known, .. } => {
                Remedy::MapLabels { unknown: unknown.clone(), known: known.clone() }
            }
            LabelError::NotInMap { label, .. } => Remedy::AddToLabelMap { label: label.clone() },
            LabelError::NoLabelledArticle { remedy, .. } => remedy.clone(),
        })
    }
}
