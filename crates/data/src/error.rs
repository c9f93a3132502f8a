//! The errors of this crate.
//!
//! A message says what failed and on which file or row. `source()` is the cause. [`DataError::remedy`] says what the
//! user can do. A row that cannot be used is not an error but a [`crate::Reject`].

use std::io;
use std::path::PathBuf;

use crate::labelled::LabelError;
use crate::open::zstd::WindowTooLarge;
use crate::remedy::Remedy;
use crate::row::Position;

/// An error that stops reading, writing or labelling.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// An input does not exist.
    #[error("cannot find `{path}`")]
    NotFound {
        /// The input as it was given.
        path: String,
    },
    /// A folder contains no file of a known format.
    #[error("cannot find articles in the folder `{folder}`")]
    NoArticles {
        /// The folder.
        folder: PathBuf,
    },
    /// A pattern matches no file.
    #[error("cannot find a file that matches `{pattern}`")]
    NoMatch {
        /// The pattern as it was given.
        pattern: String,
    },
    /// A pattern is not valid.
    #[error("cannot parse the pattern `{pattern}`")]
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// The cause.
        #[source]
        source: glob::PatternError,
    },
    /// A folder cannot be listed.
    #[error("cannot list `{path}`")]
    List {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file cannot be opened.
    #[error("cannot open `{name}`")]
    Open {
        /// The file.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file has the suffix of a compression, but its bytes are not compressed that way.
    #[error("cannot decompress `{name}`: its bytes are not {compression} data")]
    NotCompressed {
        /// The file.
        name: String,
        /// `gzip` or `zstd`.
        compression: &'static str,
    },
    /// A stream cannot be read to its end. The rows before the error were returned.
    #[error("cannot read `{name}` after row {rows}")]
    Broken {
        /// The file.
        name: String,
        /// The number of rows before the error, rejects included.
        rows: u64,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A row of a table is longer than the limit. Where the next row starts is unknown.
    #[error("cannot read {position}: the row is longer than {limit} bytes")]
    RowTooLong {
        /// Where the row starts.
        position: Position,
        /// The maximum length of a row.
        limit: usize,
    },
    /// A file contains a JSON array instead of JSON Lines.
    #[error("cannot read `{name}`: it is one JSON array, not one JSON object per line")]
    JsonArray {
        /// The file.
        name: String,
    },
    /// The header of a table is not valid.
    #[error("cannot read the header of `{name}`: {cause}")]
    Header {
        /// The file.
        name: String,
        /// What is wrong with the header.
        cause: String,
    },
    /// A table has no header, because the file is empty.
    #[error("cannot read `{name}`: the file is empty")]
    EmptyTable {
        /// The file.
        name: String,
    },
    /// A requested column does not exist.
    #[error("cannot find the column `{column}` in `{name}`")]
    NoColumn {
        /// The file.
        name: String,
        /// The requested column.
        column: String,
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// No column has one of the usual names of a text column.
    #[error("cannot find the text column of `{name}`")]
    NoTextColumn {
        /// The file.
        name: String,
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// The text column or the title column of a typed table does not contain text.
    #[error("cannot read `{name}`: the column `{column}` has the type {kind}, not text")]
    NotText {
        /// The file.
        name: String,
        /// The column.
        column: String,
        /// The type of the column.
        kind: String,
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// Parquet cannot be read from a stream.
    #[error("cannot read `{name}`: Parquet can only be read from an uncompressed file")]
    ParquetStream {
        /// The name of the stream.
        name: String,
    },
    /// A file cannot be created, or opened for writing.
    #[error("cannot write to `{path}`")]
    Create {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Rows cannot be written. The cause names the file.
    #[error("cannot write rows")]
    Write {
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Rows cannot be written in a format without columns.
    #[error("cannot write rows as plain text or HTML: these formats have no columns")]
    TextOutput,
    /// A row has a column that the header, which is already written, does not have.
    #[error("cannot write {position}: the column `{column}` is not in the header of the output")]
    NewColumn {
        /// The row.
        position: Position,
        /// The column.
        column: String,
    },
    /// An added column has the name of an input column, which would be lost.
    #[error("cannot add the column `{column}`: the input has a column of that name")]
    TakenName {
        /// The column.
        column: String,
    },
    /// A value does not have the type of its column in the output.
    #[error("cannot write {position}: the column `{column}` {cause}")]
    OtherType {
        /// The row.
        position: Position,
        /// The column.
        column: String,
        /// The value and the type of the column, to follow the name of the column.
        cause: String,
    },
    /// A column has a type that Parquet does not support.
    #[error("cannot write Parquet: it does not support the type {kind} of the column `{column}`")]
    NoParquetType {
        /// The column.
        column: String,
        /// The type of the column.
        kind: String,
    },
    /// The shares of the splits are not valid.
    #[error("cannot split with the shares {validation} and {test}")]
    Shares {
        /// The share of the validation split.
        validation: f64,
        /// The share of the test split.
        test: f64,
    },
    /// A recipe, a label set or the labels of a data set cannot be used.
    #[error(transparent)]
    Labels(Box<LabelError>),
}

impl From<LabelError> for DataError {
    fn from(error: LabelError) -> DataError {
        DataError::Labels(Box::new(error))
    }
}

impl DataError {
    /// Returns what the user can do about the error, if there is anything.
    pub fn remedy(&self) -> Option<Remedy> {
        Some(match self {
            DataError::NotFound { .. } => Remedy::NameInputs,
            DataError::NoArticles { .. } => Remedy::NameFiles,
            DataError::NoMatch { .. } => Remedy::CheckPattern,
            DataError::NotCompressed { .. } => Remedy::RemoveCompressionSuffix,
            DataError::Broken { source, .. } => return broken_remedy(source),
            DataError::RowTooLong { .. } => Remedy::CloseQuote { lines: 0 },
            DataError::JsonArray { .. } => Remedy::ConvertJsonArray,
            DataError::Header { .. } => Remedy::CorrectHeader,
            DataError::EmptyTable { .. } => Remedy::FillTable,
            DataError::NoColumn { columns, .. } => Remedy::ChooseColumn { columns: columns.clone() },
            DataError::NoTextColumn { columns, .. } => Remedy::NameTextColumn { columns: columns.clone() },
            DataError::NotText { columns, .. } => Remedy::NameTextAndTitleColumns { columns: columns.clone() },
            DataError::ParquetStream { .. } => Remedy::NameParquetFile,
            DataError::Create { source, .. } if source.kind() == io::ErrorKind::NotFound => Remedy::CreateFolder,
            DataError::Write { .. } => Remedy::CheckOutput,
            DataError::TextOutput => Remedy::WriteRows,
            DataError::NewColumn { .. } | DataError::OtherType { .. } => Remedy::WriteJsonLines,
            DataError::TakenName { column } => Remedy::RenameColumn { column: column.clone() },
            DataError::NoParquetType { .. } => Remedy::WriteArrow,
            DataError::Shares { .. } => Remedy::ChooseShares,
            DataError::Labels(error) => return error.remedy(),
            DataError::Pattern { .. } | DataError::List { .. } | DataError::Open { .. } | DataError::Create { .. } => {
                return None;
            }
        })
    }
}

fn broken_remedy(source: &io::Error) -> Option<Remedy> {
    match source.kind() {
        _ if WindowTooLarge::is_cause_of(source) => Some(Remedy::Decompress),
        io::ErrorKind::UnexpectedEof => Some(Remedy::DownloadAgain { truncated: true }),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            Some(Remedy::DownloadAgain { truncated: false })
        }
        _ => None,
    }
}
