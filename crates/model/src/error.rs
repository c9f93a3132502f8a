//! What can go wrong between a model folder and a prediction.

use crate::dtype::Dtype;
use std::path::PathBuf;

/// An error of this crate. The message says what failed; [`ModelError::hint`] what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of a model folder could not be read.
    #[error("Failed to read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of a model folder could not be written.
    #[error("Failed to write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The path is not a model folder at all.
    #[error("Failed to open the model `{}`: {cause}", path.display())]
    NotAModel {
        /// What was given.
        path: PathBuf,
        /// Why it is none.
        cause: String,
    },
    /// The model is a linear one, where one with an encoder is wanted.
    #[error("Failed to open an encoder in `{}`: it is a linear model, which has none", path.display())]
    NoEncoder {
        /// The folder.
        path: PathBuf,
    },
    /// A file was read and not understood.
    #[error("Failed to understand `{key}` in `{file}`: {cause}")]
    Invalid {
        /// The file.
        file: String,
        /// The key, or the place, in it.
        key: String,
        /// What is wrong.
        cause: String,
    },
    /// A tensor that the configuration asks for is not in the weights.
    #[error("Failed to find tensor `{name}` in `{file}`")]
    MissingTensor {
        /// The weights file.
        file: String,
        /// The tensor's name.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error("Failed to load tensor `{name}` from `{file}`: its shape is {found:?}, `{asked_by}` asks for {expected:?}")]
    WrongShape {
        /// The weights file.
        file: String,
        /// The tensor's name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape by the configuration.
        expected: Vec<usize>,
        /// The file that says so: `config.json`, or `newsdesk.toml` for heads.
        asked_by: &'static str,
    },
    /// The tokenizer failed on a text or on its own file.
    #[error("Failed to tokenize with `{file}`: {cause}")]
    Tokenizer {
        /// The tokenizer's file.
        file: String,
        /// What it said.
        cause: String,
    },
    /// The device that was asked for is not there.
    #[error("Failed to open device `{device}`: {cause}")]
    Device {
        /// As it was asked for.
        device: String,
        /// Why not.
        cause: String,
    },
    /// Numbers were asked for that the model or its device does not compute in.
    #[error("Failed to compute in {dtype}: {cause}")]
    Dtype {
        /// The numbers.
        dtype: Dtype,
        /// Why not.
        cause: String,
    },
    /// A name was given that the model does not have.
    #[error("Failed to find {what} `{name}` in the model; it has {known}")]
    Unknown {
        /// What kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// The tensor library failed; a bug here or memory that ran out.
    #[error("Failed to compute")]
    Compute(#[from] candle_core::Error),
}

impl ModelError {
    /// What the user can do, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotAModel { .. } => Some(
                "a model is a folder with `config.json`, `tokenizer.json` and `model.safetensors`, \
                 as `newsdesk train` and transformers' `save_pretrained` write it"
                    .into(),
            ),
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("a model folder holds `config.json`, `tokenizer.json` and `model.safetensors`".into())
            }
            Self::NoEncoder { .. } => Some(
                "linear models can be trained, measured, calibrated and used to classify; all else needs one with an encoder"
                    .into(),
            ),
            Self::Write { .. } => Some("the folder must be one that you may write to, on a disk with room".into()),
            Self::MissingTensor { .. } | Self::WrongShape { .. } => {
                Some("the files of the folder do not belong together, or a download was cut short".into())
            }
            Self::Compute(cause) if cause.to_string().contains("OUT_OF_MEMORY") => {
                Some("the GPU has no room for so much at once: training needs less with a smaller `--micro-batch`".into())
            }
            Self::Dtype { .. } => Some("leave `--dtype` out, or give `auto`".into()),
            Self::Device { device, .. } if device != "cpu" => {
                Some("use `--device cpu`, or `--device auto` to take what this machine has".into())
            }
            Self::Invalid { file, .. } if file.ends_with("safetensors") => Some(
                "a download was cut short, or only its pointer was fetched (`git lfs pull` fetches the file)".into(),
            ),
            Self::Invalid { file, .. } if file.ends_with("newsdesk.toml") => {
                Some("`newsdesk train` writes it; what was changed by hand may have to be changed back".into())
            }
            Self::Invalid { .. } => Some(
                "BERT encoders with classification heads can be read, as transformers and Newsdesk write them".into(),
            ),
            Self::Tokenizer { .. } => Some(
                "`tokenizer.json` is written by the tokenizers library; transformers' fast tokenizers save it".into(),
            ),
            _ => None,
        }
    }
}

/// Shorthand of this crate.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_gpu_is_told_from_other_failures() {
        let failed = |cause: &str| ModelError::from(candle_core::Error::Msg(cause.into())).hint();
        let hint = failed("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")").expect("a hint");
        assert!(hint.contains("--micro-batch"), "{hint}");
        assert_eq!(failed("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS, \"an illegal memory access\")"), None);
    }
}
