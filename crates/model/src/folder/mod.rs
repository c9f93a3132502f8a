//! Models on disk: a folder that transformers reads as well, with Newsdesk's manifest beside it.

#[cfg(feature = "embedded-model")]
mod embedded;
mod manifest;
mod open;
mod save;

pub use manifest::{Manifest, ScoreRecord, TrainingRecord, WindowRecord};
pub use open::Model;
pub use save::{Storage, save, weights_bytes};

/// File names of a model folder.
pub(crate) mod file {
    pub(crate) const CONFIG: &str = "config.json";
    pub(crate) const TOKENIZER: &str = "tokenizer.json";
    pub(crate) const WEIGHTS: &str = "model.safetensors";
    pub(crate) const MANIFEST: &str = "newsdesk.toml";
}
