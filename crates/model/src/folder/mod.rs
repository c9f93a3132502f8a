//! Models on disk: folders that transformers can read, with Newsdesk's manifest beside the weights.

mod any;
#[cfg(feature = "embedded-model")]
mod embedded;
mod files;
mod linear;
mod manifest;
mod open;
mod records;
mod save;

pub use any::AnyModel;
pub(crate) use files::WEIGHTS as WEIGHTS_FILE;
pub use manifest::Manifest;
pub use open::Model;
pub use records::{AveragedRecord, ScoreRecord, TargetRecord, TrainingRecord, WindowRecord};
pub use save::{Storage, check_writable, save, save_linear, save_manifest, weights_bytes};
