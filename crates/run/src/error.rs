//! The errors of a run, and what the user can do about them.

use crate::start::RunChange;
use newsdesk_data::{DataError, Reject, Row};
use newsdesk_model::ModelError;
use std::io;
use std::path::{Path, PathBuf};

/// An error that stops a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Rows cannot be read or written.
    #[error(transparent)]
    Data(Box<DataError>),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file of the run other than its rows cannot be read or written.
    #[error("cannot {verb} `{}`", path.display())]
    File {
        /// The failed operation, such as `read` or `remove`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The output belongs to an interrupted run, and the caller does not resume it.
    #[error("cannot start the run: `{}` is the journal of an interrupted run", journal.display())]
    Interrupted {
        /// The journal of the interrupted run.
        journal: PathBuf,
    },
    /// A batch does not have the columns that were announced, or cannot be read.
    #[error("cannot label the batch: {cause}")]
    OtherSchema {
        /// How it differs.
        cause: String,
    },
    /// A thread that labels batches ended with a panic, which is a bug.
    #[error("cannot label the batch: a thread panicked: {message}")]
    Panicked {
        /// The message of the panic.
        message: String,
    },
    /// Another process writes the same output.
    #[error("cannot start the run: another process writes `{}`", output.display())]
    Busy {
        /// The output.
        output: PathBuf,
    },
    /// Settings or inputs differ from those of the interrupted run.
    #[error("cannot resume `{}`: {}", output.display(), join(changes))]
    Changed {
        /// The output.
        output: PathBuf,
        /// The differences.
        changes: Vec<RunChange>,
    },
    /// The input has columns with the names of an added column, with its usual name and with the other one.
    #[error("cannot name {}: the input has the columns {}", owner(head.as_deref()), quoted(taken, " and "))]
    TakenNames {
        /// The head of the added column, if it belongs to one.
        head: Option<String>,
        /// The input columns.
        taken: Vec<String>,
    },
    /// Columns are selected that the input does not have.
    #[error("cannot select the column{} {}: the input does not have {}",
        if columns.len() == 1 { "" } else { "s" }, quoted(columns, ", "), if columns.len() == 1 { "it" } else { "them" })]
    UnknownColumns {
        /// The selected columns.
        columns: Vec<String>,
        /// The columns that the input has, as far as they are known.
        known: Vec<String>,
    },
    /// The files of the interrupted run are not as it has written them, at any checkpoint.
    #[error("cannot resume `{}`: {}", output.display(), damage(file, *bytes))]
    Damaged {
        /// The output.
        output: PathBuf,
        /// The damaged file.
        file: PathBuf,
        /// The number of bytes at its beginning that are not all as they were written.
        bytes: u64,
    },
    /// The rows before the checkpoint differ from those that were labelled.
    #[error("cannot resume the run: {cause}")]
    RowsChanged {
        /// The difference.
        cause: String,
    },
    /// More rows are rejected than the caller allows.
    #[error("cannot continue: {rejected} of {rows} rows are rejected, more than {limit}")]
    TooManyRejects {
        /// The number of rejected rows.
        rejected: u64,
        /// The number of rows so far, rejects included.
        rows: u64,
        /// The limit, as a number or a percentage.
        limit: String,
    },
}

/// What the user can do about a [`RunError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Free space on the disk, then resume the run.
    FreeDiskSpace,
    /// Write less into one file, or raise the limit on the size of files; then resume the run.
    RaiseFileSizeLimit,
    /// Choose a shorter name for the output.
    ShortenName,
    /// Resume the interrupted run, or start again.
    ResumeOrStartAgain,
    /// Start again: nothing of the interrupted run can be used.
    StartAgain,
    /// Wait for the other process, or choose another output.
    WaitOrChooseOutput,
    /// Resume with the settings and inputs of the interrupted run, or remove its files to start again.
    RestoreSettingsAndInputs,
    /// Choose another prefix for the names of the added columns, or overwrite the input columns.
    ChoosePrefix,
    /// Select columns that the input has.
    SelectKnownColumns {
        /// The columns that the input has.
        known: Vec<String>,
    },
    /// Check the rejected rows, then raise the limit.
    CheckRejects,
    /// What the user can do about an error of reading or writing rows.
    Data(newsdesk_data::Remedy),
    /// What the user can do about an error of the model.
    Model(newsdesk_model::Remedy),
}

impl From<DataError> for RunError {
    fn from(error: DataError) -> Self {
        Self::Data(Box::new(error))
    }
}

impl RunError {
    /// Returns an error of a file of the run; `verb` is the failed operation.
    pub(crate) fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
        let path = path.to_path_buf();
        move |source| RunError::File { verb, path, source }
    }

    /// Returns the reject of a row that does not fit the columns of the output. Such an error concerns only this row, so the run can
    /// continue.
    pub fn as_reject(&self, row: &Row) -> Option<Reject> {
        match self {
            Self::Data(error) => error.as_reject(row),
            _ => None,
        }
    }

    /// Returns what the user can do about the error, if anything.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Data(error) => match &**error {
                DataError::Write { source } | DataError::Create { source, .. } => {
                    limit_remedy(source).or_else(|| error.remedy().map(Remedy::Data))
                }
                error => error.remedy().map(Remedy::Data),
            },
            Self::Model(error) => error.remedy().map(Remedy::Model),
            Self::File { source, .. } => limit_remedy(source),
            Self::Panicked { .. } | Self::OtherSchema { .. } => None,
            Self::Interrupted { .. } => Some(Remedy::ResumeOrStartAgain),
            Self::Damaged { .. } => Some(Remedy::StartAgain),
            Self::Busy { .. } => Some(Remedy::WaitOrChooseOutput),
            Self::Changed { .. } | Self::RowsChanged { .. } => Some(Remedy::RestoreSettingsAndInputs),
            Self::TakenNames { .. } => Some(Remedy::ChoosePrefix),
            Self::UnknownColumns { known, .. } => Some(Remedy::SelectKnownColumns { known: known.clone() }),
            Self::TooManyRejects { .. } => Some(Remedy::CheckRejects),
        }
    }
}

fn join(changes: &[RunChange]) -> String {
    changes.iter().map(RunChange::to_string).collect::<Vec<_>>().join("; ")
}

/// Names the added columns of a head, or another added column.
fn owner(head: Option<&str>) -> String {
    head.map_or("an added column".into(), |head| format!("the columns of head `{head}`"))
}

fn quoted(names: &[String], between: &str) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
}

fn damage(file: &Path, bytes: u64) -> String {
    match file.exists() {
        true => format!("the first {bytes} bytes of `{}` are not those that the run wrote", file.display()),
        false => format!("`{}` is missing", file.display()),
    }
}

/// Returns what the user can do about a write that the system refused.
fn limit_remedy(error: &io::Error) -> Option<Remedy> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Remedy::FreeDiskSpace),
        io::ErrorKind::InvalidFilename => Some(Remedy::ShortenName),
        io::ErrorKind::FileTooLarge => Some(Remedy::RaiseFileSizeLimit),
        _ => None,
    }
}
