//! Destinations of outputs: files, pipes or the terminal, their formats, and protection of the inputs.

use crate::arguments::{Classify, OutputFormat, OverwriteOption};
use crate::failure::Usage;
use crate::output::format::{by_name_or_option, refuse_compressed};
use anyhow::Result;
use newsdesk_data::{Format, Source};
use newsdesk_run::{OutputPaths, default_rejects_path};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Refuses an output that is one of the inputs: it would be emptied before it is read.
///
/// # Errors
/// If standard output, `output` or `rejects` is one of the sources, or if rows and rejects go to the same file.
pub fn refuse_overwriting(output: Option<&Path>, rejects: Option<&Path>, sources: &[Source]) -> Result<()> {
    let into_itself = |source: &&Source| matches!(source, Source::File(path) if is_standard_output(path));
    if let Some(source) = sources.iter().find(into_itself) {
        let message = format!("cannot write to standard output: it goes to `{}`, one of the inputs", source.name());
        return Err(Usage::new(message, "redirect it to a file outside the input folder").into());
    }
    for output in output.into_iter().chain(rejects) {
        if sources.iter().any(|source| matches!(source, Source::File(path) if same_file(path, output))) {
            let message = format!("cannot write `{}`: it is one of the inputs", output.display());
            return Err(Usage::new(message, "choose another file for the output").into());
        }
    }
    let rows = output.unwrap_or(Path::new("-"));
    if rejects.is_some_and(|rejects| resolved(rejects) == resolved(rows)) {
        let message = "cannot write: rows and rejects would go to the same file";
        return Err(Usage::new(message, "choose two files").into());
    }
    Ok(())
}

/// Refuses to replace files that exist, unless the user asks for it. Pipes, devices and empty files hold nothing that could be lost.
///
/// # Errors
/// If one of the paths is a file with contents, and it is not to be overwritten.
pub fn refuse_existing<'p>(paths: impl IntoIterator<Item = &'p PathBuf>, option: OverwriteOption) -> Result<()> {
    let holds_something = |path: &&PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.len() > 0);
    match paths.into_iter().find(holds_something) {
        Some(path) if !option.overwrite => {
            let message = format!("cannot write `{}`: it already exists", path.display());
            Err(Usage::new(message, "choose another output, or replace it with `--overwrite`").into())
        }
        _ => Ok(()),
    }
}

/// Returns whether two paths lead to the same existing file, through hard or symbolic links.
pub fn same_file(a: &Path, b: &Path) -> bool {
    let is_one =
        |identity: fn(&Path) -> Option<(u64, u64)>| matches!((identity(a), identity(b)), (Some(a), Some(b)) if a == b);
    is_one(identity) || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Returns the device and inode numbers of a regular file, on systems that have them.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().filter(|m| m.is_file()).map(|m| (m.dev(), m.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

/// Returns whether standard output is redirected to this file.
#[cfg(unix)]
fn is_standard_output(path: &Path) -> bool {
    identity(path).is_some_and(|file| identity(Path::new("/dev/stdout")) == Some(file))
}

#[cfg(not(unix))]
fn is_standard_output(_: &Path) -> bool {
    false
}

/// Returns the path with its folder resolved, so that two paths of the same future file are equal.
pub fn resolved(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.canonicalize(), folder.canonicalize(), path.file_name()) {
        (Ok(whole), _, _) => whole,
        (_, Ok(folder), Some(name)) => folder.join(name),
        _ => path.into(),
    }
}

/// Returns the format of the output of `classify`; `None` for a table on the terminal.
///
/// # Errors
/// If the format does not fit the output, or the output's name says no format.
pub fn output_format(options: &Classify) -> Result<Option<Format>> {
    let path = options.output.as_deref().filter(|path| *path != Path::new("-"));
    if let (Some(OutputFormat::Parquet), Some(path)) = (options.output_format, path) {
        refuse_compressed(Format::Parquet, path)?;
    }
    let requested = if options.json { Some(OutputFormat::Jsonl) } else { options.output_format };
    match (requested, path) {
        (Some(OutputFormat::Jsonl), _) => Ok(Some(Format::JsonLines)),
        (Some(OutputFormat::Csv), _) => Ok(Some(Format::Csv)),
        (Some(OutputFormat::Tsv), _) => Ok(Some(Format::Tsv)),
        (Some(OutputFormat::Arrow), _) => Ok(Some(Format::Arrow)),
        (Some(OutputFormat::Parquet), _) => Ok(Some(Format::Parquet)),
        (Some(OutputFormat::Table), None) => Ok(None),
        (Some(OutputFormat::Table), Some(_)) => Err(Usage::new(
            "cannot write a table to a file",
            "use `--output-format jsonl`, `csv`, `tsv`, `arrow` or `parquet`",
        )
        .into()),
        (None, None) if options.output.is_none() && std::io::stdout().is_terminal() => Ok(None),
        (None, None) => Ok(Some(Format::JsonLines)),
        (None, Some(path)) => by_name_or_option(path).map(Some),
    }
}

/// Returns the output's path if it is a regular file, with links followed; `None` for a pipe, a device or standard
/// output.
///
/// Only regular files are written atomically and can be resumed.
pub fn regular_file(options: &Classify) -> Option<PathBuf> {
    let path = options.output.as_deref().filter(|path| *path != Path::new("-") && !is_standard_output(path))?;
    match path.metadata() {
        Err(_) => Some(path.into()),
        Ok(metadata) if metadata.is_file() && path.is_symlink() => path.canonicalize().ok(),
        Ok(metadata) => metadata.is_file().then(|| path.into()),
    }
}

/// Returns the paths of a run's files.
///
/// # Errors
/// If the rejects would go to something other than a file.
pub fn output_paths(options: &Classify, output: PathBuf) -> Result<OutputPaths> {
    let is_other = |path: &&PathBuf| **path == Path::new("-") || path.metadata().is_ok_and(|found| !found.is_file());
    if let Some(path) = options.rejects.as_ref().filter(is_other) {
        let message = format!("cannot write rejects to `{}`: it is not a file", path.display());
        return Err(Usage::new(message, "name a file with `--rejects FILE`, or leave the option out").into());
    }
    Ok(OutputPaths {
        rejects: options.rejects.clone().unwrap_or_else(|| default_rejects_path(&output)),
        always_write_rejects: options.rejects.is_some(),
        output,
    })
}
