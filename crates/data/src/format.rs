//! The formats of a corpus, told by name.

use std::fmt;
use std::path::Path;

/// How rows stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The whole file is one article.
    Text,
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a header.
    Csv,
    /// TAB-separated values with a header.
    Tsv,
}

impl Format {
    /// The format that a file's ending names, looking below `.gz` and `.zst`.
    pub fn from_path(path: &Path) -> Option<Format> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "gz" | "zst" => {
                let below = Path::new(path.file_stem()?);
                // `a.gz.gz` is no format: one compression is taken off, not many.
                match below.extension()?.to_str()?.to_ascii_lowercase().as_str() {
                    "gz" | "zst" => None,
                    _ => Format::from_path(below),
                }
            }
            "txt" => Some(Format::Text),
            "jsonl" | "ndjson" => Some(Format::JsonLines),
            "csv" => Some(Format::Csv),
            "tsv" => Some(Format::Tsv),
            _ => None,
        }
    }

    /// The format that a flag names: `text`, `jsonl`, `csv` or `tsv`, and the other usual spellings.
    pub fn from_name(name: &str) -> Option<Format> {
        match name.to_ascii_lowercase().as_str() {
            "text" | "txt" => Some(Format::Text),
            "jsonl" | "ndjson" | "json-lines" => Some(Format::JsonLines),
            "csv" => Some(Format::Csv),
            "tsv" => Some(Format::Tsv),
            _ => None,
        }
    }

    /// The name that a flag gives it: the first spelling of [`Format::from_name`].
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::JsonLines => "jsonl",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Format::Text => "plain text",
            Format::JsonLines => "JSON Lines",
            Format::Csv => "CSV",
            Format::Tsv => "TSV",
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
        assert_eq!(of("b.parquet"), None);
    }

    #[test]
    fn names_go_both_ways() {
        for format in [Format::Text, Format::JsonLines, Format::Csv, Format::Tsv] {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("arrow"), None);
    }
}
