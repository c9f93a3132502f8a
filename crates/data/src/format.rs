//! File formats of a corpus.

use std::fmt;
use std::path::Path;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The whole file is one article.
    Text,
    /// The whole file is one HTML page, and its main text is the article.
    Html,
    /// One JSON object per line.
    JsonLines,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// An Arrow IPC stream. Arrow (Feather) files can be read as well.
    Arrow,
    /// An Apache Parquet file.
    Parquet,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 7] =
        [Format::Text, Format::Html, Format::JsonLines, Format::Csv, Format::Tsv, Format::Arrow, Format::Parquet];

    /// Returns the suffixes of the format's file names, in lower case and without a dot. The first one is the usual one.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Format::Text => &["txt"],
            Format::Html => &["html", "htm", "xhtml"],
            Format::JsonLines => &["jsonl", "ndjson"],
            Format::Csv => &["csv"],
            Format::Tsv => &["tsv"],
            Format::Arrow => &["arrow", "arrows", "feather", "ipc"],
            Format::Parquet => &["parquet", "pq"],
        }
    }

    /// Returns whether a file of the format may be compressed as a whole, with gzip or zstd.
    ///
    /// Parquet is read from the end of the file, so it cannot be streamed through a decompressor.
    pub fn can_be_compressed(self) -> bool {
        self != Format::Parquet
    }

    /// Returns whether a whole file is one article. Such a format has no columns, so rows cannot be written in it.
    pub fn is_one_article(self) -> bool {
        matches!(self, Format::Text | Format::Html)
    }

    /// Returns the format of a file by its suffix. A suffix `.gz` or `.zst` is removed first.
    pub fn from_path(path: &Path) -> Option<Format> {
        let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
        match suffix.as_str() {
            "gz" | "zst" => {
                let inner = Path::new(path.file_stem()?);
                // Only one compression is removed: `a.csv.gz.gz` has no format.
                match inner.extension()?.to_str()?.to_ascii_lowercase().as_str() {
                    "gz" | "zst" => None,
                    _ => Format::from_path(inner).filter(|format| format.can_be_compressed()),
                }
            }
            suffix => Format::ALL.into_iter().find(|format| format.suffixes().contains(&suffix)),
        }
    }

    /// Returns the format of this name: `text`, `html`, `jsonl`, `csv`, `tsv`, `arrow` or `parquet`, or a common alias
    /// of them.
    pub fn from_name(name: &str) -> Option<Format> {
        match name.to_ascii_lowercase().as_str() {
            "text" | "txt" => Some(Format::Text),
            "html" | "htm" => Some(Format::Html),
            "jsonl" | "ndjson" | "json-lines" => Some(Format::JsonLines),
            "csv" => Some(Format::Csv),
            "tsv" => Some(Format::Tsv),
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
            Format::Csv => "csv",
            Format::Tsv => "tsv",
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
            Format::Csv => "CSV",
            Format::Tsv => "TSV",
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
        assert_eq!(of("b.xlsx"), None);
    }

    #[test]
    fn name_and_from_name_are_inverse() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("xlsx"), None);
    }
}
