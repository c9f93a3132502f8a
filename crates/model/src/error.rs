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
    /// The model is an encoder without a classification head, so it cannot classify.
    #[error("cannot classify with the model `{name}`: it is an encoder without a classification head")]
    NoHead {
        /// Name of the model.
        name: String,
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
    /// The weights lack a tensor that the configuration requires.
    #[error("cannot find tensor `{name}` in `{file}`")]
    MissingTensor {
        /// The weights file.
        file: String,
        /// The tensor's name.
        name: String,
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
    /// The tensor library failed, because of a bug here or because memory ran out.
    #[error("cannot compute")]
    Compute(#[from] candle_core::Error),
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
    /// Train a classification head on the encoder.
    TrainHead,
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
    /// Undo changes to the manifest that were made by hand.
    RestoreManifest,
    /// Use a checkpoint of a supported architecture.
    UseSupportedCheckpoint,
    /// Save the tokenizer in the format of the tokenizers library.
    SaveFastTokenizer,
}

impl ModelError {
    /// Returns what the user can do, or `None` if nothing helps.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some(Remedy::CompleteModelFolder)
            }
            Self::Read { .. } => None,
            Self::Write { .. } => Some(Remedy::MakeFolderWritable),
            Self::NotAModel { .. } => Some(Remedy::UseModelFolder),
            Self::NoHead { .. } => Some(Remedy::TrainHead),
            Self::NoEncoder { .. } => Some(Remedy::UseEncoderModel),
            Self::Invalid { file, .. } if file.ends_with("safetensors") => Some(Remedy::DownloadWeights),
            Self::Invalid { file, .. } if file.ends_with("newsdesk.toml") => Some(Remedy::RestoreManifest),
            Self::Invalid { .. } => Some(Remedy::UseSupportedCheckpoint),
            Self::MissingTensor { .. } | Self::WrongShape { .. } => Some(Remedy::ReplaceMismatchedFiles),
            Self::Tokenizer { .. } => Some(Remedy::SaveFastTokenizer),
            Self::Device { device, .. } if device == "cpu" => None,
            Self::Device { .. } => Some(Remedy::UseAvailableDevice),
            Self::Dtype { .. } => Some(Remedy::UseAutomaticDtype),
            Self::Compute(cause) => is_gpu_out_of_memory(cause).then_some(Remedy::ReduceGpuMemory),
        }
    }
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
