//! Finds the last checkpoint of an interrupted run whose files still have the bytes that the run wrote.
//!
//! A disk, a sync program or an editor may have changed a file. Then the run is resumed from an earlier checkpoint.

use crate::error::RunError;
use crate::file_hash::RunningHash;
use crate::journal::SavedFiles;
use crate::paths::OutputPaths;
use newsdesk_data::Format;
use newsdesk_files::partial_path;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A checkpoint whose files are intact.
pub(crate) struct Intact {
    /// Its index in the journal.
    pub index: usize,
    /// The hash of the output up to the checkpoint.
    pub output: RunningHash,
    /// The hash of the rejects up to the checkpoint.
    pub rejects: RunningHash,
    /// The file that is damaged after this checkpoint, if any.
    pub damaged: Option<PathBuf>,
}

/// Returns the last intact checkpoint, or `None` if the journal has no checkpoint.
///
/// # Errors
/// If no checkpoint is intact, or a file cannot be read.
pub(crate) fn last_intact(
    paths: &OutputPaths,
    format: Format,
    saved: &[SavedFiles],
) -> Result<Option<Intact>, RunError> {
    let Some(last) = saved.last() else { return Ok(None) };
    let index = saved.len() - 1;
    // Once every row is written, the files get their final names, one after the other.
    let place = |path: &Path| Some(partial_path(path)).filter(|partial| !last.complete || partial.exists());
    let output = place(&paths.output);
    let rejects = place(&paths.rejects).unwrap_or_else(|| paths.rejects.clone());
    // A finished Parquet file is not the file that was hashed.
    let is_hashed = output.is_some() || format != Format::Parquet;
    let output = output.unwrap_or_else(|| paths.output.clone());
    let beginning = |path: &Path, (length, _): (u64, Option<u64>)| {
        RunningHash::of_beginning(path, length).map_err(RunError::file("read", path))
    };
    // Nearly always, the files are intact up to the last checkpoint. Then each is read once.
    let hashes = match is_hashed {
        true => [beginning(&output, last.output)?, beginning(&rejects, last.rejects)?],
        false => [RunningHash::default(), beginning(&rejects, last.rejects)?],
    };
    let is_intact = |hash: &RunningHash, (length, expected): (u64, Option<u64>)| {
        hash.bytes() == length && expected.is_none_or(|expected| expected == hash.value())
    };
    let output_is_intact = !is_hashed || is_intact(&hashes[0], last.output);
    if output_is_intact && is_intact(&hashes[1], last.rejects) {
        let [output, rejects] = hashes;
        return Ok(Some(Intact { index, output, rejects, damaged: None }));
    }
    let damaged = if output_is_intact { rejects } else { output };

    // Rows can only be added to partial files.
    let (output, rejects) = (partial_path(&paths.output), partial_path(&paths.rejects));
    let open: Vec<(usize, &SavedFiles)> = saved.iter().enumerate().filter(|(_, saved)| !saved.complete).collect();
    let hashes = |path: &Path, length: fn(&SavedFiles) -> u64| {
        let lengths: BTreeSet<u64> = open.iter().map(|(_, saved)| length(saved)).collect();
        RunningHash::of_beginnings(path, &lengths).map_err(RunError::file("read", path))
    };
    let (outputs, rejected) = (hashes(&output, |saved| saved.output.0)?, hashes(&rejects, |saved| saved.rejects.0)?);
    let found = open.iter().rev().find(|(_, saved)| {
        let is_intact = |hash: Option<&u64>, expected: Option<u64>| {
            hash.is_some_and(|hash| expected.is_none_or(|expected| expected == *hash))
        };
        is_intact(outputs.get(&saved.output.0), saved.output.1)
            && is_intact(rejected.get(&saved.rejects.0), saved.rejects.1)
    });
    match found {
        Some(&(index, saved)) => Ok(Some(Intact {
            index,
            output: beginning(&output, saved.output)?,
            rejects: beginning(&rejects, saved.rejects)?,
            damaged: Some(damaged),
        })),
        None => {
            let length: fn(&SavedFiles) -> u64 =
                if output_is_intact { |saved| saved.rejects.0 } else { |saved| saved.output.0 };
            let bytes = saved.iter().map(length).filter(|bytes| *bytes > 0).min().unwrap_or(0);
            Err(RunError::Damaged { output: paths.output.clone(), file: damaged, bytes })
        }
    }
}
