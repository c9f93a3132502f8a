//! Hints for errors of `newsdesk-model`.

use newsdesk_model::{ModelError, Remedy};

/// Returns the hint for an error, if there is one.
pub fn hint(error: &ModelError) -> Option<String> {
    error.remedy().as_ref().map(hint_text)
}

/// Returns the hint for a remedy: an instruction to the user of the command line.
pub fn hint_text(remedy: &Remedy) -> String {
    let text = match remedy {
        Remedy::UseModelFolder => {
            "name a model folder with `config.json`, `tokenizer.json` and `model.safetensors`, as `newsdesk train` and \
             transformers' `save_pretrained` write it, or a model of the Hugging Face hub as ORG/NAME"
        }
        Remedy::CompleteModelFolder => {
            "add the file: a model folder holds `config.json`, `tokenizer.json` and `model.safetensors`"
        }
        Remedy::UseEncoderModel => {
            "name a model with an encoder: linear models cannot be a base or a teacher, and have no dtypes to certify"
        }
        Remedy::UseInferenceModel => {
            "`--labels` needs a checkpoint for natural language inference (NLI), at least two different labels, and {} in \
             `--hypothesis`"
        }
        Remedy::TrainWithPooler => {
            "train the head with `--pooling pooler`, which is what classifiers of transformers have"
        }
        Remedy::TrainHead => "train a head on it with `newsdesk train --base`",
        Remedy::MakeFolderWritable => "choose a folder with write permission on a disk with free space",
        Remedy::ReplaceMismatchedFiles => {
            "fetch the model again: its files do not belong together, or a download is incomplete"
        }
        Remedy::ReduceGpuMemory => {
            "free GPU memory, or use `--device cpu`; in training, use a smaller `--micro-batch-size`"
        }
        Remedy::UseAutomaticDtype => "leave out `--dtype`, or use `--dtype auto`",
        Remedy::UseAvailableDevice => {
            "use `--device cpu`, or `--device auto` for the best device of this machine; GPUs need a build with the feature `cuda` or `metal`, as docs/gpu.md describes"
        }
        Remedy::DownloadWeights => {
            "fetch the file again: the download is incomplete, or only a Git LFS pointer was fetched (`git lfs pull` fetches the file)"
        }
        Remedy::UseRegularFile => "put the file of the model there: it must be a regular file of ordinary size",
        Remedy::ReplaceWeights => {
            "fetch the model again, or train it again with a lower `--learning-rate`: its weights are damaged or too large"
        }
        Remedy::FetchShards => "fetch the missing parts: the download is incomplete",
        Remedy::AddShardIndex => "fetch `model.safetensors.index.json` as well: it says which part holds which tensor",
        Remedy::AllowPickle => {
            "add `--allow-pickle`, or convert it once: `newsdesk models convert FOLDER --allow-pickle -o NEW_FOLDER` writes safetensors"
        }
        Remedy::SaveStateDict => {
            "save the state dict alone with a current version of torch: `torch.save(model.state_dict(), \"pytorch_model.bin\")`"
        }
        Remedy::SaveOwnClass => {
            "load the model with a class that is part of transformers, and save it: `save_pretrained(NEW_FOLDER)`"
        }
        Remedy::ConvertWeights => {
            "convert the weights to safetensors: `AutoModelForSequenceClassification.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)` \
             in transformers"
        }
        Remedy::RenameWeights => "rename it to `model.safetensors` if these are the weights",
        Remedy::MergeAdapter => {
            "merge the adapter into its base model: `merge_and_unload()` of the library peft, then `save_pretrained(NEW_FOLDER)`"
        }
        Remedy::FetchCheckpoint => "fetch the checkpoint that was exported, with its `model.safetensors`",
        Remedy::UseSubfolder => "name the subfolder",
        Remedy::UseFewerThreads => {
            "use a smaller `--threads`, or raise the limits on processes and memory (`ulimit -u`, `ulimit -v`)"
        }
        Remedy::RestoreManifest => "undo changes made by hand; `newsdesk train` writes this file",
        Remedy::UseSupportedCheckpoint => {
            "use a text classifier or an encoder of a supported architecture, as transformers and Newsdesk write it"
        }
        Remedy::SaveFastTokenizer => {
            "save `tokenizer.json` with the tokenizers library, or with transformers: `AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)`"
        }
    };
    text.into()
}
