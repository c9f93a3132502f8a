//! What to do about each error: one hint, in the words of the command line.

use std::io;

use crate::error::{DataError, quoted};

impl DataError {
    /// What to do about it, where anything can be done.
    pub fn hint(&self) -> Option<String> {
        match self {
            DataError::NotFound { .. } => Some("give a file, a folder, a pattern in quotes, or - for standard input".into()),
            DataError::NoArticles { .. } => Some(
                "files that count end in .jsonl, .ndjson, .csv, .tsv, .txt, .html or .arrow, each also with .gz or .zst, or in .parquet; name others one by one".into(),
            ),
            DataError::NoMatch { .. } => Some("put the pattern in quotes; ** stands for any number of folders".into()),
            DataError::NotCompressed { .. } => Some("take the ending off the name if the file is not compressed".into()),
            DataError::Broken { source, .. } => broken_hint(source),
            DataError::RowTooLong { .. } => Some("a quote that opens in this row is probably never closed".into()),
            DataError::JsonArray { .. } => Some("`jq -c '.[]'` turns an array into JSON Lines".into()),
            DataError::Header { .. } => Some("the first line must name every column once".into()),
            DataError::NoColumn { found, .. } => Some(format!("its columns are {}", quoted(found))),
            DataError::NoTextColumn { found, .. } => {
                Some(format!("its columns are {}; name the right one with --text-field", quoted(found)))
            }
            DataError::Create { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("create the folder first".into())
            }
            DataError::TextOutput => Some("write JSON Lines, CSV, TSV, Arrow or Parquet".into()),
            DataError::NewColumn { .. } | DataError::OtherType { .. } => {
                Some("write JSON Lines, where each row has its own columns".into())
            }
            DataError::NoParquetType { .. } => Some("write an Arrow stream (.arrows), or JSON Lines".into()),
            DataError::NoText { .. } => Some("name the columns with --text-field and --title-field".into()),
            DataError::ParquetStream { .. } => Some("name the file, decompressed; Arrow streams can be piped in".into()),
            DataError::UnknownLabels { known, unknown, .. } => Some(format!(
                "known labels: `{}`; `--label-map FILE` says what others mean, with a line for each: \"{}\" = [\"{}\"]",
                known.join("`, `"),
                unknown.first().map_or("", String::as_str),
                known.first().map_or("", String::as_str)
            )),
            DataError::NotInMap { label, .. } => {
                Some(format!("add a line for it, such as \"{label}\" = [], which leaves its rows out"))
            }
            DataError::NoSuchLabel { known, .. }
            | DataError::UnknownLabel { known, .. }
            | DataError::WrongMap { known, .. } => {
                Some(format!("known labels: {}", quoted(known)))
            }
            DataError::NoSplit { found, .. } => Some(format!("its splits are {}", quoted(found))),
            DataError::NoSplitFile { origin, .. } => {
                Some(format!("the set comes from {origin}; --data-root names the folder that holds all sets"))
            }
            DataError::Toml { .. } => Some("datasets/README.md describes recipes and label sets".into()),
            DataError::NoLabelSet { .. } => Some("the label sets are `iptc-topics` and `sentiment`".into()),
            DataError::Unmapped { label, head, .. } => {
                Some(format!("add `{label}` to [heads.{head}.map] of the recipe, with [] if it teaches nothing"))
            }
            DataError::Shares { .. } => {
                Some("shares are parts of 1, such as 0.1; together they hold out something and leave something".into())
            }
            DataError::NoLabelled { found, first, .. } => Some(match first {
                // No row could be read, so no column is to blame.
                Some(cause) if found.is_empty() => cause.clone(),
                Some(cause) => format!("{cause}; its columns are {}; --label-field names the one to use", quoted(found)),
                None => "the file has no rows".into(),
            }),
            DataError::Write { .. } => Some("the disk may be full, or the place one that you may not write to".into()),
            _ => None,
        }
    }
}

fn broken_hint(source: &io::Error) -> Option<String> {
    let cause = source.to_string();
    if source.kind() == io::ErrorKind::UnexpectedEof || cause.contains("incomplete frame") {
        Some("the file ends in the middle of its compressed data; fetch it again".into())
    } else if cause.contains("too much memory") {
        Some("decompress it first with `zstd -d --long=31`".into())
    } else if matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other) {
        Some("the data is damaged or cut off; fetch the file again".into())
    } else {
        None
    }
}
