//! Which format an output's name asks for.

use crate::failure::Usage;
use anyhow::Result;
use newsdesk_data::{Format, is_compressed};
use std::path::Path;

const HINT: &str =
    "end its name in .jsonl, .csv, .tsv or .arrows (and .gz or .zst), or in .parquet, or give `--output-format`";

/// The format of the rows in an output of this name.
pub fn by_name(path: &Path) -> Result<Format> {
    let shown = path.display();
    match Format::from_path(path) {
        Some(format) if format.is_one_article() => {
            Err(Usage::new(format!("Failed to write rows into `{shown}`: {format} has no columns"), HINT).into())
        }
        Some(Format::Arrow) if !is_stream(path) => {
            let message = format!(
                "Failed to write `{shown}`: its name is that of an Arrow file, and Arrow is written as a stream"
            );
            Err(Usage::new(message, "end its name in .arrows, or in .parquet").into())
        }
        Some(format) => Ok(format),
        None => Err(Usage::new(format!("Failed to choose a format for `{shown}`"), HINT).into()),
    }
}

/// Parquet is compressed inside; compressed once more it could not be read.
pub fn refuse_compressed(format: Format, path: &Path) -> Result<()> {
    match format == Format::Parquet && is_compressed(path) {
        false => Ok(()),
        true => {
            let message = format!("Failed to write Parquet into `{}`: it is compressed already", path.display());
            Err(Usage::new(message, "end its name in .parquet").into())
        }
    }
}

/// Whether a name is that of an Arrow stream, compressed or not.
fn is_stream(path: &Path) -> bool {
    let ends = |path: &Path, ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    ends(path, "arrows")
        || (!ends(path, "arrow") && path.file_stem().is_some_and(|stem| ends(Path::new(stem), "arrows")))
}
