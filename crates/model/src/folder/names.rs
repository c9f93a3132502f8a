//! The names and maximum sizes of the files in a model folder.

pub(super) use crate::tokenize::TOKENIZER;
use crate::tokenize::TokenizerFiles;
use std::path::Path;

pub(super) const CONFIG: &str = "config.json";
pub(crate) const WEIGHTS: &str = "model.safetensors";
/// The index of weights in several parts.
pub(super) const WEIGHTS_INDEX: &str = "model.safetensors.index.json";
/// The weights as `torch.save` writes them.
pub(super) const PICKLE: &str = "pytorch_model.bin";
/// The index of such weights in several parts.
pub(super) const PICKLE_INDEX: &str = "pytorch_model.bin.index.json";
pub(super) const MANIFEST: &str = "newsdesk.toml";
/// The file in which sentence-transformers stores the pooling of an encoder.
pub(super) const POOLING: &str = "1_Pooling/config.json";

/// The weights, in every form that can be read. An index names further files.
pub const WEIGHT_FILES: [&str; 4] = [WEIGHTS, WEIGHTS_INDEX, PICKLE, PICKLE_INDEX];
/// The files beside weights and tokenizer: those of transformers, sentence-transformers and Newsdesk.
const OTHER_FILES: [&str; 5] = [MANIFEST, CONFIG, POOLING, "modules.json", "sentence_bert_config.json"];

/// Returns the names of all files that a model may have beside its weights.
pub fn files_beside_weights() -> impl Iterator<Item = &'static str> {
    OTHER_FILES.into_iter().chain(TokenizerFiles::NAMES)
}

/// Returns the names of the files of the model in a folder: weights, then their parts, then the others.
pub fn files_of(folder: &Path) -> Vec<String> {
    let is_file = |name: &&str| folder.join(name).is_file();
    let mut names: Vec<String> = WEIGHT_FILES.into_iter().filter(is_file).map(String::from).collect();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut parts: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_part(name)).collect();
    parts.sort();
    names.extend(parts);
    names.extend(files_beside_weights().filter(is_file).map(String::from));
    names
}

/// Returns whether a name is that of a part of weights: `model-00001-of-00002.safetensors`.
pub(super) fn is_part(name: &str) -> bool {
    let stem = name.strip_suffix(".safetensors").or_else(|| name.strip_suffix(".bin"));
    stem.is_some_and(|stem| stem.contains("-of-"))
}

/// Maximum size of `config.json`, the manifest and the pooling in bytes: room for a hundred thousand labels.
pub(super) const MAX_CONFIG: u64 = 16 << 20;
/// Maximum size of a file of the tokenizer in bytes: four times that of large multilingual vocabularies.
pub(crate) const MAX_TOKENIZER: u64 = 64 << 20;
/// Maximum size of the weights in bytes.
pub(super) const MAX_WEIGHTS: u64 = 32 << 30;
