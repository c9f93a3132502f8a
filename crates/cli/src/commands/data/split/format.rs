//! The format of the files to split, which their splits get as well if it can be written.

use crate::failure::Usage;
use crate::format_list::row_formats;
use anyhow::Result;
use newsdesk_data::{Compression, Format, ReadOptions, Source, read};
use std::path::Path;

/// Returns the format in which the splits of these sources are written, and the ending of their names. It is that of the
/// sources, if it can be written.
///
/// # Errors
/// If the sources have different formats, a source cannot be read twice, or a format holds one article per file.
pub fn common_format(sources: &[Source], options: &ReadOptions) -> Result<(Format, String)> {
    let mut found: Option<(Format, &Source)> = None;
    for source in sources {
        if *source == Source::Stdin {
            let message = "cannot split standard input: the rows are read twice";
            return Err(Usage::new(message, "write the rows to a file first").into());
        }
        let format = read(source, options)?.format();
        match found {
            _ if format.is_one_article() => {
                let message =
                    format!("cannot split `{}`: a {format} file is one article without a label", source.name());
                return Err(Usage::new(message, format!("give files of {}", row_formats())).into());
            }
            Some((other, first)) if other != format => {
                let (first, name) = (first.name(), source.name());
                let message =
                    format!("cannot split `{first}` and `{name}` together: one is {other}, the other {format}");
                return Err(Usage::new(message, "convert them to one format with `newsdesk data convert`").into());
            }
            Some(_) => {}
            None => found = Some((format, source)),
        }
    }
    let Some((format, source)) = found else {
        return Err(Usage::new("cannot split: no files are given", "name files with labelled rows").into());
    };
    let format = match format {
        Format::Json => return Ok((Format::JsonLines, ".jsonl".into())),
        Format::Excel => return Ok((Format::Csv, ".csv".into())),
        format => format,
    };
    let name = source.name();
    let path = Path::new(&*name);
    let ending = |path: &Path| path.extension().map(|ending| format!(".{}", ending.to_string_lossy()));
    let ending = match Format::from_path(path) {
        Some(by_name) if by_name == format => match (Compression::of_path(path), path.file_stem().map(Path::new)) {
            (Some(compression), Some(stem)) if compression.can_be_written() => {
                ending(stem).zip(ending(path)).map(|(one, other)| one + &other)
            }
            (Some(_), Some(stem)) => ending(stem),
            _ => ending(path),
        },
        _ => None,
    };
    Ok((format, ending.unwrap_or_else(|| format!(".{}", format.name()))))
}
