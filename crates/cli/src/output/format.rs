//! The format that an output's file name asks for.

use crate::arguments::TableOptions;
use crate::failure::Usage;
use anyhow::Result;
use newsdesk_data::{Compression, Format, TableStyle, is_compressed};
use std::path::Path;

/// Returns the format of the rows in an output of this name.
///
/// # Errors
/// If the name has no known ending, or one of a format that cannot hold rows.
pub fn by_name(path: &Path) -> Result<Format> {
    named(path, "end its name in .jsonl, .csv, .tsv or .arrows (and .gz or .zst), or in .parquet")
}

/// As [`by_name`], for commands that have the option `--output-format`.
///
/// # Errors
/// As [`by_name`].
pub fn by_name_or_option(path: &Path) -> Result<Format> {
    named(
        path,
        "end its name in .jsonl, .csv, .tsv or .arrows (and .gz or .zst), or in .parquet, or give `--output-format`",
    )
}

fn named(path: &Path, hint: &str) -> Result<Format> {
    let shown = path.display();
    if let Some(compression) = Compression::of_path(path).filter(|compression| !compression.can_be_written()) {
        let message = format!("cannot write `{shown}`: {compression} can only be read");
        return Err(Usage::new(message, hint).into());
    }
    match Format::from_path(path) {
        Some(format) if !format.can_be_written() && !format.is_one_article() => {
            Err(Usage::new(format!("cannot write `{shown}`: {format} can only be read"), hint).into())
        }
        Some(format) if format.is_one_article() => {
            Err(Usage::new(format!("cannot write rows to `{shown}`: {format} has no columns"), hint).into())
        }
        Some(Format::Arrow) if !is_stream(path) => {
            let message =
                format!("cannot write `{shown}`: its name is that of an Arrow file, and newsdesk writes Arrow streams");
            Err(Usage::new(message, "end its name in .arrows or .parquet").into())
        }
        Some(format) => Ok(format),
        None => Err(Usage::new(format!("cannot choose a format for `{shown}`: its ending is not known"), hint).into()),
    }
}

/// Refuses Parquet with a name such as `x.parquet.gz`: Parquet compresses its own data, and no reader opens it
/// compressed twice.
///
/// # Errors
/// If the format is Parquet and the name is that of a compressed file.
pub fn refuse_compressed(format: Format, path: &Path) -> Result<()> {
    match format == Format::Parquet && is_compressed(path) {
        false => Ok(()),
        true => {
            let message = format!("cannot write Parquet to `{}`: Parquet compresses its own data", path.display());
            Err(Usage::new(message, "end its name in .parquet").into())
        }
    }
}

/// Returns the style of an output of this format; `None` is a table on the terminal.
///
/// # Errors
/// If the format does not have what the options ask for.
pub fn table_style(options: &TableOptions, format: Option<Format>) -> Result<TableStyle> {
    let is_csv = format == Some(Format::Csv);
    let refused = match (options.bom, options.delimiter) {
        (true, _) if !is_csv && format != Some(Format::Tsv) => Some(("--bom", "CSV or TSV")),
        (_, Some(_)) if !is_csv => Some(("--delimiter", "CSV")),
        _ => None,
    };
    if let Some((option, formats)) = refused {
        let message = format!("cannot apply `{option}`: the output is not {formats}");
        return Err(Usage::new(message, format!("write {formats}, or leave `{option}` out")).into());
    }
    let delimiter = options.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok());
    Ok(TableStyle { byte_order_mark: options.bom, delimiter })
}

/// Returns whether a name is that of an Arrow stream, compressed or not.
fn is_stream(path: &Path) -> bool {
    let ends = |path: &Path, ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    ends(path, "arrows")
        || (!ends(path, "arrow") && path.file_stem().is_some_and(|stem| ends(Path::new(stem), "arrows")))
}
