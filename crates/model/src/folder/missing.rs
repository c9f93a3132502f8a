//! Errors for files that a model folder lacks: they say what it holds instead, such as weights of another library.

use super::names::{CONFIG, MANIFEST, PICKLE, PICKLE_INDEX, TOKENIZER, WEIGHTS, WEIGHTS_INDEX, is_part};
use crate::error::{ModelError, Remedy};
use std::path::Path;

/// Names of weights as `torch.save` writes them.
const PICKLES: [&str; 2] = [PICKLE, PICKLE_INDEX];
/// Names of weights in the formats of other libraries.
const OTHER_WEIGHTS: [&str; 2] = ["tf_model.h5", "flax_model.msgpack"];
/// Endings of weights in the formats of other libraries.
const OTHER_WEIGHT_ENDINGS: [&str; 5] = [".bin", ".pt", ".pth", ".ckpt", ".gguf"];
/// Files of a tokenizer that are of no use without a vocabulary.
const WITHOUT_VOCABULARY: [&str; 2] = ["merges.txt", "tokenizer_config.json"];
/// Names in a folder that are read at most, since a folder may hold anything.
const MAX_NAMES: usize = 10_000;

/// Returns the error for the file `name`, which does not exist in the folder.
pub(super) fn missing(folder: &Path, name: &str) -> ModelError {
    let path = folder.join(name);
    let (cause, remedy) = match path.is_symlink() {
        true => ("it is a link to a file that does not exist".into(), Remedy::ReplaceMismatchedFiles),
        false => instead(folder, name),
    };
    ModelError::MissingFile { path, cause, remedy }
}

/// Returns the error for parts of weights that the file `index` names and that do not exist, if there are any.
pub(super) fn missing_parts(folder: &Path, index: &str, absent: &[&str]) -> Option<ModelError> {
    let path = folder.join(absent.first()?);
    let others = match &absent[1..] {
        [] => String::new(),
        [other] => format!(", and `{other}` is missing as well"),
        others => format!(", and {} other parts are missing as well", others.len()),
    };
    let cause = format!("there is no such file, but `{index}` names it{others}");
    Some(ModelError::MissingFile { path, cause, remedy: Remedy::FetchShards })
}

/// Returns what the folder holds in place of a file, as a cause, and what to do about it.
fn instead(folder: &Path, name: &str) -> (String, Remedy) {
    let names = names(folder);
    let find = |is_it: &dyn Fn(&str) -> bool| names.iter().find(|name| is_it(name)).cloned();
    let there_is = |what: String| format!("there is no such file, but {what}");
    if name != TOKENIZER
        && let Some(adapter) = find(&|name| name.starts_with("adapter_model.") || name == "adapter_config.json")
        && !(folder.join(CONFIG).exists() && folder.join(WEIGHTS).exists())
    {
        return (there_is(format!("`{adapter}`: this is an adapter, not a whole model")), Remedy::MergeAdapter);
    }
    if name == CONFIG
        && let Some(found) = subfolders(folder, &names)
    {
        return (there_is(found), Remedy::UseSubfolder);
    }
    if name == WEIGHTS {
        let shards: Vec<_> = names.iter().filter(|name| name.ends_with(".safetensors") && is_part(name)).collect();
        if let Some(first) = shards.first() {
            let parts = if shards.len() == 1 { "one part".into() } else { format!("{} parts", shards.len()) };
            return (
                there_is(format!("{parts} of it, such as `{first}`, without `{WEIGHTS_INDEX}`")),
                Remedy::AddShardIndex,
            );
        }
        if let Some(other) = find(&|name| name.ends_with(".safetensors")) {
            return (there_is(format!("`{other}`")), Remedy::RenameWeights);
        }
        if let Some(pickle) = PICKLES.into_iter().find(|known| names.iter().any(|name| name == known)) {
            return (there_is(format!("`{pickle}`, a pickle, which is read only on request")), Remedy::AllowPickle);
        }
        let known = OTHER_WEIGHTS.into_iter().find(|known| names.iter().any(|name| name == known)).map(str::to_owned);
        let is_other = |name: &str| {
            OTHER_WEIGHT_ENDINGS.iter().any(|ending| name.ends_with(ending)) && name != "training_args.bin"
        };
        if let Some(other) = known.or_else(|| find(&is_other)) {
            return (there_is(format!("`{other}`, which Newsdesk does not read")), Remedy::ConvertWeights);
        }
        if let Some(onnx) = find(&|name| name == "onnx" || name.ends_with(".onnx")) {
            return (there_is(format!("`{onnx}`, an ONNX export")), Remedy::FetchCheckpoint);
        }
    }
    if name == TOKENIZER {
        let found: Vec<String> = WITHOUT_VOCABULARY
            .iter()
            .filter(|known| names.iter().any(|name| name == *known))
            .map(|n| format!("`{n}`"))
            .collect();
        if !found.is_empty() {
            return (there_is(found.join(", ")), Remedy::SaveFastTokenizer);
        }
    }
    match names.is_empty() {
        true => ("the folder is empty".into(), Remedy::UseModelFolder),
        false => ("there is no such file".into(), Remedy::CompleteModelFolder),
    }
}

/// Describes the subfolders that hold models, such as the checkpoints of transformers' `Trainer`.
fn subfolders(folder: &Path, names: &[String]) -> Option<String> {
    let holds_model = |name: &&String| [CONFIG, MANIFEST].iter().any(|file| folder.join(name).join(file).is_file());
    let found: Vec<&String> = names.iter().filter(|name| !name.starts_with('.')).filter(holds_model).collect();
    match found.as_slice() {
        [] => None,
        [only] => Some(format!("there is a model in its subfolder `{only}`")),
        [.., last] => Some(format!("there are models in {} subfolders, such as `{last}`", found.len())),
    }
}

/// Returns the names in a folder, sorted. A folder that cannot be listed has none.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let names = entries.flatten().take(MAX_NAMES).map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Asserts what the error says if a folder holds these files and not the file `name`.
    #[track_caller]
    fn check(name: &str, files: &[&str], cause: &str, remedy: Remedy) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        match missing(folder.path(), name) {
            ModelError::MissingFile { cause: found, remedy: hint, .. } => {
                assert_eq!((found.as_str(), hint), (cause, remedy))
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn weights_in_other_forms_are_named() {
        let check = |files: &[&str], what: &str, remedy| {
            check(WEIGHTS, files, &format!("there is no such file, but {what}"), remedy);
        };
        let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        check(
            &shards,
            "2 parts of it, such as `model-00001-of-00002.safetensors`, without `model.safetensors.index.json`",
            Remedy::AddShardIndex,
        );
        for pickle in ["pytorch_model.bin", "pytorch_model.bin.index.json"] {
            check(
                &["training_args.bin", "tf_model.h5", pickle],
                &format!("`{pickle}`, a pickle, which is read only on request"),
                Remedy::AllowPickle,
            );
        }
        check(&["tf_model.h5"], "`tf_model.h5`, which Newsdesk does not read", Remedy::ConvertWeights);
        check(&["best.ckpt"], "`best.ckpt`, which Newsdesk does not read", Remedy::ConvertWeights);
        check(&["weights.safetensors"], "`weights.safetensors`", Remedy::RenameWeights);
        check(&["onnx/model.onnx", "config.json"], "`onnx`, an ONNX export", Remedy::FetchCheckpoint);
        check(
            &["adapter_config.json", "adapter_model.safetensors"],
            "`adapter_config.json`: this is an adapter, not a whole model",
            Remedy::MergeAdapter,
        );
    }

    #[test]
    fn models_in_subfolders_and_other_vocabularies_are_named() {
        let no = "there is no such file";
        check(
            CONFIG,
            &["bert/config.json"],
            &format!("{no}, but there is a model in its subfolder `bert`"),
            Remedy::UseSubfolder,
        );
        let two = format!("{no}, but there are models in 2 subfolders, such as `checkpoint-20`");
        check(CONFIG, &["checkpoint-10/config.json", "checkpoint-20/config.json"], &two, Remedy::UseSubfolder);
        check(
            TOKENIZER,
            &["config.json", "tokenizer_config.json", "merges.txt"],
            &format!("{no}, but `merges.txt`, `tokenizer_config.json`"),
            Remedy::SaveFastTokenizer,
        );
        check(CONFIG, &[], "the folder is empty", Remedy::UseModelFolder);
        check(TOKENIZER, &["config.json"], no, Remedy::CompleteModelFolder);
    }
}
