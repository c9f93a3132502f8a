//! Models on disk: folders that transformers can read, with Newsdesk's manifest beside the weights.

mod any;
#[cfg(feature = "embedded-model")]
mod embedded;
mod files;
mod linear;
mod manifest;
mod missing;
mod names;
mod open;
mod records;
mod save;
mod sizes;
mod task;

pub use any::AnyModel;
pub use manifest::Manifest;
pub(crate) use names::{MAX_TOKENIZER, WEIGHTS as WEIGHTS_FILE};
pub use open::Model;
pub use records::{AveragedRecord, ScoreRecord, TargetRecord, TrainingRecord, WindowRecord};
pub use save::{Storage, check_writable, save, save_linear, save_manifest, weights_bytes};
pub(crate) use task::other_task;
