//! Models on disk: a folder that transformers reads as well, with Newsdesk's manifest beside it.

mod any;
#[cfg(feature = "embedded-model")]
mod embedded;
mod files;
mod manifest;
mod open;
mod save;
mod whole;

pub use any::AnyModel;
pub(crate) use files::WEIGHTS as WEIGHTS_FILE;
pub use manifest::{AveragedRecord, Manifest, MentionRecord, ScoreRecord, TrainingRecord, WindowRecord};
pub use open::Model;
pub use save::{Storage, check_writable, save, save_linear, save_manifest, weights_bytes};
pub use whole::{partial, write_whole};
