//! Models on disk: a folder that transformers reads as well, with Newsdesk's manifest beside it.

#[cfg(feature = "embedded-model")]
mod embedded;
mod files;
mod manifest;
mod open;
mod save;

pub use manifest::{AveragedRecord, Manifest, MentionRecord, ScoreRecord, TrainingRecord, WindowRecord};
pub use open::Model;
pub use save::{Storage, check_writable, save, save_manifest, weights_bytes};
