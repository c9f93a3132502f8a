//! What can stop a run.

use newsdesk_data::{DataError, Reject, Row};
use newsdesk_model::ModelError;
use std::io;
use std::path::PathBuf;

/// What stopped a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Reading or writing rows failed.
    #[error(transparent)]
    Data(Box<DataError>),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file of the run besides its rows could not be read or written.
    #[error("Failed to {verb} `{}`", path.display())]
    File {
        /// What was tried: `read`, `write`, `remove`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The output belongs to a run that was interrupted.
    #[error("Failed to begin: `{}` is the journal of a run that was interrupted", journal.display())]
    Interrupted {
        /// Its journal.
        journal: PathBuf,
    },
    /// Another process writes the same output.
    #[error("Failed to begin: another process writes `{}`", output.display())]
    Busy {
        /// The output.
        output: PathBuf,
    },
    /// What is asked for is not what the interrupted run did.
    #[error("Failed to go on with `{}`: {}", output.display(), changes.join("; "))]
    Changed {
        /// The output.
        output: PathBuf,
        /// What differs, each as a sentence without its end.
        changes: Vec<String>,
    },
    /// The rows before the point to go on from are other ones now.
    #[error("Failed to go on: {cause}")]
    OtherRows {
        /// What differs.
        cause: String,
    },
    /// More rows were rejected than the caller allows.
    #[error("Failed to go on: {rejected} of {rows} rows are rejected, more than {most}")]
    TooManyRejects {
        /// Rows that were rejected.
        rejected: u64,
        /// Rows that were met.
        rows: u64,
        /// What was allowed.
        most: String,
    },
}

impl From<DataError> for RunError {
    fn from(error: DataError) -> Self {
        Self::Data(Box::new(error))
    }
}

impl RunError {
    /// The reject of a row that the output has no place for, if that is what is wrong: its trouble, not the corpus's.
    pub fn misfit(&self, row: &Row) -> Option<Reject> {
        match self {
            Self::Data(error) => error.misfit(row),
            _ => None,
        }
    }

    /// What the user can do, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => match &**error {
                DataError::Write { source } | DataError::Create { source, .. } if source.kind() == io::ErrorKind::StorageFull => Some(FULL.into()),
                error => error.hint(),
            },
            Self::Model(error) => error.hint(),
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => Some(FULL.into()),
            Self::File { .. } => None,
            Self::Interrupted { journal } => Some(format!(
                "go on with `--resume`; to begin anew, remove `{}` and the `.partial` files beside it",
                journal.display()
            )),
            Self::Busy { .. } => Some("wait for it, or choose another output".into()),
            Self::Changed { .. } | Self::OtherRows { .. } => Some(
                "give what the run was begun with, or remove its `.journal` and `.partial` files to begin anew".into(),
            ),
            Self::TooManyRejects { .. } => Some(
                "look at the rejected rows; a higher `--max-rejects` lets them pass, with `--resume` where there is an output file".into(),
            ),
        }
    }
}

const FULL: &str = "make room on the disk and start again; `newsdesk classify -o FILE` goes on with `--resume`";
