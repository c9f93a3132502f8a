//! What the user names on the command line becomes the list of files to read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::DataError;
use crate::format::Format;

/// Something to read rows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The name that positions and messages carry: the path as it was given, or `<stdin>`.
    pub fn name(&self) -> Arc<str> {
        match self {
            Source::Stdin => "<stdin>".into(),
            Source::File(path) => path.display().to_string().into(),
        }
    }
}

/// How the names of files end in which runs keep what they rejected.
const REJECTS: &[u8] = b".rejects.jsonl";

/// The sources that the inputs stand for, in the order of the inputs.
///
/// Files stay files, whatever they end in. Folders are walked in name order, and all that goes below them, for the
/// endings of [`Format::from_path`]; hidden files, links to folders, and the rejects of
/// earlier runs are left out. Patterns (`*`, `?`, `[ab]`, `**`) give
/// their matches in name order; a name that exists is never taken for a pattern. `-` is standard input.
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
        let is_left_out = name.as_encoded_bytes().starts_with(b".") || name.as_encoded_bytes().ends_with(REJECTS);
        if is_left_out {
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
    // As in a shell and as in folders: a hidden file must be named as such.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    let paths = glob::glob_with(pattern, options)
        .map_err(|source| DataError::Pattern { pattern: pattern.to_owned(), source })?;
    for path in paths {
        let path = path.map_err(|error| DataError::List { path: error.path().to_owned(), source: error.into() })?;
        // A folder that matches beside files (`news/**`) is not walked: the pattern says how deep to go.
        if !path.is_dir() {
            sources.push(Source::File(path));
        }
    }
    if sources.len() == before {
        return Err(DataError::NoMatch { pattern: pattern.to_owned() });
    }
    Ok(())
}
