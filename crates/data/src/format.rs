//! File formats of a corpus.

use std::fmt;
use std::path::Path;

use crate::compression::Compression;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The whole file is one article.
    Text,
    /// The whole file is one HTML page, and its main text is the article.
    Html,
    /// One JSON object per line.
    JsonLines,
    /// One JSON array of objects, or JSON objects one after the other. It can only be read.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// A worksheet of an Excel workbook, with a header. It can only be read.
    Excel,
    /// An Arrow IPC stream. Arrow (Feather) files can be read as well.
    Arrow,
    /// An Apache Parquet file.
    Parquet,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 9] = [
        Format::Text,
        Format::Html,
        Format::JsonLines,
        Format::Json,
        Format::Csv,
        Format::Tsv,
        Format::Excel,
        Format::Arrow,
        Format::Parquet,
    ];

    /// Returns the suffixes of the format's file names, in lower case and without a dot. The first one is the usual one.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Format::Text => &["txt"],
            Format::Html => &["html", "htm", "xhtml"],
            Format::JsonLines => &["jsonl", "ndjson"],
            Format::Json => &["json"],
            Format::Csv => &["csv"],
            Format::Tsv => &["tsv"],
            Format::Excel => &["xlsx", "xlsm"],
            Format::Arrow => &["arrow", "arrows", "feather", "ipc"],
            Format::Parquet => &["parquet", "pq"],
        }
    }

    /// Returns whether a file of the format may be compressed as a whole.
    ///
    /// Parquet is read from the end of the file, so it cannot be streamed through a decompressor.
    pub fn can_be_compressed(self) -> bool {
        self != Format::Parquet
    }

    /// Returns whether a whole file is one article. Such a format has no columns, so rows cannot be written in it.
    pub fn is_one_article(self) -> bool {
        matches!(self, Format::Text | Format::Html)
    }

    /// Returns whether rows can be written in the format.
    pub fn can_be_written(self) -> bool {
        !self.is_one_article() && !matches!(self, Format::Json | Format::Excel)
    }

    /// Returns the format of a file by its suffix. The suffix of a compression is removed first.
    pub fn from_path(path: &Path) -> Option<Format> {
        if Compression::of_path(path).is_none() {
            let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
            return Format::ALL.into_iter().find(|format| format.suffixes().contains(&suffix.as_str()));
        }
        let inner = Path::new(path.file_stem()?);
        // Only one compression is removed: `a.csv.gz.gz` has no format.
        match Compression::of_path(inner) {
            Some(_) => None,
            None => Format::from_path(inner).filter(|format| format.can_be_compressed()),
        }
    }

    /// Returns the format of this name: `text`, `html`, `jsonl`, `json`, `csv`, `tsv`, `xlsx`, `arrow` or `parquet`,
    /// or a common alias of them.
    pub fn from_name(name: &str) -> Option<Format> {
        match name.to_ascii_lowercase().as_str() {
            "text" | "txt" => Some(Format::Text),
            "html" | "htm" => Some(Format::Html),
            "jsonl" | "ndjson" | "json-lines" => Some(Format::JsonLines),
            "json" => Some(Format::Json),
            "csv" => Some(Format::Csv),
            "tsv" => Some(Format::Tsv),
            "xlsx" | "xlsm" | "excel" => Some(Format::Excel),
            "arrow" | "arrows" | "ipc" | "feather" => Some(Format::Arrow),
            "parquet" | "pq" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// Returns whether the format stores columns of typed values.
    ///
    /// Columnar formats write rows in blocks. As in compressed files, the bytes depend on where a block ends.
    pub fn is_columnar(self) -> bool {
        matches!(self, Format::Arrow | Format::Parquet)
    }

    /// Returns the first name that [`Format::from_name`] accepts for the format.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Html => "html",
            Format::JsonLines => "jsonl",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Excel => "xlsx",
            Format::Arrow => "arrow",
            Format::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Format::Text => "plain text",
            Format::Html => "HTML",
            Format::JsonLines => "JSON Lines",
            Format::Json => "JSON",
            Format::Csv => "CSV",
            Format::Tsv => "TSV",
            Format::Excel => "Excel",
            Format::Arrow => "Arrow",
            Format::Parquet => "Parquet",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_suffix() {
        let of = |path: &str| Format::from_path(Path::new(path));
        assert_eq!(of("a/b.jsonl"), Some(Format::JsonLines));
        assert_eq!(of("b.NDJSON.zst"), Some(Format::JsonLines));
        assert_eq!(of("b.csv.GZ"), Some(Format::Csv));
        assert_eq!(of("b.tsv"), Some(Format::Tsv));
        assert_eq!(of("b.txt.gz"), Some(Format::Text));
        assert_eq!(of("b.csv.gz.gz"), None);
        assert_eq!(of("b.gz"), None);
        assert_eq!(of("b"), None);
        assert_eq!(of("b.parquet"), Some(Format::Parquet));
        assert_eq!(of("b.parquet.gz"), None);
        assert_eq!(of("b.arrows.zst"), Some(Format::Arrow));
        assert_eq!(of("b.xlsx"), Some(Format::Excel));
        assert_eq!(of("b.json.xz"), Some(Format::Json));
        assert_eq!(of("b.csv.bz2.gz"), None);
        assert_eq!(of("b.docx"), None);
    }

    #[test]
    fn name_and_from_name_are_inverse() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("docx"), None);
    }
}
