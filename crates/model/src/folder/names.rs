//! The names and maximum sizes of the files in a model folder.

pub(super) const CONFIG: &str = "config.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(crate) const WEIGHTS: &str = "model.safetensors";
/// The index of weights in several parts.
pub(super) const WEIGHTS_INDEX: &str = "model.safetensors.index.json";
/// The weights as `torch.save` writes them.
pub(super) const PICKLE: &str = "pytorch_model.bin";
/// The index of such weights in several parts.
pub(super) const PICKLE_INDEX: &str = "pytorch_model.bin.index.json";
pub(super) const MANIFEST: &str = "newsdesk.toml";
/// The file in which sentence-transformers stores the pooling of an encoder.
pub(super) const POOLING: &str = "1_Pooling/config.json";

/// Maximum size of `config.json`, the manifest and the pooling in bytes: room for a hundred thousand labels.
pub(super) const MAX_CONFIG: u64 = 16 << 20;
/// Maximum size of `tokenizer.json` in bytes: four times that of large multilingual vocabularies.
pub(crate) const MAX_TOKENIZER: u64 = 64 << 20;
/// Maximum size of the weights in bytes.
pub(super) const MAX_WEIGHTS: u64 = 32 << 30;
