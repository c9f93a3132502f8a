//! Everything that can stop this crate, by name and cause.
//!
//! A message names what failed and on what; `source()` carries the cause; [`DataError::hint`] says what to do next, in `hint.rs`.
//! Rows that are merely unusable are no errors: they are [`crate::Reject`]s.

use std::io;
use std::path::PathBuf;

use crate::article::{Position, Row};
use crate::read::Reject;

/// What stopped reading, writing or labelling.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// An input names nothing on disk.
    #[error("Failed to find `{path}`")]
    NotFound {
        /// The input as it was given.
        path: String,
    },
    /// A folder holds no file of a known format.
    #[error("Failed to find articles in the folder `{folder}`")]
    NoArticles {
        /// The folder.
        folder: PathBuf,
    },
    /// A pattern matches no file.
    #[error("Failed to find a file that matches `{pattern}`")]
    NoMatch {
        /// The pattern as it was given.
        pattern: String,
    },
    /// A pattern cannot be understood.
    #[error("Failed to understand the pattern `{pattern}`")]
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// Why.
        #[source]
        source: glob::PatternError,
    },
    /// A folder cannot be listed.
    #[error("Failed to list `{path}`")]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be opened.
    #[error("Failed to open `{name}`")]
    Open {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file's name promises a compression that its bytes do not have.
    #[error("Failed to decompress `{name}`: its bytes are not {compression} data")]
    NotCompressed {
        /// The file.
        name: String,
        /// `gzip` or `zstd`.
        compression: &'static str,
    },
    /// A stream broke while it was read; the rows before it were delivered.
    #[error("Failed to read `{name}` beyond row {rows}")]
    Broken {
        /// The file.
        name: String,
        /// How many rows had been read by then, rejects included.
        rows: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// One row of a table is larger than any article; where the next one starts cannot be known.
    #[error("Failed to read {position}: the row is longer than {limit} bytes")]
    RowTooLong {
        /// Where the row starts.
        position: Position,
        /// The largest row that is read.
        limit: usize,
    },
    /// A JSON array where one object a line was expected.
    #[error("Failed to read `{name}`: it is one JSON array, not one JSON object a line")]
    JsonArray {
        /// The file.
        name: String,
    },
    /// A table has no line that names its columns.
    #[error("Failed to read the header of `{name}`: {cause}")]
    Header {
        /// The file.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A column that was asked for is not in the header.
    #[error("Failed to find the column `{column}` in `{name}`")]
    NoColumn {
        /// The file.
        name: String,
        /// The column that was asked for.
        column: String,
        /// The columns that there are.
        found: Vec<String>,
    },
    /// No column has one of the usual names of a text.
    #[error("Failed to find the text column of `{name}`")]
    NoTextColumn {
        /// The file.
        name: String,
        /// The columns that there are.
        found: Vec<String>,
    },
    /// A file cannot be created or opened for writing.
    #[error("Failed to write to `{path}`")]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Rows cannot be written; the cause names the file.
    #[error("Failed to write rows")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Rows have columns, and plain text has none.
    #[error("Failed to write rows as plain text or HTML")]
    TextOutput,
    /// A row brings a column that the header, already written, does not have.
    #[error("Failed to write {position}: its column `{column}` is not in the header of the output")]
    NewColumn {
        /// The row.
        position: Position,
        /// The column.
        column: String,
    },
    /// A row holds a value that is not of the type that its column has in the output.
    #[error("Failed to write {position}: its column `{column}` {cause}")]
    OtherType {
        /// The row.
        position: Position,
        /// The column.
        column: String,
        /// What it is, and what it should be.
        cause: String,
    },
    /// A column has a type that Parquet does not have.
    #[error("Failed to write Parquet: the column `{column}` is {kind}, which has no place there")]
    NoParquetType {
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// A column of a typed table is of no use as text or title.
    #[error("Failed to read `{name}`: the column `{column}` is {kind}, not a text")]
    NoText {
        /// The file.
        name: String,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// Parquet that does not stand in a file.
    #[error("Failed to read `{name}`: Parquet is read from the end of a file")]
    ParquetStream {
        /// Where it stands.
        name: String,
    },
    /// A TOML file cannot be read.
    #[error("Failed to read `{name}`")]
    Toml {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A label set or a recipe contradicts itself.
    #[error("Failed to use `{name}`: {cause}")]
    Invalid {
        /// The file.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A recipe names a label set that nobody knows.
    #[error("Failed to find the label set `{labels}` of the head `{head}` of the recipe `{recipe}`")]
    NoLabelSet {
        /// The recipe.
        recipe: String,
        /// Its head.
        head: String,
        /// The label set that it names.
        labels: String,
    },
    /// A recipe maps to a label that its label set does not have.
    #[error("Failed to map `{from}` in the head `{head}` of the recipe `{recipe}`: no label is called `{label}`")]
    NoSuchLabel {
        /// The recipe.
        recipe: String,
        /// Its head.
        head: String,
        /// The label of the data set.
        from: String,
        /// The label that does not exist.
        label: String,
        /// The labels that are meant, nearest first.
        known: Vec<String>,
    },
    /// A recipe has no file for a split.
    #[error("Failed to find the split `{split}` of `{recipe}`")]
    NoSplit {
        /// The recipe.
        recipe: String,
        /// The split that was asked for.
        split: String,
        /// The splits that there are.
        found: Vec<String>,
    },
    /// The file of a split is not on this machine.
    #[error("Failed to find `{path}`, the split `{split}` of `{recipe}`")]
    NoSplitFile {
        /// The recipe.
        recipe: String,
        /// The split.
        split: String,
        /// Where its file should be.
        path: PathBuf,
        /// Where the set comes from.
        origin: String,
    },
    /// A row carries a label for which the recipe has no entry.
    #[error("Failed to map the label `{label}` of {position}: the head `{head}` of `{recipe}` has no entry for it")]
    Unmapped {
        /// The row.
        position: Position,
        /// The label as the set wrote it.
        label: String,
        /// The head.
        head: String,
        /// The recipe.
        recipe: String,
    },
    /// A row carries a label that the label set does not have.
    #[error("Failed to use the label `{label}` of {position}: it is not in the label set `{labels}`")]
    UnknownLabel {
        /// The row.
        position: Position,
        /// The label as the row wrote it.
        label: String,
        /// The label set.
        labels: String,
        /// The labels that there are, or the nearest of many.
        known: Vec<String>,
    },
    /// Several labels of the rows are not in the label set.
    #[error(
        "Failed to use the labels `{}`{} of {position} and other rows: they are not in the label set `{labels}`",
        unknown.join("`, `"),
        if *more > 0 { format!(" and {more} more") } else { String::new() }
    )]
    UnknownLabels {
        /// The first row with one of them.
        position: Box<Position>,
        /// The labels as the rows wrote them, in the order of their first rows.
        unknown: Vec<String>,
        /// How many more there are.
        more: usize,
        /// The label set.
        labels: String,
        /// The labels that there are.
        known: Vec<String>,
    },
    /// A row carries a label that the label map does not have.
    #[error("Failed to map the label `{label}` of {position}: the label map does not have it")]
    NotInMap {
        /// The row.
        position: Position,
        /// The label as the row wrote it.
        label: String,
    },
    /// The label map means a label that there is not.
    #[error("Failed to use the label map for `{from}`: no label is called `{label}`")]
    WrongMap {
        /// The label of the data set.
        from: String,
        /// The label that does not exist.
        label: String,
        /// The labels that are meant, nearest first.
        known: Vec<String>,
    },
    /// A set cannot be split so.
    #[error("Failed to split by the shares {validation} and {test}")]
    Shares {
        /// The share of the validation split.
        validation: f64,
        /// The share of the test split.
        test: f64,
    },
    /// No row of a user's own labelled set has a label.
    #[error("Failed to find a labelled article in `{name}`")]
    NoLabelled {
        /// The file or files.
        name: String,
        /// The columns of the first row.
        found: Vec<String>,
        /// What was wrong with the first row.
        first: Option<String>,
    },
}

impl DataError {
    /// The reject of a row that the output has no place for, if that is what is wrong: its trouble, not the corpus's. Nothing of
    /// it was written.
    pub fn misfit(&self, row: &Row) -> Option<Reject> {
        let cause = match self {
            DataError::NewColumn { column, .. } => {
                format!("its column `{column}` is not in the header of the output")
            }
            DataError::OtherType { column, cause, .. } => format!("its column `{column}` {cause}"),
            _ => return None,
        };
        Some(Reject { position: row.position.clone(), cause, hint: self.hint(), raw: row.to_json() })
    }
}

/// Names in backquotes, with commas between them.
pub(crate) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
