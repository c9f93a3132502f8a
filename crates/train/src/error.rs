//! What can go wrong in training.

use newsdesk_eval::EvalError;
use newsdesk_model::ModelError;
use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting is out of range, or contradicts the model or the data.
    #[error("cannot use the setting `{setting}`: {cause}")]
    Setting {
        /// The name of the field.
        setting: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// The labelled data cannot train a model.
    #[error("cannot use the labelled data: {cause}")]
    Data {
        /// What is missing or inconsistent.
        cause: String,
        /// What the user can do.
        remedy: Remedy,
    },
    /// A teacher does not match the heads that are trained.
    #[error("cannot distil from the teacher `{teacher}`: {cause}")]
    Teacher {
        /// The name of the teacher.
        teacher: String,
        /// What does not match.
        cause: String,
        /// What the user can do.
        remedy: Remedy,
    },
    /// A file with the scores of a teacher cannot be used.
    #[error("cannot use the teacher scores `{}`: {cause}", path.display())]
    TeacherScores {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// Models cannot be averaged.
    #[error("cannot average the models: {cause}")]
    Average {
        /// Why.
        cause: String,
        /// What the user can do.
        remedy: Remedy,
    },
    /// The loss, the gradient or a weight is no longer finite.
    #[error("cannot continue training: the {what} became {value} at step {step} of epoch {epoch}")]
    Diverged {
        /// What is not finite.
        what: String,
        /// Its value.
        value: f32,
        /// Step within the epoch, from 1.
        step: usize,
        /// Epoch, from 1.
        epoch: usize,
    },
    /// The scores of a linear model's head are no longer finite numbers.
    #[error("cannot continue training: the scores of head `{head}` are not finite numbers in epoch {epoch}")]
    LinearDiverged {
        /// The name of the head.
        head: String,
        /// Epoch, from 1.
        epoch: usize,
    },
    /// The run was asked to stop. Its checkpoint has every step so far, if it has one.
    #[error("the run was interrupted")]
    Interrupted,
    /// Another run is writing to the folder.
    #[error("cannot train into `{}`: another run is writing to it", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A checkpoint could not be read or written.
    #[error("cannot {verb} the checkpoint `{}`", path.display())]
    Checkpoint {
        /// `read`, `write`, `clear` or `remove`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file beside the model, such as the log, could not be read or written.
    #[error("cannot {verb} `{}`", path.display())]
    File {
        /// `read`, `write` or `draw`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A checkpoint belongs to a run with other data, settings or models.
    #[error("cannot resume from `{}`: {cause}", path.display())]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        cause: String,
    },
    /// A model could not be evaluated.
    #[error(transparent)]
    Eval(Box<EvalError>),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// What the user can do about an error. The program that prints the error words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Look up the setting's range and default.
    CheckSetting {
        /// The name of the field.
        setting: &'static str,
    },
    /// Give all data sets with one head the same list of labels.
    UseOneLabelList,
    /// Name the column with the labels.
    NameLabelColumn,
    /// Add labelled articles, or name other validation data.
    AddLabelledArticles,
    /// Add articles with a second label.
    AddSecondLabel,
    /// Make all rows of one head single-label, or all multi-label.
    UseOneLabelKind,
    /// Add validation data for each head.
    AddValidationData,
    /// Add validation articles of the labels, or of a head.
    AddValidationArticles,
    /// Name the column with the text.
    NameTextColumn,
    /// Add articles of rare labels, or merge these labels into others.
    AddOrMergeRareLabels,
    /// Give rare labels more weight.
    BalanceLabels,
    /// Check that the labels depend on the texts, and lower the learning rate or train longer.
    CheckLabelsAndLearningRate,
    /// Remove the damaged checkpoint and start again.
    RemoveCheckpoint {
        /// The folder of the checkpoint.
        folder: PathBuf,
    },
    /// Train the head that the teacher has.
    TrainHeadOfTeacher {
        /// The names of the teacher's heads.
        known: Vec<String>,
    },
    /// Use labels of the teacher's kind: single-label rows for softmax heads, multi-label rows for sigmoid heads.
    UseLabelKindOfTeacher,
    /// Use the labels of the teacher.
    UseLabelsOfTeacher {
        /// The labels of the teacher.
        known: Vec<String>,
    },
    /// Use a teacher with just the labels that are trained.
    UseTeacherWithLabels {
        /// The labels that are trained.
        trained: Vec<String>,
    },
    /// Compute the teacher's scores again, for all articles of the run.
    ComputeTeacherScores,
    /// Average models with the same heads and the same base.
    AverageRelatedModels,
    /// Give each model that is averaged a weight above zero.
    WeightPerModel,
    /// Add training rows with a label of the validation data, or leave its rows out there.
    AddTrainingRows {
        /// The label.
        label: String,
    },
    /// Start a new run with a lower learning rate.
    LowerLearningRate,
    /// Repeat the options of the first run, or choose another folder.
    RepeatOptions,
    /// Wait for the other run, or choose another folder.
    WaitForRun,
    /// Make the folder writable or free disk space, then resume.
    MakeFolderWritable,
    /// What to do about the evaluation.
    Eval(newsdesk_eval::Remedy),
    /// What to do about the model.
    Model(newsdesk_model::Remedy),
}

impl From<EvalError> for TrainError {
    fn from(error: EvalError) -> Self {
        Self::Eval(Box::new(error))
    }
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}

impl TrainError {
    /// Returns what the user can do, where something can be done.
    pub fn remedy(&self) -> Option<Remedy> {
        Some(match self {
            Self::Setting { setting, .. } => Remedy::CheckSetting { setting },
            Self::Data { remedy, .. } | Self::Teacher { remedy, .. } | Self::Average { remedy, .. } => remedy.clone(),
            Self::TeacherScores { .. } => Remedy::ComputeTeacherScores,
            Self::Diverged { .. } | Self::LinearDiverged { .. } => Remedy::LowerLearningRate,
            Self::Busy { .. } => Remedy::WaitForRun,
            Self::Checkpoint { verb: "write", .. } | Self::File { verb: "write", .. } => Remedy::MakeFolderWritable,
            Self::Checkpoint { verb: "read", path, .. } => {
                Remedy::RemoveCheckpoint { folder: path.parent().unwrap_or(path).into() }
            }
            Self::Checkpoint { .. } | Self::File { .. } | Self::Interrupted => return None,
            Self::OtherRun { .. } => Remedy::RepeatOptions,
            Self::Eval(error) => Remedy::Eval(error.remedy()?),
            Self::Model(error) => Remedy::Model(error.remedy()?),
        })
    }
}

/// A result of this crate.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;
