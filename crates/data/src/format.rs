//! The formats of a corpus, told by name.

use std::fmt;
use std::path::Path;

/// How rows stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The whole file is one article.
    Text,
    /// The whole file is one page, and its main text the article.
    Html,
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a header.
    Csv,
    /// TAB-separated values with a header.
    Tsv,
    /// An Arrow IPC stream; when read, an Arrow (Feather) file as well.
    Arrow,
    /// An Apache Parquet file.
    Parquet,
}

impl Format {
    /// Whether a file of it is one article, without columns of its own; rows cannot be written so.
    pub fn is_one_article(self) -> bool {
        matches!(self, Format::Text | Format::Html)
    }

    /// The format that a file's ending names, looking below `.gz` and `.zst`.
    pub fn from_path(path: &Path) -> Option<Format> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "gz" | "zst" => {
                let below = Path::new(path.file_stem()?);
                // `a.gz.gz` is no format: one compression is taken off, not many.
                match below.extension()?.to_str()?.to_ascii_lowercase().as_str() {
                    "gz" | "zst" => None,
                    // Parquet is read from its end, and compressed inside.
                    _ => Format::from_path(below).filter(|format| *format != Format::Parquet),
                }
            }
            "txt" => Some(Format::Text),
            "html" | "htm" | "xhtml" => Some(Format::Html),
            "jsonl" | "ndjson" => Some(Format::JsonLines),
            "csv" => Some(Format::Csv),
            "tsv" => Some(Format::Tsv),
            "arrow" | "arrows" | "feather" | "ipc" => Some(Format::Arrow),
            "parquet" | "pq" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// The format that a flag names: `text`, `html`, `jsonl`, `csv`, `tsv`, `arrow` or `parquet`, and the other usual spellings.
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

    /// Whether rows go out in blocks of many, so that where one ends changes the bytes, as it does in compressed files.
    pub fn is_in_blocks(self) -> bool {
        matches!(self, Format::Arrow | Format::Parquet)
    }

    /// The name that a flag gives it: the first spelling of [`Format::from_name`].
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
    fn endings_name_formats() {
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
    fn names_go_both_ways() {
        for format in
            [Format::Text, Format::Html, Format::JsonLines, Format::Csv, Format::Tsv, Format::Arrow, Format::Parquet]
        {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("xlsx"), None);
    }
}
