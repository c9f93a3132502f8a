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

/// The model card.
const CARD: &str = "README.md";

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

/// The files that a model needs, of those that a repository has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeededFiles {
    /// The other files, the model card among them.
    pub others: Vec<String>,
    /// The weights: one file, or the parts and then their index.
    pub weights: Vec<String>,
}

/// Chooses the files that a model needs from the names of all files, as a folder is opened. With `allow_pickle`, the weights may
/// be pickles. Returns `None` if there are no weights.
pub fn needed_files(names: &[String], allow_pickle: bool) -> Option<NeededFiles> {
    let has = |name: &str| names.iter().any(|known| known == name);
    let parts = |ending: &str, index: &str| -> Vec<String> {
        let is_part_of_it = |name: &&String| name.ends_with(ending) && !name.contains('/') && is_part(name);
        names.iter().filter(is_part_of_it).cloned().chain([index.to_owned()]).collect()
    };
    let weights = if has(WEIGHTS) {
        vec![WEIGHTS.to_owned()]
    } else if has(WEIGHTS_INDEX) {
        parts(".safetensors", WEIGHTS_INDEX)
    } else if allow_pickle && has(PICKLE) {
        vec![PICKLE.to_owned()]
    } else if allow_pickle && has(PICKLE_INDEX) {
        parts(".bin", PICKLE_INDEX)
    } else {
        return None;
    };
    // A whole tokenizer needs no vocabulary.
    let is_needed = |name: &&str| has(name) && !(has(TOKENIZER) && TokenizerFiles::VOCABULARIES.contains(name));
    let others = files_beside_weights().chain([CARD]).filter(is_needed).map(String::from).collect();
    Some(NeededFiles { others, weights })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn needed(names: &[&str], allow_pickle: bool) -> Option<(Vec<String>, Vec<String>)> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        needed_files(&names, allow_pickle).map(|files| (files.others, files.weights))
    }

    #[test]
    fn only_needed_files_are_chosen_and_an_index_after_its_parts() {
        let names = [
            "README.md",
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "onnx/model-00001-of-00002.safetensors",
            "pytorch_model.bin",
            "tf_model.h5",
            "tokenizer.json",
            "vocab.txt",
        ];
        let (others, weights) = needed(&names, true).unwrap();
        assert_eq!(others, ["config.json", "tokenizer.json", "README.md"]);
        let parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        assert_eq!(weights, [parts[0], parts[1], "model.safetensors.index.json"]);
    }

    #[test]
    fn pickles_are_chosen_only_on_request() {
        let names = ["config.json", "pytorch_model.bin", "vocab.txt", "tokenizer_config.json"];
        assert_eq!(needed(&names, false), None);
        let (others, weights) = needed(&names, true).unwrap();
        assert_eq!(
            (others, weights),
            (
                ["config.json", "vocab.txt", "tokenizer_config.json"].map(String::from).to_vec(),
                vec!["pytorch_model.bin".to_owned()],
            )
        );
        assert_eq!(needed(&["config.json", "model.onnx"], true), None);
    }
}
