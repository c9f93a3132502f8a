//! Lists of file formats and file endings for hints, made from [`Format`].

use newsdesk_data::{Compression, Format};

/// Returns the names of the formats that can be read.
pub fn all_formats() -> String {
    joined(Format::ALL.iter().map(Format::to_string), "or")
}

/// Returns the names of the formats that can be written.
pub fn row_formats() -> String {
    joined(Format::ALL.iter().filter(|format| format.can_be_written()).map(Format::to_string), "or")
}

/// Returns the endings of the files that are read in a folder.
pub fn all_suffixes() -> String {
    let (compressible, others): (Vec<Format>, Vec<Format>) =
        Format::ALL.iter().partition(|format| format.can_be_compressed());
    let suffixes = |formats: Vec<Format>| {
        let all: Vec<&str> = formats.iter().flat_map(|format| format.suffixes()).copied().collect();
        joined(all.into_iter().map(|suffix| format!(".{suffix}")), "and")
    };
    let compressed = joined(Compression::ALL.iter().map(|compression| format!(".{}", compression.suffix())), "or");
    format!("{} (each also with {compressed}), and {}", suffixes(compressible), suffixes(others))
}

/// Joins words with commas, and the last two with a conjunction.
fn joined(words: impl Iterator<Item = String>, conjunction: &str) -> String {
    let mut words: Vec<String> = words.collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} {conjunction} {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_every_format_and_suffix() {
        assert_eq!(all_formats(), "plain text, HTML, JSON Lines, JSON, CSV, TSV, Excel, Arrow or Parquet");
        assert_eq!(row_formats(), "JSON Lines, CSV, TSV, Arrow or Parquet");
        assert_eq!(
            all_suffixes(),
            ".txt, .html, .htm, .xhtml, .jsonl, .ndjson, .json, .csv, .tsv, .xlsx, .xlsm, .arrow, .arrows, .feather and .ipc \
             (each also with .gz, .zst, .bz2 or .xz), and .parquet and .pq"
        );
    }
}
