//! Expands files, folders and patterns into the list of files to read.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::DataError;
use crate::format::Format;

/// A source of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// JSON Lines in memory: texts that the user typed.
    Texts(Arc<str>),
}

impl Source {
    /// Returns the source of these texts: one row each, with the column `text`.
    pub fn of_texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Source {
        let line = |text: T| format!("{}\n", serde_json::json!({ "text": text.as_ref() }));
        Source::Texts(texts.into_iter().map(line).collect::<String>().into())
    }

    /// Returns the name in positions and messages: the path as it was given, `<stdin>` or `<text>`.
    pub fn name(&self) -> Arc<str> {
        match self {
            Source::Stdin => "<stdin>".into(),
            Source::File(path) => path.display().to_string().into(),
            Source::Texts(_) => "<text>".into(),
        }
    }
}

/// The suffixes of the files in which runs store rejected rows and their manifest.
const RUN_SUFFIXES: [&[u8]; 2] = [b".rejects.jsonl", b".manifest.json"];

/// Returns the sources that the inputs name, in the order of the inputs.
///
/// - `-` is standard input.
/// - A file is read whatever its suffix.
/// - A folder is walked recursively in name order. Files with a suffix of [`Format::from_path`] are read. Hidden files,
///   links to folders, and rejects and manifests of earlier runs are left out.
/// - A pattern (`*`, `?`, `[ab]`, `**`) gives its matches in name order. The name of an existing file is not a pattern.
///   `**` stands for any folders, without hidden folders and links to folders.
///
/// Folders and patterns give only regular files, since a pipe or a device may never end. They give each file once,
/// however many links lead to it. A pipe or a device that is named itself is read.
///
/// # Errors
/// If an input does not exist, a folder or a pattern gives no files, a pattern is not valid, or a folder cannot be
/// listed.
pub fn expand(inputs: &[String]) -> Result<Vec<Source>, DataError> {
    let mut sources = Vec::new();
    for input in inputs {
        let path = Path::new(input);
        if input == "-" {
            sources.push(Source::Stdin);
        } else if path.is_dir() {
            add_folder(path, &mut sources)?;
        } else if path.exists() {
            sources.push(Source::File(path.to_owned()));
        } else if input.contains(['*', '?', '[']) {
            add_matches(input, &mut sources)?;
        } else {
            return Err(DataError::NotFound { path: input.clone() });
        }
    }
    Ok(sources)
}

fn add_folder(folder: &Path, sources: &mut Vec<Source>) -> Result<(), DataError> {
    let before = sources.len();
    walk(folder, &mut Found::default(), sources)?;
    if sources.len() == before {
        return Err(DataError::NoArticles { folder: folder.to_owned() });
    }
    Ok(())
}

fn walk(folder: &Path, found: &mut Found, sources: &mut Vec<Source>) -> Result<(), DataError> {
    let failed = |source| DataError::List { path: folder.to_owned(), source };
    let mut entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let is_of_run = RUN_SUFFIXES.iter().any(|suffix| name.as_encoded_bytes().ends_with(suffix));
        let is_skipped = name.as_encoded_bytes().starts_with(b".") || is_of_run;
        if is_skipped {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&path, found, sources)?;
        } else if Format::from_path(&path).is_some() && found.is_new_file(&path) {
            sources.push(Source::File(path));
        }
    }
    Ok(())
}

/// How patterns match. As in shells, `*` matches neither a separator nor the dot of a hidden file. Endings of files may be
/// in upper case.
const MATCHING: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: false, require_literal_separator: true, require_literal_leading_dot: true };

fn add_matches(pattern: &str, sources: &mut Vec<Source>) -> Result<(), DataError> {
    let before = sources.len();
    let invalid = |source| DataError::Pattern { pattern: pattern.to_owned(), source };
    let mut found = Found::default();
    if pattern.split(std::path::is_separator).any(|part| part == "**") {
        // The `glob` crate follows links to folders, and does not end within loops of links.
        let parsed = glob::Pattern::new(pattern).map_err(invalid)?;
        let start = &pattern[..pattern.find(['*', '?', '[']).unwrap_or_default()];
        let start = &start[..start.rfind(std::path::is_separator).map_or(0, |end| end + 1)];
        walk_pattern(Path::new(start), &parsed, &mut found, sources)?;
        return match sources.len() == before {
            true => Err(DataError::NoMatch { pattern: pattern.to_owned() }),
            false => Ok(()),
        };
    }
    let paths = glob::glob_with(pattern, MATCHING).map_err(invalid)?;
    for path in paths {
        let path = path.map_err(|error| DataError::List { path: error.path().to_owned(), source: error.into() })?;
        // A matching folder (`news/**`) is not walked, because the pattern already says how deep to go.
        if found.is_new_file(&path) {
            sources.push(Source::File(path));
        }
    }
    if sources.len() == before {
        return Err(DataError::NoMatch { pattern: pattern.to_owned() });
    }
    Ok(())
}

/// Walks a folder in name order, without links to folders, and adds the files that match.
fn walk_pattern(
    folder: &Path,
    pattern: &glob::Pattern,
    found: &mut Found,
    sources: &mut Vec<Source>,
) -> Result<(), DataError> {
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let failed = |source| DataError::List { path: listed.to_owned(), source };
    if !listed.is_dir() {
        return Ok(());
    }
    let mut entries = fs::read_dir(listed).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        if is_folder && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            walk_pattern(&path, pattern, found, sources)?;
        } else if !is_folder && pattern.matches_path_with(&path, MATCHING) && found.is_new_file(&path) {
            sources.push(Source::File(path));
        }
    }
    Ok(())
}

/// The regular files that a folder or a pattern gave so far.
#[derive(Default)]
struct Found(HashSet<FileIdentity>);

#[cfg(unix)]
type FileIdentity = (u64, u64);
#[cfg(not(unix))]
type FileIdentity = PathBuf;

impl Found {
    /// Returns whether a path leads to a regular file that was not found before.
    fn is_new_file(&mut self, path: &Path) -> bool {
        // Opening a link that leads nowhere fails, and the error names it.
        let Ok(metadata) = path.metadata() else { return true };
        metadata.is_file() && identity(path, &metadata).is_none_or(|identity| self.0.insert(identity))
    }
}

/// Returns what two paths to the same file have in common.
#[cfg(unix)]
fn identity(_: &Path, metadata: &fs::Metadata) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path, _: &fs::Metadata) -> Option<FileIdentity> {
    path.canonicalize().ok()
}
