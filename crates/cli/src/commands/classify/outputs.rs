//! Where `newsdesk classify` writes, and in which format.

use crate::arguments::{Classify, OutputFormat};
use crate::failure::Usage;
use crate::output::format::{by_name, refuse_compressed};
use anyhow::Result;
use newsdesk_data::{Format, Source};
use newsdesk_run::{Places, usual_rejects};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An output that is one of the inputs would be emptied before it is read.
pub fn refuse_overwriting(output: Option<&Path>, rejects: Option<&Path>, sources: &[Source]) -> Result<()> {
    let into_itself = |source: &&Source| matches!(source, Source::File(path) if is_standard_output(path));
    if let Some(source) = sources.iter().find(into_itself) {
        let message =
            format!("Failed to write to standard output: it goes into `{}`, one of the inputs", source.name());
        return Err(Usage::new(message, "send it to a file outside of the folder").into());
    }
    for output in output.into_iter().chain(rejects) {
        if sources.iter().any(|source| matches!(source, Source::File(path) if same_file(path, output))) {
            let message = format!("Failed to write `{}`: it is one of the inputs", output.display());
            return Err(Usage::new(message, "choose another file for the output").into());
        }
    }
    let rows = output.unwrap_or(Path::new("-"));
    if rejects.is_some_and(|rejects| place(rejects) == place(rows)) {
        return Err(Usage::new("Failed to write: rows and rejects have one file", "choose two files").into());
    }
    Ok(())
}

/// Whether two paths lead to one file that is there, by whatever links.
pub fn same_file(a: &Path, b: &Path) -> bool {
    let is_one =
        |identity: fn(&Path) -> Option<(u64, u64)>| matches!((identity(a), identity(b)), (Some(a), Some(b)) if a == b);
    is_one(identity) || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// What tells a file from all others, where the system has such a thing.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().filter(|m| m.is_file()).map(|m| (m.dev(), m.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

/// Whether a file is what standard output was redirected to.
#[cfg(unix)]
fn is_standard_output(path: &Path) -> bool {
    identity(path).is_some_and(|file| identity(Path::new("/dev/stdout")) == Some(file))
}

#[cfg(not(unix))]
fn is_standard_output(_: &Path) -> bool {
    false
}

/// A path with its folder resolved, so that two names of one file that is yet to be made are the same.
pub fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.canonicalize(), folder.canonicalize(), path.file_name()) {
        (Ok(whole), _, _) => whole,
        (_, Ok(folder), Some(name)) => folder.join(name),
        _ => path.into(),
    }
}

/// The format of the output; `None` for a table.
pub fn output_format(options: &Classify) -> Result<Option<Format>> {
    let path = options.output.as_deref().filter(|path| *path != Path::new("-"));
    if let (Some(OutputFormat::Parquet), Some(path)) = (options.output_format, path) {
        refuse_compressed(Format::Parquet, path)?;
    }
    let asked = if options.json { Some(OutputFormat::Jsonl) } else { options.output_format };
    match (asked, path) {
        (Some(OutputFormat::Jsonl), _) => Ok(Some(Format::JsonLines)),
        (Some(OutputFormat::Csv), _) => Ok(Some(Format::Csv)),
        (Some(OutputFormat::Tsv), _) => Ok(Some(Format::Tsv)),
        (Some(OutputFormat::Arrow), _) => Ok(Some(Format::Arrow)),
        (Some(OutputFormat::Parquet), _) => Ok(Some(Format::Parquet)),
        (Some(OutputFormat::Table), None) => Ok(None),
        (Some(OutputFormat::Table), Some(_)) => Err(Usage::new(
            "Failed to write a table into a file",
            "use `--output-format jsonl`, `csv`, `tsv`, `arrow` or `parquet`",
        )
        .into()),
        (None, None) if options.output.is_none() && std::io::stdout().is_terminal() => Ok(None),
        (None, None) => Ok(Some(Format::JsonLines)),
        (None, Some(path)) => by_name(path).map(Some),
    }
}

/// The output, if it is a file of its own rather than a pipe or a device: such a one is whole or not there. Links are followed.
pub fn file_of_its_own(options: &Classify) -> Option<PathBuf> {
    let path = options.output.as_deref().filter(|path| *path != Path::new("-") && !is_standard_output(path))?;
    match path.metadata() {
        Err(_) => Some(path.into()),
        Ok(metadata) if metadata.is_file() && path.is_symlink() => path.canonicalize().ok(),
        Ok(metadata) => metadata.is_file().then(|| path.into()),
    }
}

/// Where the files of a run stand.
pub fn places(options: &Classify, output: PathBuf) -> Result<Places> {
    let is_other = |path: &&PathBuf| **path == Path::new("-") || path.metadata().is_ok_and(|found| !found.is_file());
    if let Some(path) = options.rejects.as_ref().filter(is_other) {
        let message = format!("Failed to write rejects to `{}`: it is no file", path.display());
        return Err(Usage::new(message, "beside `--output FILE` they go to a file of their own").into());
    }
    Ok(Places {
        rejects: options.rejects.clone().unwrap_or_else(|| usual_rejects(&output)),
        rejects_always: options.rejects.is_some(),
        save_every: Duration::from_secs(options.save_every),
        output,
    })
}
