//! What can go wrong in training.

use newsdesk_eval::EvalError;
use newsdesk_model::ModelError;
use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The settings contradict themselves or ask for something impossible.
    #[error("Failed to use the setting `{setting}`: {cause}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// There is nothing to learn from.
    #[error("Failed to use the labelled data: {cause}")]
    Data {
        /// What is missing or contradicts itself.
        cause: String,
        /// What to do.
        hint: String,
    },
    /// A teacher does not fit what is trained.
    #[error("Failed to learn from the teacher `{teacher}`: {cause}")]
    Teacher {
        /// Its name.
        teacher: String,
        /// What does not fit.
        cause: String,
        /// What to do.
        hint: String,
    },
    /// Models have no mean.
    #[error("Failed to average: {cause}")]
    Average {
        /// Why.
        cause: String,
    },
    /// The loss, or a weight, is no longer a number.
    #[error("Failed to train: the {what} became {value} at step {step} of epoch {epoch}")]
    Diverged {
        /// What is no number.
        what: &'static str,
        /// What it is.
        value: f32,
        /// Step within the epoch, from 1.
        step: usize,
        /// Epoch, from 1.
        epoch: usize,
    },
    /// Another run writes into the folder.
    #[error("Failed to train into `{}`: another run writes into it", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A checkpoint could not be read or written.
    #[error("Failed to {verb} the checkpoint `{}`", path.display())]
    Checkpoint {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file beside the model, such as the log, could not be read or written.
    #[error("Failed to {verb} `{}`", path.display())]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A checkpoint does not belong to this run.
    #[error("Failed to continue from `{}`: {cause}", path.display())]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        cause: String,
    },
    /// A model could not be measured.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}

impl TrainError {
    /// What the user can do, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data { hint, .. } | Self::Teacher { hint, .. } => Some(hint.clone()),
            Self::Average { .. } => Some(
                "models with a mean have the same heads and were trained from the same base, such as those of \
                 `newsdesk train --seeds`"
                    .into(),
            ),
            Self::Diverged { .. } => Some(
                "a smaller `--learning-rate` usually helps: begin anew with it in another folder; a checkpoint that was \
                 there is as it was before that step"
                    .into(),
            ),
            Self::OtherRun { .. } => {
                Some("give the options of the first run again, or choose another folder for `--output`".into())
            }
            Self::Busy { .. } => Some("wait for it, or choose another folder for `--output`".into()),
            Self::Eval(error) => error.hint(),
            Self::Model(error) => error.hint(),
            Self::Setting { .. } => Some("`newsdesk train --help` says what each option means and its default".into()),
            Self::Checkpoint { verb: "write", .. } | Self::File { verb: "write", .. } => Some(
                "the folder must be one that you may write to, on a disk with room; a checkpoint that was there is whole, \
                 so `--resume` goes on from it"
                    .into(),
            ),
            Self::Checkpoint { .. } | Self::File { .. } => None,
        }
    }
}

/// Shorthand of this crate.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;
