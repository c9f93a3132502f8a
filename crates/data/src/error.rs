//! The errors of this crate.
//!
//! A message says what failed and on which file or row. `source()` is the cause. [`DataError::remedy`] says what the
//! user can do. A row that cannot be used is not an error but a [`crate::Reject`].

use std::io;
use std::path::PathBuf;

use crate::compression::Compression;
use crate::format::Format;
use crate::labelled::LabelError;
use crate::open::{DecompressError, Encoding};
use crate::remedy::{ColumnRole, FileFault, Remedy};
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
        /// The compression.
        compression: Compression,
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
        /// Whether a quote is open in the row.
        in_quotes: bool,
    },
    /// A file is not text.
    #[error("cannot read `{name}`: it is {}", kind.unwrap_or("binary"))]
    Binary {
        /// The file.
        name: String,
        /// What the file is, if that is known.
        kind: Option<&'static str>,
    },
    /// Many rows of a file are not UTF-8.
    #[error("cannot read `{name}`: {invalid} of its first {lines} lines are not UTF-8")]
    NotUtf8 {
        /// The file.
        name: String,
        /// The number of lines that are not UTF-8.
        invalid: usize,
        /// The number of lines that were looked at.
        lines: usize,
        /// The most likely encoding.
        likely: Encoding,
    },
    /// A workbook cannot be read.
    #[error("cannot read `{name}`: {cause}")]
    Workbook {
        /// The file.
        name: String,
        /// What is wrong with the workbook.
        cause: String,
    },
    /// A workbook does not have the requested sheet.
    #[error("cannot find the sheet `{sheet}` in `{name}`")]
    NoSheet {
        /// The file.
        name: String,
        /// The requested sheet.
        sheet: String,
        /// The sheets that exist.
        sheets: Vec<String>,
    },
    /// A table has more columns than can be read.
    #[error("cannot read `{name}`: it has {columns} columns, and at most {limit} can be read")]
    TooManyColumns {
        /// The file.
        name: String,
        /// The number of columns.
        columns: usize,
        /// The maximum number of columns.
        limit: usize,
    },
    /// The header of a table is not valid.
    #[error("cannot read the header of `{name}`: {cause}")]
    Header {
        /// The file.
        name: String,
        /// What is wrong with the header.
        cause: String,
    },
    /// The header of a table is not valid UTF-8.
    #[error("cannot read the header of `{name}`: it is not valid UTF-8")]
    HeaderNotUtf8 {
        /// The file.
        name: String,
        /// The most likely encoding.
        likely: Encoding,
    },
    /// A requested column does not exist.
    #[error("cannot find the column `{column}` in `{name}`")]
    NoColumn {
        /// The file.
        name: String,
        /// The requested column.
        column: String,
        /// What the column is read as.
        role: ColumnRole,
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
    /// The file holds the rejected rows of a run.
    #[error("cannot read `{name}` as articles: it holds the rejected rows of an earlier run")]
    RejectsFile {
        /// The file.
        name: String,
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
    /// Rows cannot be written in a format.
    #[error("cannot write rows as {format}: {}", if format.is_one_article() { "it has no columns" } else { "this format can only be read" })]
    UnwritableFormat {
        /// The format.
        format: Format,
    },
    /// The name of an output asks for a compression that cannot be written.
    #[error("cannot write to `{path}`: files can be compressed with gzip and zstd, not with {compression}")]
    CompressionOutput {
        /// The file.
        path: PathBuf,
        /// The compression.
        compression: Compression,
    },
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
    /// The rows have more columns than a typed output can have.
    #[error("cannot write {columns} columns: Arrow and Parquet outputs can have at most {limit}")]
    TooManyOutputColumns {
        /// The number of columns.
        columns: usize,
        /// The maximum number of columns.
        limit: usize,
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
            DataError::RowTooLong { in_quotes: true, .. } => Remedy::CloseQuote { lines: 0 },
            DataError::RowTooLong { in_quotes: false, .. } => Remedy::CheckLineBreaks,
            DataError::Binary { .. } => Remedy::UseReadableFormat,
            DataError::NotUtf8 { likely, .. } | DataError::HeaderNotUtf8 { likely, .. } => {
                Remedy::UseEncoding { likely: likely.to_string() }
            }
            DataError::Workbook { .. } => Remedy::SaveWorkbook,
            DataError::NoSheet { sheets, .. } => Remedy::ChooseSheet { sheets: sheets.clone() },
            DataError::TooManyColumns { .. } => Remedy::ReduceColumns,
            DataError::Header { .. } => Remedy::CorrectHeader,
            DataError::NoColumn { role, columns, .. } => Remedy::ChooseColumn { role: *role, columns: columns.clone() },
            DataError::NoTextColumn { columns, .. } => Remedy::NameTextColumn { columns: columns.clone() },
            DataError::RejectsFile { name } => Remedy::UnpackRejects { name: name.clone() },
            DataError::NotText { columns, .. } => Remedy::NameTextAndTitleColumns { columns: columns.clone() },
            DataError::ParquetStream { .. } => Remedy::NameParquetFile,
            DataError::Create { source, .. } if source.kind() == io::ErrorKind::NotFound => Remedy::CreateFolder,
            DataError::Write { .. } => Remedy::CheckOutput,
            DataError::UnwritableFormat { .. } => Remedy::WriteRows,
            DataError::CompressionOutput { .. } => Remedy::WriteOtherCompression,
            DataError::TooManyOutputColumns { .. } | DataError::NewColumn { .. } | DataError::OtherType { .. } => {
                Remedy::WriteJsonLines
            }
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

/// The elements of a JSON array are not separated or ended as they should be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ArrayError(pub String);

fn broken_remedy(source: &io::Error) -> Option<Remedy> {
    if source.get_ref().is_some_and(|error| error.is::<ArrayError>()) {
        return Some(Remedy::CorrectValue);
    }
    match (DecompressError::of(source), source.kind()) {
        (Some(DecompressError::Truncated(_)), _) => {
            Some(Remedy::DownloadAgain { fault: FileFault::CompressedTruncated })
        }
        (Some(DecompressError::Damaged(..)), _) => Some(Remedy::DownloadAgain { fault: FileFault::Damaged }),
        (Some(DecompressError::TrailingBytes(compression)), _) => {
            Some(Remedy::RemoveTrailingBytes { compression: *compression })
        }
        (Some(DecompressError::TooMuchMemory(compression)), _) => {
            Some(Remedy::Decompress { compression: *compression })
        }
        (None, _) if source.raw_os_error().is_some() => None,
        (None, io::ErrorKind::UnexpectedEof) => Some(Remedy::DownloadAgain { fault: FileFault::Truncated }),
        (None, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other) => {
            Some(Remedy::DownloadAgain { fault: FileFault::Damaged })
        }
        (None, _) => None,
    }
}
