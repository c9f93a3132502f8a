//! Copies a checkpoint into a folder with one safetensors file.

use super::names::{CONFIG, MANIFEST, MAX_TOKENIZER, POOLING, TOKENIZER, WEIGHTS};
use super::open::Model;
use crate::checkpoint::write_safetensors;
use crate::error::{ModelError, Result};
use newsdesk_files::{read, write_atomic};
use std::path::Path;

/// The files beside the weights that are copied unchanged: those of transformers, sentence-transformers and Newsdesk.
const COPIED: [&str; 15] = [
    CONFIG,
    TOKENIZER,
    MANIFEST,
    POOLING,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "sentencepiece.bpe.model",
    "modules.json",
    "sentence_bert_config.json",
];

/// Copies the checkpoint in `from`, which was opened as `model`, into the folder `to`, which is created if it does not
/// exist. Readers never see a partial file.
///
/// The weights become one `model.safetensors`. Their numbers do not change, except that f64 becomes f32. Weights under
/// the old names `LayerNorm.gamma` and `LayerNorm.beta` get the present names. Other files are copied as they are.
///
/// # Errors
/// If a file cannot be read or written.
pub fn convert(from: &Path, model: &Model, to: &Path) -> Result<()> {
    for name in copied_files(from) {
        let (path, copy) = (from.join(name), to.join(name));
        let bytes = read::regular(&path, MAX_TOKENIZER).map_err(|source| ModelError::Read { path, source })?;
        let failed = |source| ModelError::Write { path: copy.clone(), source };
        copy.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        write_atomic(&copy, &bytes).map_err(failed)?;
    }
    // Written last, so that a folder with weights is complete.
    write_safetensors(&model.file, &to.join(WEIGHTS))
}

/// Returns the names of the files in a folder that [`convert`] copies.
pub fn copied_files(folder: &Path) -> impl Iterator<Item = &'static str> {
    COPIED.into_iter().filter(|name| folder.join(name).is_file())
}
