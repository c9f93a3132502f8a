//! Models on disk: folders that transformers can read, with Newsdesk's manifest beside the weights.

mod any;
mod checkpoint;
mod convert;
mod derived;
mod export;
#[cfg(feature = "embedded-model")]
mod embedded;
mod files;
mod layers;
mod linear;
mod manifest;
mod missing;
mod names;
mod open;
mod records;
mod save;
mod task;

pub use any::AnyModel;
pub use checkpoint::{OpenOptions, is_complete};
pub use convert::convert;
pub use export::export;
pub use manifest::Manifest;
pub(crate) use names::{MAX_TOKENIZER, WEIGHTS as WEIGHTS_FILE};
pub use names::{NeededFiles, WEIGHT_FILES, files_beside_weights, files_of, needed_files};
pub use open::{Model, architecture_of, architecture_of_config};
pub use records::{AveragedRecord, ScoreRecord, TargetRecord, TrainingRecord, WindowRecord};
pub use save::{Storage, check_writable, save, save_linear, save_manifest, weights_bytes};
