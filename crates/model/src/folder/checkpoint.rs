//! Finds the weights of a model folder. It tries the forms that transformers saves, in the order of transformers.

use super::files::{exists, open_part, read_file};
use super::missing::{missing, missing_parts};
use super::names::{CONFIG, MANIFEST, PICKLE, PICKLE_INDEX, TOKENIZER, WEIGHTS, WEIGHTS_INDEX};
use crate::checkpoint::{Checkpoint, FileFormat, Index, Part};
use crate::error::Result;
use crate::head::HeadActivation;
use crate::tokenize::TokenizerFiles;
use std::path::Path;
use std::sync::Arc;

/// How a model folder is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether weights may be read from `pytorch_model.bin` if there is no safetensors file.
    ///
    /// Such a file holds a program for Python's pickle module. It is never run: a strict reader takes the tensors from
    /// it and refuses everything else. Without this option the file is not opened at all.
    pub allow_pickle: bool,
    /// Replaces the activation of all heads. `config.json` of a checkpoint may be silent or wrong about it.
    pub activation: Option<HeadActivation>,
}

/// Opens the weights of a checkpoint, in one file or in several parts with an index.
///
/// # Errors
/// If there are none, if a part is missing or cannot be read, or if the index names anything but files of the folder.
pub(super) fn open_checkpoint(folder: &Path, options: OpenOptions) -> Result<Checkpoint> {
    let has = |name: &str| exists(folder, name);
    if has(WEIGHTS) {
        one_file(folder, WEIGHTS, FileFormat::Safetensors)
    } else if has(WEIGHTS_INDEX) {
        several_files(folder, WEIGHTS_INDEX, ".safetensors", FileFormat::Safetensors)
    } else if options.allow_pickle && has(PICKLE) {
        one_file(folder, PICKLE, FileFormat::Pickle)
    } else if options.allow_pickle && has(PICKLE_INDEX) {
        several_files(folder, PICKLE_INDEX, ".bin", FileFormat::Pickle)
    } else {
        Err(missing(folder, WEIGHTS))
    }
}

/// Returns whether a folder holds all files of a model: configuration, tokenizer, and all parts of the weights. With
/// `allow_pickle`, the weights may be pickles.
pub fn is_complete(folder: &Path, allow_pickle: bool) -> bool {
    let has = |name: &str| exists(folder, name);
    let has_parts = |name: &str, ending: &str| {
        let index = read_file(folder, name).and_then(|json| Index::parse(&json, ending, name));
        index.is_ok_and(|index| index.parts().into_iter().all(has))
    };
    let has_pickle = || has(PICKLE) || has_parts(PICKLE_INDEX, ".bin");
    let has_weights = has(WEIGHTS) || has_parts(WEIGHTS_INDEX, ".safetensors") || (allow_pickle && has_pickle());
    let has_tokenizer = has(TOKENIZER) || TokenizerFiles::VOCABULARIES.into_iter().any(has);
    // A linear model has neither configuration nor tokenizer.
    has_weights && if has(CONFIG) { has_tokenizer } else { has(MANIFEST) }
}

fn one_file(folder: &Path, name: &str, format: FileFormat) -> Result<Checkpoint> {
    let file = folder.join(name).display().to_string();
    Ok(Checkpoint::new(file, format, vec![part(folder, name)?], None))
}

fn several_files(folder: &Path, name: &str, ending: &str, format: FileFormat) -> Result<Checkpoint> {
    let file = folder.join(name).display().to_string();
    let index = Index::parse(&read_file(folder, name)?, ending, &file)?;
    let absent: Vec<&str> = index.parts().into_iter().filter(|part| !folder.join(part).exists()).collect();
    if let Some(error) = missing_parts(folder, name, &absent) {
        return Err(error);
    }
    let parts = index.parts().into_iter().map(|name| part(folder, name)).collect::<Result<_>>()?;
    Ok(Checkpoint::new(file, format, parts, Some(index)))
}

fn part(folder: &Path, name: &str) -> Result<Part> {
    let file = folder.join(name).display().to_string();
    Ok(Part::new(name, file, Arc::new(open_part(folder, name)?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_is_complete_with_configuration_tokenizer_and_all_parts() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            is_complete(folder.path(), false)
        };
        assert!(!write("config.json", "{}"));
        assert!(!write(WEIGHTS_INDEX, r#"{"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}"#));
        assert!(!write("a.safetensors", "") && !write("b.safetensors", ""));
        assert!(write("vocab.txt", ""));
        std::fs::remove_file(folder.path().join("a.safetensors")).unwrap();
        assert!(!is_complete(folder.path(), false));
        std::fs::write(folder.path().join(PICKLE), "").unwrap();
        assert!(!is_complete(folder.path(), false) && is_complete(folder.path(), true));
    }
}
