//! What a user can do about an error or a rejected row.

use crate::compression::Compression;

/// What is wrong with a file that should be fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFault {
    /// The file ends too early.
    Truncated,
    /// The compressed data of the file ends too early.
    CompressedTruncated,
    /// The contents are damaged.
    Damaged,
}

/// What a column is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnRole {
    /// The text of an article.
    Text,
    /// The title of an article.
    Title,
    /// The label of an article.
    Label,
    /// The target entity, or its position in the text.
    Target,
}

/// What a user can do about an error or a rejected row.
///
/// The variants carry data and no wording, because the words depend on the front end: the command line names flags, a
/// Python package would name arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Name inputs that exist.
    NameInputs,
    /// Name files one by one, because a folder has no files with a known suffix.
    NameFiles,
    /// Check a pattern that matches no file.
    CheckPattern,
    /// Remove the suffix of a compression from the name of a file that is not compressed.
    RemoveCompressionSuffix,
    /// Download a file again.
    DownloadAgain {
        /// What is wrong with the file.
        fault: FileFault,
    },
    /// Remove the bytes that follow the compressed data of a file.
    RemoveTrailingBytes {
        /// The compression of the file.
        compression: Compression,
    },
    /// Decompress a file before it is read, because it needs too much memory.
    Decompress {
        /// The compression of the file.
        compression: Compression,
    },
    /// Decompress a Parquet file, or pass it as a file instead of a stream.
    NameParquetFile,
    /// Extract the array with the articles from a JSON object.
    ExtractArray {
        /// The field with the array.
        field: String,
    },
    /// Save a workbook as `.xlsx` without a password, or export its sheet.
    SaveWorkbook,
    /// Choose one of the sheets of a workbook.
    ChooseSheet {
        /// The sheets that exist.
        sheets: Vec<String>,
    },
    /// Keep only the columns that are needed.
    ReduceColumns,
    /// Create the folder of the output.
    CreateFolder,
    /// Check the free space of the disk and the permissions of the output.
    CheckOutput,
    /// Write a format that has columns and can be written.
    WriteRows,
    /// Compress the output with gzip or zstd.
    WriteOtherCompression,
    /// Write a format in which each row has its own columns.
    WriteJsonLines,
    /// Rename a column of the input, or choose another name for the added one.
    RenameColumn {
        /// The name that both have.
        column: String,
    },
    /// Write a format that supports all types.
    WriteArrow,
    /// Correct the header of a table, so that it names each column once.
    CorrectHeader,
    /// Choose one of the columns of a table.
    ChooseColumn {
        /// What the column is read as.
        role: ColumnRole,
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// Name the column that contains the text.
    NameTextColumn {
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// Name the columns that contain text and title.
    NameTextAndTitleColumns {
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// Name the column that contains the label.
    NameLabelColumn {
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// Name the column that contains the target entity.
    NameTargetColumn {
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// Name the columns that contain the offsets of the target entity.
    NameOffsetColumns {
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// Correct the offsets of the target entity, or leave them out.
    CorrectOffsets,
    /// Add a text or a title to the row, or read the text from another column.
    AddText,
    /// Unpack the rows of a rejects file.
    UnpackRejects {
        /// The file.
        name: String,
    },
    /// Name the column that contains the title, because the text of a row is blank and no title is read.
    NameTitleColumn {
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// Label articles in this language, too.
    AddLanguage {
        /// The code of the language.
        code: &'static str,
    },
    /// Read the text from another column.
    ChooseTextColumn,
    /// Read the title from another column.
    ChooseTitleColumn,
    /// Name the encoding of the file.
    NameEncoding,
    /// Name the encoding of the file, which is most likely this one.
    UseEncoding {
        /// The name of the encoding.
        likely: String,
    },
    /// Use a format that can be read.
    UseReadableFormat,
    /// Leave a file out.
    LeaveOut {
        /// Why the file is of no use.
        reason: &'static str,
    },
    /// Read an HTML page as plain text.
    ReadAsText,
    /// Check the contents of a text that is too long for an article.
    CheckLength,
    /// Look for a missing line break.
    CheckLineBreaks,
    /// Write one JSON object per line.
    WriteObjectPerLine,
    /// Write each JSON object on a single line.
    JoinObjectLines,
    /// Correct a value of a JSON array, or of a sequence of JSON objects.
    CorrectValue,
    /// Give a header to a column that has values.
    NameColumn,
    /// Make the names of the fields of a JSON object unique.
    RenameFields,
    /// Close a quote.
    CloseQuote {
        /// The number of lines after the row's first line that the open quote includes.
        lines: usize,
    },
    /// Quote the whole field, and double the quotes inside it.
    QuoteWholeField,
    /// Quote fields that contain a delimiter or a line break.
    QuoteFields,
    /// Choose a known label.
    ChooseLabel {
        /// The known labels, or the most similar ones.
        known: Vec<String>,
    },
    /// Correct the label map: it may only map to known labels.
    CorrectLabelMap {
        /// The known labels, the most similar first.
        known: Vec<String>,
    },
    /// Map labels of the file to known labels.
    MapLabels {
        /// Labels of the file that are not known.
        unknown: Vec<String>,
        /// The known labels.
        known: Vec<String>,
    },
    /// Add a label to the label map.
    AddToLabelMap {
        /// The label of the file.
        label: String,
    },
    /// Add a label to the map of a recipe's head.
    AddToRecipe {
        /// The label of the data set.
        label: String,
        /// The head of the recipe.
        head: String,
    },
    /// Choose a split that the data set has.
    ChooseSplit {
        /// The splits that exist.
        splits: Vec<String>,
    },
    /// Download a data set, or name the folder that contains all data sets.
    NameDataRoot {
        /// Where the data set can be downloaded.
        origin: String,
    },
    /// Read how recipes and label sets are written.
    ReadRecipeGuide,
    /// Use a label set that exists.
    UseKnownLabelSet,
    /// Choose shares that leave rows for training and hold out others.
    ChooseShares,
    /// Use a file with labelled rows.
    AddRows,
}
