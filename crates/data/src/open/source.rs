//! Expands files, folders and patterns into the list of files to read.

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

/// The suffix of the files in which runs store rejected rows.
const REJECTS_SUFFIX: &[u8] = b".rejects.jsonl";

/// Returns the sources that the inputs name, in the order of the inputs.
///
/// - `-` is standard input.
/// - A file is read whatever its suffix.
/// - A folder is walked recursively in name order. Files with a suffix of [`Format::from_path`] are read. Hidden files,
///   links to folders, and reject files of earlier runs are left out.
/// - A pattern (`*`, `?`, `[ab]`, `**`) gives its matches in name order. The name of an existing file is not a pattern.
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
    walk(folder, sources)?;
    if sources.len() == before {
        return Err(DataError::NoArticles { folder: folder.to_owned() });
    }
    Ok(())
}

fn walk(folder: &Path, sources: &mut Vec<Source>) -> Result<(), DataError> {
    let failed = |source| DataError::List { path: folder.to_owned(), source };
    let mut entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let is_skipped = name.as_encoded_bytes().starts_with(b".") || name.as_encoded_bytes().ends_with(REJECTS_SUFFIX);
        if is_skipped {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&path, sources)?;
        } else if Format::from_path(&path).is_some() && !path.is_dir() {
            sources.push(Source::File(path));
        }
    }
    Ok(())
}

fn add_matches(pattern: &str, sources: &mut Vec<Source>) -> Result<(), DataError> {
    let before = sources.len();
    // As in shells, `*` does not match the dot of a hidden file.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    let paths = glob::glob_with(pattern, options)
        .map_err(|source| DataError::Pattern { pattern: pattern.to_owned(), source })?;
    for path in paths {
        let path = path.map_err(|error| DataError::List { path: error.path().to_owned(), source: error.into() })?;
        // A matching folder (`news/**`) is not walked, because the pattern already says how deep to go.
        if !path.is_dir() {
            sources.push(Source::File(path));
        }
    }
    if sources.len() == before {
        return Err(DataError::NoMatch { pattern: pattern.to_owned() });
    }
    Ok(())
}
