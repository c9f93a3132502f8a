//! The files of a model folder: their names, and their contents wherever they come from.

use std::borrow::Cow;
use std::path::PathBuf;

pub(super) const CONFIG: &str = "config.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const MANIFEST: &str = "newsdesk.toml";
/// How sentence-transformers says which pooling an encoder wants.
pub(super) const POOLING: &str = "1_Pooling/config.json";

/// The contents of a model's files.
pub(super) struct Files<'a> {
    pub(super) origin: PathBuf,
    pub(super) config: &'a [u8],
    pub(super) tokenizer: Vec<u8>,
    pub(super) weights: Cow<'static, [u8]>,
    pub(super) manifest: Option<&'a str>,
    pub(super) pooling: Option<&'a [u8]>,
}
