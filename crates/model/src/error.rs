//! Errors from the model folder to the prediction, and the remedy for each.

use crate::dtype::Dtype;
use std::path::PathBuf;

/// An error of this crate. [`ModelError::remedy`] says what the user can do about it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of a model folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file that a model folder needs is missing.
    #[error("cannot read `{}`: {cause}", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
        /// What the folder holds instead.
        cause: String,
        /// What the user can do about it.
        remedy: Remedy,
    },
    /// A file of a model folder cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The path is not a model folder.
    #[error("cannot open the model `{}`: {cause}", path.display())]
    NotAModel {
        /// The path.
        path: PathBuf,
        /// The cause.
        cause: String,
    },
    /// The model has no head for text classification, so it cannot classify.
    #[error("cannot classify with the model `{name}`: {}", described(task.as_deref()))]
    NoHead {
        /// Name of the model.
        name: String,
        /// The task that the checkpoint is for, if it is known.
        task: Option<String>,
    },
    /// Zero-shot classification is not possible with this model or these labels.
    #[error("cannot classify with these labels: {cause}")]
    ZeroShot {
        /// The cause.
        cause: String,
    },
    /// These layers of a model cannot make another model.
    #[error("cannot keep only these layers: {cause}")]
    Layers {
        /// The cause.
        cause: String,
    },
    /// The model is linear, but an encoder is required.
    #[error("cannot open an encoder in `{}`: it is a linear model", path.display())]
    NoEncoder {
        /// The folder.
        path: PathBuf,
    },
    /// A file has contents that are invalid or not supported.
    #[error("cannot use `{key}` in `{file}`: {cause}")]
    Invalid {
        /// The file.
        file: String,
        /// The key or the position in it.
        key: String,
        /// The cause.
        cause: String,
    },
    /// The weights of a checkpoint cannot be read.
    #[error("cannot use the weights in `{file}`: {cause}")]
    Weights {
        /// The weights file, or the index of several.
        file: String,
        /// The cause.
        cause: String,
        /// What the user can do about it.
        remedy: Remedy,
    },
    /// The model of a checkpoint is Python code, which is not run.
    #[error("cannot use `auto_map` in `{file}`: it names Python code of the checkpoint's repository, which is not run")]
    RemoteCode {
        /// The configuration that names it.
        file: String,
    },
    /// A file does not fit the other files of the model.
    #[error("cannot use `{key}` in `{file}`: {cause}")]
    Mismatch {
        /// The file.
        file: String,
        /// The key in it.
        key: String,
        /// The cause.
        cause: String,
    },
    /// The weights lack a tensor that the configuration requires.
    #[error("cannot find tensor `{name}` in `{file}`")]
    MissingTensor {
        /// The weights file.
        file: String,
        /// The tensor's name.
        name: String,
    },
    /// A tensor holds a value that is no finite number.
    #[error("cannot use tensor `{name}` in `{file}`: it holds {value}, which is not a finite number")]
    NotFiniteWeight {
        /// The weights file.
        file: String,
        /// The tensor's name.
        name: String,
        /// The value: NaN or an infinity.
        value: f32,
    },
    /// A head returned a value that is no finite number, so there is no prediction.
    #[error("cannot classify {article}: head `{head}` returned {value}, which is not a finite number")]
    NotFinite {
        /// The article: its position if the caller knows it, otherwise its number in the call.
        article: ArticleName,
        /// The head.
        head: String,
        /// The value: NaN or an infinity.
        value: f32,
    },
    /// The system did not start a thread.
    #[error("cannot start a thread")]
    Thread {
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A tensor has a different shape from the one that the configuration requires.
    #[error(
        "cannot load tensor `{name}` from `{file}`: its shape is {found:?}, but `{required_by}` requires {expected:?}"
    )]
    WrongShape {
        /// The weights file.
        file: String,
        /// The tensor's name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Required shape.
        expected: Vec<usize>,
        /// The file that requires it: `config.json`, or `newsdesk.toml` for heads.
        required_by: &'static str,
    },
    /// The tokenizer failed on a text or on its own file.
    #[error("cannot tokenise with `{file}`: {cause}")]
    Tokenizer {
        /// The tokenizer's file.
        file: String,
        /// Message of the tokenizer.
        cause: String,
    },
    /// The requested device is not available.
    #[error("cannot open device `{device}`: {cause}")]
    Device {
        /// Name of the device.
        device: String,
        /// The cause.
        cause: String,
    },
    /// The model or its device does not support the requested dtype.
    #[error("cannot compute in {dtype}: {cause}")]
    Dtype {
        /// The dtype.
        dtype: Dtype,
        /// The cause.
        cause: String,
    },
    /// No classifier of transformers gives the same scores.
    #[error("cannot export the head `{head}`: {cause}")]
    CannotExport {
        /// Name of the head.
        head: String,
        /// The cause.
        cause: String,
    },
    /// The tensor library failed, because of a bug here or because memory ran out.
    #[error("cannot compute")]
    Compute(#[from] candle_core::Error),
}

/// The article of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArticleName {
    /// Its index among the texts of a call.
    Index(usize),
    /// Its position, such as a file and a line.
    Position(String),
}

impl std::fmt::Display for ArticleName {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Index(index) => write!(f, "article {}", index + 1),
            Self::Position(position) => f.write_str(position),
        }
    }
}

fn described(task: Option<&str>) -> String {
    task.map_or("it is an encoder without a classification head".into(), |task| {
        format!("it is a checkpoint for {task}, not for text classification")
    })
}

/// What the user can do about an error. The program that prints the error words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Name a folder that holds a model.
    UseModelFolder,
    /// Add the missing file to the model folder.
    CompleteModelFolder,
    /// Use a model with an encoder instead of a linear one.
    UseEncoderModel,
    /// Use a checkpoint for natural language inference, and at least two different labels.
    UseInferenceModel,
    /// Train a classification head on the encoder.
    TrainHead,
    /// Train a head behind the layer that classifiers of transformers have.
    TrainWithPooler,
    /// Free disk space, or write to a folder with write permission.
    MakeFolderWritable,
    /// Replace files that come from different models or from an incomplete download.
    ReplaceMismatchedFiles,
    /// Reduce the GPU memory that a training step needs.
    ReduceGpuMemory,
    /// Leave the choice of the dtype to the program.
    UseAutomaticDtype,
    /// Choose a device that this machine has.
    UseAvailableDevice,
    /// Download the weights file again.
    DownloadWeights,
    /// Put a regular file of the model in the place of what is there.
    UseRegularFile,
    /// Use other weights, or train the model again with a lower learning rate.
    ReplaceWeights,
    /// Fetch the missing parts of the weights.
    FetchShards,
    /// Add the index that belongs to the parts of the weights.
    AddShardIndex,
    /// Allow the weights to be read from a pickle, or convert them once.
    AllowPickle,
    /// Save the weights again with a current version of torch, as a state dict alone.
    SaveStateDict,
    /// Save the checkpoint with a class of transformers.
    SaveOwnClass,
    /// Convert the weights of another library to safetensors.
    ConvertWeights,
    /// Give the weights file the name that model folders use.
    RenameWeights,
    /// Merge an adapter into its base model.
    MergeAdapter,
    /// Fetch the checkpoint that an ONNX export was made from.
    FetchCheckpoint,
    /// Name the subfolder with the model.
    UseSubfolder,
    /// Use fewer threads, or raise the limits of the system.
    UseFewerThreads,
    /// Undo changes to the manifest that were made by hand.
    RestoreManifest,
    /// Use a checkpoint of a supported architecture.
    UseSupportedCheckpoint,
    /// Save the tokenizer in the format of the tokenizers library.
    SaveFastTokenizer,
}

impl ModelError {
    /// Returns the same error with the position of the article, which `position` gets by its index in the call. Other errors
    /// stay as they are.
    pub fn with_position(self, position: impl FnOnce(usize) -> String) -> Self {
        match self {
            Self::NotFinite { article: ArticleName::Index(index), head, value } => {
                Self::NotFinite { article: ArticleName::Position(position(index)), head, value }
            }
            other => other,
        }
    }

    /// Returns what the user can do, or `None` if nothing helps.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some(Remedy::CompleteModelFolder)
            }
            Self::Read { source, .. } if is_unfit(source) => Some(Remedy::UseRegularFile),
            Self::Read { .. } | Self::Layers { .. } => None,
            Self::MissingFile { remedy, .. } | Self::Weights { remedy, .. } => Some(*remedy),
            Self::RemoteCode { .. } => Some(Remedy::SaveOwnClass),
            Self::NotFiniteWeight { .. } | Self::NotFinite { .. } => Some(Remedy::ReplaceWeights),
            Self::Thread { .. } => Some(Remedy::UseFewerThreads),
            Self::Write { .. } => Some(Remedy::MakeFolderWritable),
            Self::NotAModel { .. } => Some(Remedy::UseModelFolder),
            Self::NoHead { .. } => Some(Remedy::TrainHead),
            Self::ZeroShot { .. } => Some(Remedy::UseInferenceModel),
            Self::NoEncoder { .. } => Some(Remedy::UseEncoderModel),
            Self::Invalid { file, .. }
                if [".safetensors", ".bin", ".index.json"].iter().any(|end| file.ends_with(end)) =>
            {
                Some(Remedy::DownloadWeights)
            }
            Self::Invalid { file, .. } if file.ends_with("newsdesk.toml") => Some(Remedy::RestoreManifest),
            Self::Invalid { .. } => Some(Remedy::UseSupportedCheckpoint),
            Self::Mismatch { .. } | Self::MissingTensor { .. } | Self::WrongShape { .. } => {
                Some(Remedy::ReplaceMismatchedFiles)
            }
            Self::Tokenizer { .. } => Some(Remedy::SaveFastTokenizer),
            Self::CannotExport { .. } => Some(Remedy::TrainWithPooler),
            Self::Device { device, .. } if device == "cpu" => None,
            Self::Device { .. } => Some(Remedy::UseAvailableDevice),
            Self::Dtype { .. } => Some(Remedy::UseAutomaticDtype),
            Self::Compute(cause) => is_gpu_out_of_memory(cause).then_some(Remedy::ReduceGpuMemory),
        }
    }
}

/// Returns whether a path cannot be a file of a model, because it is a folder, a device or a file above the size limit.
fn is_unfit(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::FileTooLarge | std::io::ErrorKind::InvalidInput)
}

/// Returns whether a failure means that a GPU had too little free memory.
fn is_gpu_out_of_memory(error: &candle_core::Error) -> bool {
    match error {
        candle_core::Error::WithBacktrace { inner, .. }
        | candle_core::Error::WithPath { inner, .. }
        | candle_core::Error::Context { inner, .. } => is_gpu_out_of_memory(inner),
        #[cfg(feature = "cuda")]
        candle_core::Error::Cuda(cause) => is_cuda_out_of_memory(cause.as_ref()),
        _ => false,
    }
}

/// Returns whether an error of candle's CUDA backend carries the driver's code for exhausted memory.
#[cfg(feature = "cuda")]
fn is_cuda_out_of_memory(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    use candle_core::cuda_backend::{CudaError, cudarc::driver::sys::CUresult};
    let Some(CudaError::Cuda(cause)) = error.downcast_ref() else { return false };
    cause.0 == CUresult::CUDA_ERROR_OUT_OF_MEMORY
}

/// Result with the error of this crate.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_tensor_failures_are_not_taken_for_a_full_gpu() {
        let cause = candle_core::Error::Msg("CUDA_ERROR_OUT_OF_MEMORY".into());
        assert_eq!(ModelError::from(cause.context("a batch")).remedy(), None, "the words of a message decided");
    }

    #[cfg(feature = "cuda")]
    #[test]
    fn a_full_gpu_is_recognised_by_the_code_of_the_driver() {
        use candle_core::cuda_backend::{CudaError, cudarc::driver::DriverError, cudarc::driver::sys::CUresult};
        let remedy = |code| {
            let cause = candle_core::Error::from(CudaError::Cuda(DriverError(code)));
            ModelError::from(cause.context("a batch")).remedy()
        };
        assert_eq!(remedy(CUresult::CUDA_ERROR_OUT_OF_MEMORY), Some(Remedy::ReduceGpuMemory));
        assert_eq!(remedy(CUresult::CUDA_ERROR_ILLEGAL_ADDRESS), None);
    }
}
